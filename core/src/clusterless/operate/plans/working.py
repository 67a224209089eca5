"""A plan is worked: arc by arc, lot by lot, giving way to what is live; stopped at any time, and gone on with."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from math import inf
from pathlib import Path
from time import monotonic

from attrs import define, evolve, field, frozen

from clusterless.engine.lot_states import attempt_number
from clusterless.engine.plan import Came, Covered, Why, WorkPlan, differing, in_order, in_unit, replaces, resting
from clusterless.engine.ranges import LotRange
from clusterless.errors import ClsError
from clusterless.model.dataset import JoinedDataset
from clusterless.model.ledger import Claim, Complete, Failed
from clusterless.model.lot import Lot
from clusterless.operate.bench import open_views, workbench
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.operate.plans.live import LiveLots
from clusterless.operate.plans.making import Kept, arc_of
from clusterless.operate.plans.progress import Progress, read_progress
from clusterless.operate.plans.publishing import Publishing
from clusterless.operate.plans.results import last_result, note_before, read_before
from clusterless.runner.happenings import Happening, Trouble
from clusterless.runner.lots import Lots, may_pass
from clusterless.runner.opening import Workbench
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.delivery import Delivered, deliver
from clusterless.runtime.replay import roll_back_once

_LOOK = 1.0  # seconds between two looks at what others make of a lot
_TICK = 0.2  # seconds that nothing is looked at, unless something wakes us
_MINUTE = 60.0


@frozen(kw_only=True)
class How:
    """How to work a plan: so many lots at a time, at most *rate* begun in a minute, or *publish* them for others.

    What workloads print is kept below *scratch*; *workloads* names the container engine that works arcs of a
    container kind, none: each by its own component.
    """

    scratch: Path
    concurrency: int
    rate: float | None = None
    workloads: str = ""
    publish: bool = False


def reason_of(plan: WorkPlan) -> str:
    """What the ledgers say of why lots were rolled back."""
    return f"{plan.kind.value} {plan.id}"


def work_plan(
    landscape: Landscape,
    kept: Kept,
    how: How,
    tell: Callable[[Happening], None],
    stop: threading.Event,
    step: Callable[[float], None] = lambda _: None,
) -> Progress:
    """Work what is left of the plan, until *stop* is set; *step* is called with how much of it is done, from 0 to 1.

    Raises:
        ClsError: something declared cannot be had; nothing was begun.
    """
    views = [arc_of(landscape, stage) for stage in kept.plan.stages]
    found = [view for view in views if view]
    assert len(found) == len(views), "the plan was checked"
    with ExitStack() as stack:
        bench = stack.enter_context(workbench(landscape, how.scratch, stop.is_set, how.workloads))
        arcs = open_views(landscape, found, bench, stack)
        progress = Progress(kept, bench.writer, kept.state.now, list(read_progress(kept)))
        try:
            _Working(kept, how, found, arcs, bench, progress, tell, stop, step).run()
        finally:
            progress.close()
    return progress


@define(eq=False)
class _Working:
    kept: Kept
    how: How
    views: Sequence[ArcView]
    arcs: Sequence[RunningArc]
    bench: Workbench
    progress: Progress
    tell: Callable[[Happening], None]
    stop: threading.Event
    step: Callable[[float], None]
    wake: threading.Event = field(factory=threading.Event)
    begun: float = -inf  # when the last lot was

    @property
    def plan(self) -> WorkPlan:
        return self.kept.plan

    def run(self) -> None:
        for index in range(len(self.plan.stages)):
            if not self.stop.is_set():
                (self._publish if self.how.publish else self._work)(index)
                self.progress.record()

    # ---- here ----

    def _work(self, index: int) -> None:
        stage = _Stage(self, index)
        lots = Lots(self.how.concurrency, self.tell, self.wake.set, bring=stage.bring)
        live = LiveLots(self.arcs[index], Covered(each.lots for each in self.plan.stages[index].stretches))
        owed = stage.owed()
        ahead = next(owed, None)
        try:
            while not self.stop.is_set() and (ahead or lots.busy or lots.awaited):
                before = lots.started, lots.settled
                lots.collect()
                lots.start_due()
                while ahead and self._may_begin(lots, live):
                    stage.reasons[ahead[0]] = ahead[1]
                    lots.start(self.arcs[index], ahead[0])
                    ahead = next(owed, None)
                self._tell_progress()
                if before == (lots.started, lots.settled):
                    self._rest(lots)
        finally:
            lots.close()

    def _may_begin(self, lots: Lots, live: LiveLots) -> bool:
        """Whether there is room: for one lot at a time where others are busy with live ones."""
        if self.stop.is_set() or not lots.free or (lots.busy and live.are_worked()):
            return False
        return self._keep_rate()

    def _keep_rate(self) -> bool:
        now = monotonic()
        if self.how.rate and now - self.begun < _MINUTE / self.how.rate:
            return False
        self.begun = now
        return True

    def _rest(self, lots: Lots) -> None:
        due = lots.next_due()
        pause = min(_TICK, _MINUTE / self.how.rate) if self.how.rate else _TICK
        self.wake.wait(pause if due is None else min(pause, due))
        self.wake.clear()

    def _tell_progress(self) -> None:
        if counts := self.progress.tick():
            self.step(sum(count.lots for count in counts) / max(self.plan.lots, 1))

    # ---- elsewhere ----

    def _publish(self, index: int) -> None:
        """Where other arcs follow, what the lots come to is waited for, since it tells what is to follow."""
        stage = _Stage(self, index)
        publishing = Publishing(self.views[index], self.arcs[index], self.bench, reason_of(self.plan))
        awaited: deque[Lot] = deque()
        for lot, why in stage.owed():
            while not self._keep_rate() and not self.stop.wait(_TICK):
                self._tell_progress()
            if self.stop.is_set():
                return
            stage.keep_before(lot)
            if not publishing.send(lot, why):
                self.progress.note(index, lot, Came.LEFT)
            elif stage.is_followed:
                awaited.append(lot)
            else:
                self.progress.note(index, lot, Came.PUBLISHED)
            self._tell_progress()
        self._await(stage, awaited)

    def _await(self, stage: _Stage, lots: deque[Lot]) -> None:
        while lots and not self.stop.is_set():
            came = stage.came_elsewhere(lots[0])
            if came:
                self.progress.note(stage.index, lots.popleft(), came)
            else:
                self.stop.wait(_LOOK)
            self._tell_progress()


@define(eq=False)
class _Stage:
    """One arc's lots: which are owed, how each is worked, and what becomes of it."""

    working: _Working
    index: int
    reasons: dict[Lot, Why] = field(factory=dict)  # of the lots that are under way
    rolled_back: set[Lot] = field(factory=set)  # likewise

    @property
    def arc(self) -> RunningArc:
        return self.working.arcs[self.index]

    def owed(self) -> Iterator[tuple[Lot, Why]]:
        """What is left to work, in order; what need not be since nothing has changed is noted."""
        plan, known = self.working.plan, self.working.progress.known
        rest = resting(known, self.index)
        upstream = self._upstream()
        unit = self.working.views[self.index].unit
        changed = [lots for stage in upstream for lots in differing(known, stage)] if unit else []
        touched = Covered(in_unit(lots, unit) for lots in changed) if unit else Covered()
        for lot, why in in_order(plan.stages[self.index].stretches, newest_first=plan.newest_first):
            if lot in rest:
                continue
            if why is not Why.UPSTREAM or lot in touched:
                yield lot, why
            else:
                self._note(lot, Came.LEFT if self._waits(lot, upstream) else Came.UNCHANGED)

    def bring(self, arc: RunningArc, lot: Lot) -> Delivered:
        """Bring the lot as far as it can be now; what others are at is left to them."""
        if self.working.stop.is_set():
            return Delivered("stopped")
        try:
            self._roll_back(lot)
            delivered = deliver(arc, lot)
        except Exception as error:
            if isinstance(error, ClsError) and may_pass(error):
                raise
            self.working.tell(Trouble(element=arc.element, lot=str(lot), error=error))
            self._note(lot, Came.FAILED)
            return Delivered("it cannot be worked")
        came = self._came(delivered, lot)
        if came is None:
            return delivered
        self._note(lot, came)
        return evolve(delivered, seconds=None)

    def _note(self, lot: Lot, came: Came) -> None:
        self.working.progress.note(self.index, lot, came)
        self.reasons.pop(lot, None)
        self.rolled_back.discard(lot)

    def _roll_back(self, lot: Lot) -> None:
        if lot in self.rolled_back:
            return
        why = self.reasons[lot]
        self.keep_before(lot)
        roll_back_once(self.arc, lot, reason_of(self.working.plan), lambda state: replaces(why, state))
        self.rolled_back.add(lot)

    def keep_before(self, lot: Lot) -> None:
        """Where other arcs follow, keep what the lot came to, to be compared."""
        if self.is_followed:
            note_before(self.working.kept.state, self._before(lot), self._result(lot))

    def came_elsewhere(self, lot: Lot) -> Came | None:
        """What became of a lot that others work; None where they are not at an end with it."""
        ledger = self.arc.ledger(lot)
        seen = ledger.look()
        last = ledger.read(seen.last) if seen.last else None
        if isinstance(last, Complete) and ledger.is_marked(seen.last, last.state):
            return Came.SAME if self._is_same(lot) else Came.DONE
        if isinstance(last, Failed) and attempt_number(last.attempt) >= self.arc.arc.retry.attempts:
            return Came.FAILED
        return None

    def _came(self, delivered: Delivered, lot: Lot) -> Came | None:
        """What became of the lot; None where it is to be delivered again."""
        last = delivered.outcome or delivered.last
        if isinstance(last, Complete):
            return Came.SAME if self._is_same(lot) else Came.DONE
        if isinstance(last, Failed):
            return Came.FAILED if delivered.is_at_rest else None
        if self.working.stop.is_set() and not isinstance(last, Claim):
            return None  # it was let go of
        return Came.LEFT

    # ---- what follows ----

    def _upstream(self) -> list[int]:
        """The numbers of the stages that make what this arc hears of."""
        view = self.working.views[self.index]
        heard = {view.sources[role] for role, _ in view.reader.subscribed}
        earlier = enumerate(self.working.views[: self.index])
        return [number for number, each in earlier if heard & {*each.sinks.values()}]

    @property
    def is_followed(self) -> bool:
        return self.working.plan.cascade and any(self._followers())

    def _followers(self) -> Iterator[ArcView]:
        """The arcs of the plan that read what this one makes."""
        made = {*self.working.views[self.index].sinks.values()}
        later = self.working.views[self.index + 1 :]
        return (each for each in later if made & {*each.sources.values()})

    @property
    def _is_listed(self) -> bool:
        """Whether what follows lists the objects where they lie: others of the same bytes are others."""
        sinks = (sink for each in self._followers() for sink in each.arc.sinks.values())
        return any(isinstance(sink, JoinedDataset) for sink in sinks)

    def _waits(self, lot: Lot, upstream: Sequence[int]) -> bool:
        """Whether something that the lot is made of is planned, and has yet to come to something."""
        for number in upstream:
            unit = self.working.views[number].unit
            planned = Covered(each.lots for each in self.working.plan.stages[number].stretches)
            rest = resting(self.working.progress.known, number)
            parts = in_unit(LotRange(lot, lot), unit) if unit else ()
            if any(part in planned and part not in rest for part in parts):
                return True
        return False

    def _is_same(self, lot: Lot) -> bool:
        if not self.is_followed:
            return False
        before = read_before(self.working.kept.state, self._before(lot))
        return before is not None and before == self._result(lot)

    def _result(self, lot: Lot) -> str | None:
        return last_result(self.arc, lot, self.working.bench.plugins.open_store, named=self._is_listed)

    def _before(self, lot: Lot) -> str:
        return self.working.kept.keys.before(self.index, lot)
