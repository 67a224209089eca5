"""Switches in the simulation: who turns things off and on, and the laws that hold for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from attrs import define, field

from clusterless import codec, layout
from clusterless.engine.switches import gap
from clusterless.errors import ClsError
from clusterless.model.ledger import Claim
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.model.seal import Seal
from clusterless.model.switch import WHOLE, Stretch, Switched
from clusterless.provider import Work
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.replay import ask_for
from clusterless.runtime.switches import KnownSwitches, read_switches, turn
from clusterless.testing.simulation.judgement import Judgement
from clusterless.testing.simulation.laws import BrokenLawError, WatchedStore
from clusterless.testing.simulation.play import Play
from clusterless.testing.simulation.scheduler import MOST_SKEW
from clusterless.testing.simulation.world import ARCS, BOUNDARIES, LATTER, NEXT_PROJECT, PROJECT, UNIT, World

GRACE = timedelta(minutes=1)
_OPERATES = "operator"

_Named = tuple[str, str]  # a project's version, and an element
ELEMENTS = (
    *((PROJECT, each.name) for each in (*ARCS, *BOUNDARIES) if each is not LATTER),
    (NEXT_PROJECT, LATTER.name),
    (PROJECT, WHOLE),
)


@define(eq=False)
class SwitchingPlay(Play):
    """A schedule in which two people turn things off and on as they like, and in the end on; then, a back-fill."""

    workers: int = 5
    register: Register = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.world.switches = True
        self.register = self.world.watch = Register(self.world)

    def _hire(self, name: str) -> None:
        scheduler = self.world.scheduler
        operators = sum(actor.name.startswith(_OPERATES) for actor in scheduler.actors)
        if operators == 2 or name == "last":
            super()._hire(name)
        else:
            skew = scheduler.random.uniform(-MOST_SKEW, MOST_SKEW)
            scheduler.spawn(f"{_OPERATES} {name}", lambda: operate(self.world, name), skew)

    def _judge(self, last: Lot) -> Judgement:
        return SwitchedJudgement(self.world, last)

    def _until_rest(self) -> Judgement:
        self.world.scheduler.spawn(f"{_OPERATES} last", lambda: turn_all_on(self.world, _OPERATES))
        left_out = super()._until_rest()
        left_out.all_is_well()
        self.world.scheduler.spawn("back-fill", lambda: back_fill(self.world))
        return super()._until_rest()


def operate(world: World, name: str) -> None:
    """One person's doing, until all is calm; then everything is turned on."""
    while not world.is_calm:
        project, element = world.scheduler.random.choice(ELEMENTS)
        try:
            flip(world, name, project, element)
        except ClsError as error:
            world.scheduler.note(f"{name}: {error}")
        world.scheduler.pause(world.scheduler.random.uniform(5, 90))
    turn_all_on(world, name)


def turn_all_on(world: World, name: str) -> None:
    for project, element in ELEMENTS:
        state = world.store("state")
        while read_switches(state, project).turned_off(element):
            flip(world, name, project, element)


def flip(world: World, name: str, project: Project, element: str) -> None:
    """Turn it, on what was seen of it; what of the gap is worked is a matter of chance."""
    state = world.store("state")
    known = read_switches(state, project)
    off, now = known.turned_off(element), state.now()
    skipped = _choice(world, off, now) if off else None
    on = off is not None
    entry = Switched(put_id=world.new_id(), at=now, by=name, element=element, on=on, skipped=skipped)
    won = turn(state, project, known, entry)
    world.scheduler.note(f"{name}: {element or 'all'} is {'on' if on else 'off'}, {skipped}: {won}")


def _choice(world: World, off: Switched, now: datetime) -> Stretch | None:
    choice = world.scheduler.random.choice(("from", "skip", "all"))
    if choice == "all":
        return None
    start = now if choice == "skip" else Lot.containing(off.at + (now - off.at) / 2, UNIT).start
    return gap(off, start)


def back_fill(world: World) -> None:
    """Ask for whatever was left out, as long as there is any: what is worked may be the source of more."""
    while True:
        judgement = SwitchedJudgement(world, Lot.containing(world.scheduler.now(), UNIT))
        for arc in judgement.arcs:
            for lot in judgement.left_out(arc):
                ask_for(arc, lot, "a back-fill")
        world.scheduler.pause(30)


# ---- laws ------------------------------------------------------------------------------------------------------


@define(eq=False)
class Register:
    """What is off and left out, since when, as it was truly written; asked of whatever is begun."""

    world: World
    off: dict[_Named, datetime] = field(factory=dict)
    skipped: list[tuple[_Named, Stretch, datetime]] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)

    def __attrs_post_init__(self) -> None:
        state = self.world.stores["state"]
        assert isinstance(state, WatchedStore)
        self.world.stores["state"] = WatchedStore(state.store, self.written)

    def written(self, key: str, body: bytes) -> None:
        names = layout.segments(key)
        if key.startswith("switches/"):
            self._turned(names["version"], codec.read_record(body, Switched, source=key))
            return
        self.world.laws.state_written(key, body)
        if "/seals/" in key and key.endswith(".json"):
            seal = codec.read_record(body, Seal, source=key)
            self._is_on(names["version"], names["boundary"], self._truly(seal.at))
        elif key.endswith("/000001.json") and "lot" in names:
            entry = codec.read_ledger_entry(body, source=key)
            if isinstance(entry, Claim):
                self._is_owed(names["arc"], Lot.parse(names["lot"]), self._truly(entry.at))

    def begins(self, work: Work) -> None:
        self._is_on(PROJECT.version, work.arc, self.world.scheduler.now())

    def ends(self, work: Work) -> None:
        """What was begun is ended, on or off."""

    def _turned(self, version: str, entry: Switched) -> None:
        named, now = (version, entry.element), self.world.scheduler.now()
        self.counts["on" if entry.on else "off"] += 1
        if not entry.on:
            self.off.setdefault(named, now)
            return
        self.off.pop(named, None)
        if entry.skipped:
            self.skipped.append((named, entry.skipped, now))

    def _truly(self, at: datetime) -> datetime:
        """When it was, where the writer's clock said *at*."""
        actor = self.world.scheduler.current
        return at - timedelta(seconds=actor.skew if actor else 0)

    def _is_on(self, version: str, element: str, at: datetime) -> None:
        for name in (WHOLE, element):
            since = self.off.get((version, name))
            if since and at - since > GRACE:
                raise BrokenLawError(f"{element} begins something at {at}, and is off since {since}")

    def _is_owed(self, arc: str, lot: Lot, at: datetime) -> None:
        for (version, name), skipped, since in self.skipped:
            if version == PROJECT.version and name in (WHOLE, arc) and lot in skipped and at - since > GRACE:
                raise BrokenLawError(f"{arc} {lot} is worked at {at}, and left out since {since}")


@define(eq=False)
class SwitchedJudgement(Judgement):
    """All is on again, and all else as ever, but for lots that are left out and that nobody has asked for."""

    def left_out(self, arc: RunningArc) -> Iterator[Lot]:
        for lot in super()._there(arc):
            if arc.switch.skips(lot) and not arc.ledger(lot).look().last:
                yield lot

    def _unrest(self) -> Iterator[str]:
        for project, element in ELEMENTS:
            if off := KnownSwitches(self.world.stores["state"], project)().off(element):
                yield f"{element} is off since {off.at}"
        yield from super()._unrest()

    def _there(self, arc: RunningArc) -> dict[Lot, set[tuple[str, Lot, str]]]:
        left_out = set(self.left_out(arc))
        return {lot: parts for lot, parts in super()._there(arc).items() if lot not in left_out}

    def _given_up(self, lost: Counter[bytes]) -> Counter[bytes]:
        """What is in the lots that are left out."""
        waiting: set[tuple[str, Lot]] = set()
        for arc in self.arcs:
            there = super()._there(arc)
            waiting |= {(dataset, lot) for own in self.left_out(arc) for dataset, lot, _ in there[own]}
        datasets = {side.dataset.id: side.dataset for each in self.arcs for side in each.sources.values()}
        arc = self.arcs[0]
        found = [arc.manifests.newest(datasets[dataset], lot) for dataset, lot in waiting]
        return Counter(set(self._contents(arc, [each for each in found if each])))
