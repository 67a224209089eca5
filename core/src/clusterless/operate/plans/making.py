"""Plans are made, kept as objects beside the state of their first arc, and found again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime

from attrs import define, field, frozen

from clusterless import codec, layout
from clusterless.deploy.resolve import site
from clusterless.engine.graph_parts import Node
from clusterless.engine.plan import Kind, Stage, Which, Why, WorkPlan, stretches, why
from clusterless.engine.ranges import LotRange, runs
from clusterless.errors import ClsError, ObjectMissingError, did_you_mean
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot, LotUnit
from clusterless.operate.candidates import Candidates
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.operate.one_lot import check_unit
from clusterless.operate.plans.measuring import HISTORY, seconds_of, size_of
from clusterless.operate.source_lots import SourceLots
from clusterless.runtime.declaration import digest
from clusterless.runtime.switches import read_switches
from clusterless.store.api import ObjectStore


class PlanOutdatedError(ClsError):
    """What the plan was made for has changed since."""

    code = "plan-outdated"


class PlanMissingError(ClsError):
    """There is no plan of that id here."""

    code = "plan-missing"
    exit_code = 2


@frozen(kw_only=True)
class Asked:
    """What a plan is to hold: the lots of *lots*, or those that *within* gives for an arc's unit, or all there are.

    *which* of them; with *cascade* what comes downstream of them, as far as it is worked already.
    """

    kind: Kind
    which: Collection[Which]
    lots: Sequence[Lot] = ()
    within: Callable[[LotUnit], LotRange] | None = None
    newest_first: bool = True
    cascade: bool = False


# ---- making ----------------------------------------------------------------------------------------------------


def ordered(landscape: Landscape, chosen: Sequence[ArcView], follows: Callable[[ArcView], bool]) -> list[ArcView]:
    """*chosen*, each after what it reads of, with all that comes downstream of them as far as it *follows*."""
    wanted = list(chosen)
    for arc in wanted:
        readers = (reader for sink in arc.sinks.values() for reader in landscape.readers_of(sink))
        wanted += [reader for reader in readers if reader not in wanted and follows(reader)]
    makers: dict[Node, ArcView] = {sink: arc for arc in wanted for sink in arc.sinks.values()}
    result: list[ArcView] = []

    def add(arc: ArcView) -> None:
        if arc in result or arc in under_way:
            return
        under_way.append(arc)
        for node in arc.sources.values():
            if node in makers:
                add(makers[node])
        result.append(arc)

    under_way: list[ArcView] = []
    for arc in wanted:
        add(arc)
    return result


@define(eq=False)
class Planner:
    """Makes the stages of a plan, each arc's in the light of those before it.

    *running*: how many lots of each arc were asked about, and are left alone since they are being worked. *off*: the
    arcs downstream that are left out, since they are switched off.
    """

    landscape: Landscape
    asked: Asked
    now: datetime
    made: dict[Node, list[LotRange]] = field(factory=dict)  # by dataset, the lots that stages are to make
    running: Counter[str] = field(factory=Counter, init=False)
    off: dict[str, None] = field(factory=dict, init=False)
    _sources: SourceLots = field(factory=SourceLots, init=False)

    @property
    def left(self) -> int:
        """How many of those were to be worked whatever they come to."""
        return self.running.total() if {Which.COMPLETE, Which.ALL} & {*self.asked.which} else 0

    def stages(self, chosen: Sequence[ArcView]) -> Iterator[Stage]:
        for arc in ordered(self.landscape, chosen, self._follows):
            stage = self._stage(arc, is_chosen=arc in chosen)
            if stage.stretches:
                for sink in arc.sinks.values():
                    self.made.setdefault(sink, []).extend(each.lots for each in stage.stretches)
                yield stage

    def _follows(self, arc: ArcView) -> bool:
        """Whether the arc, which reads what others make, is worked after them: nobody has asked for it by name."""
        if not self.asked.cascade:
            return False
        is_off = read_switches(arc.state, arc.project).off(arc.arc.name) is not None
        if is_off:
            self.off[arc.name] = None
        return not is_off

    def _stage(self, arc: ArcView, *, is_chosen: bool) -> Stage:
        declaration = declared(self.landscape, arc)
        heard = {role: arc.sources[role] for role, _ in arc.reader.subscribed}
        coming = {role: self.made[node] for role, node in heard.items() if node in self.made}
        compared = declaration if Which.STALE in self.asked.which else ""
        stale = bool({*self.asked.which} & {Which.STALE, Which.COMPLETE, Which.ALL})
        looking = Candidates(self.landscape, arc, coming, stale=stale, declaration=compared, sources=self._sources)
        recent: deque[tuple[Lot, int]] = deque(maxlen=HISTORY)
        reasons = self._chosen(looking, recent) if is_chosen else _following(looking, recent)
        planned = tuple(stretches(reasons))
        size = size_of(self.landscape, arc, [each.lots for each in planned])
        return Stage(
            project=arc.project,
            placement=arc.placement,
            arc=arc.arc.name,
            declaration=declaration,
            stretches=planned,
            objects=size.objects,
            bytes=size.bytes,
            seconds=seconds_of(arc, recent) if planned else None,
        )

    def _chosen(self, looking: Candidates, recent: deque[tuple[Lot, int]]) -> Iterator[tuple[Lot, Why]]:
        for wanted in self._ranges(looking):
            for standing in looking.standings(wanted):
                if standing.state is ArcState.COMPLETE and standing.number:
                    recent.append((standing.lot, standing.number))
                if standing.state is ArcState.RUNNING:
                    self.running[looking.arc.name] += 1
                elif reason := why(standing, self.asked.which):
                    yield standing.lot, reason

    def _ranges(self, looking: Candidates) -> Sequence[LotRange]:
        arc = looking.arc
        if self.asked.lots:
            for lot in self.asked.lots:
                check_unit(arc, lot)
            return runs(self.asked.lots)
        if arc.unit and self.asked.within is not None:
            return [self.asked.within(arc.unit)]
        span = looking.span(self.now)
        return [span] if span else []


_UNMADE = {None: Why.MISSING, ArcState.MISSING: Why.FAILED, ArcState.PARTIAL: Why.PARTIAL}


def _following(looking: Candidates, recent: deque[tuple[Lot, int]]) -> Iterator[tuple[Lot, Why]]:
    """The lots that are made of what an earlier stage makes, and that were worked already.

    Where that came to nothing, or to half of it, they are worked whether or not what they are made of changes.
    """
    for each in looking.following():
        if each.state is ArcState.COMPLETE:
            recent.append((each.lot, each.number))
        yield each.lot, _UNMADE.get(each.state, Why.UPSTREAM)


def declared(landscape: Landscape, arc: ArcView) -> str:
    """What tells apart what the arc is declared as, now, from what it was."""
    deployable = site(landscape.surveyed, arc.placed).deployable
    return next(digest(each.element) for each in deployable.consumers if each.arc.name == arc.arc.name)


# ---- keeping ---------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Kept:
    """A plan, and the *state* store that it is kept in."""

    plan: WorkPlan
    keys: layout.PlanKeys
    state: ObjectStore = field(eq=False, repr=False)


def keep(landscape: Landscape, plan: WorkPlan) -> Kept:
    """Write the plan down, beside the state of its first arc."""
    first = arc_of(landscape, plan.stages[0])
    assert first
    keys = layout.PlanKeys(first.project, plan.id)
    first.state.create(keys.key, codec.record_bytes(plan))
    return Kept(plan=plan, keys=keys, state=first.state)


def arc_of(landscape: Landscape, stage: Stage) -> ArcView | None:
    """The arc of a stage, where it is in view; of a project that is asked about, what is declared of it now."""
    wanted = (stage.placement, stage.project)
    known = (arc for arc in landscape.arcs if arc.arc.name == stage.arc and (arc.placement, arc.project) == wanted)
    return next((arc for arc in known if arc.placed.part.file in landscape.files or wanted not in landscape.own), None)


def plans_in(stores: Iterable[ObjectStore]) -> Iterator[tuple[ObjectStore, layout.PlanKeys]]:
    """All plans that are kept in some state stores, in order of project and time, by a listing each."""
    for state in {store.root: store for store in stores}.values():
        for info in state.list(layout.PLANS):
            if keys := layout.parse_plan(info.key):
                yield state, keys


def find_plan(stores: Iterable[ObjectStore], plan_id: str) -> Kept:
    """The plan of that id.

    Raises:
        PlanMissingError: there is none.
        MalformedError: it cannot be read.
    """
    known: list[str] = []
    for state, keys in plans_in(stores):
        if keys.plan == plan_id:
            return read_plan(state, keys)
        known.append(keys.plan)
    msg = f"there is no plan {plan_id[:60]!r} here"
    otherwise = "cls plans lists those that there are; -p FILE looks where that project lives"
    raise PlanMissingError(msg, hint=did_you_mean(plan_id, known, otherwise))


def read_plan(state: ObjectStore, keys: layout.PlanKeys) -> Kept:
    """The plan that is kept there.

    Raises:
        MalformedError: it cannot be read.
    """
    try:
        body = state.get(keys.key)
    except ObjectMissingError as error:
        msg = f"the plan {keys.plan} is gone"
        raise PlanMissingError(msg) from error
    return Kept(plan=codec.read_record(body, WorkPlan, source=layout.uri(state.root, keys.key)), keys=keys, state=state)


def check_current(landscape: Landscape, plan: WorkPlan, *, anyway: bool) -> None:
    """Refuse a plan that was made for something else than what there is now, unless it is to be worked *anyway*.

    Raises:
        PlanOutdatedError: an arc is not there any more, or is declared otherwise.
    """
    for stage in plan.stages:
        arc = arc_of(landscape, stage)
        if arc is None:
            msg = f"plan {plan.id} works {stage.name}, which is not declared any more"
            raise PlanOutdatedError(msg, hint="name its project file with -p, or make another plan")
        if not anyway and declared(landscape, arc) != stage.declaration:
            msg = f"plan {plan.id} was made for another declaration of {stage.name} than there is now"
            raise PlanOutdatedError(msg, hint="make another plan, or add --anyway to work its lots as they are now")
