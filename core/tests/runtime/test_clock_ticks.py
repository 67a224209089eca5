"""A boundary that is a clock: which lots it seals, by the same seals as any other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.builtin.clock_boundary import ClockBoundary
from clusterless.builtin.clock_source import ClockSource
from clusterless.codec import read_declaration, to_json
from clusterless.engine.arrivals import MOST_LOTS, plan_ticks
from clusterless.engine.schedule import EachLot
from clusterless.errors import InvalidValueError, MalformedError
from clusterless.model.boundary import Booking, EventArrival
from clusterless.model.dataset import ClockDataset, Tenure
from clusterless.model.event import Event
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState
from clusterless.model.project import Project
from clusterless.model.schedule import Schedule
from clusterless.provider import Arrived
from clusterless.runtime.arc import Writer
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.seal import seal_next
from clusterless.store.manifests import Manifests
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import SettableClock

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
UNIT = LotUnit.TWELFTHS
BOOKING = Booking(unit=UNIT, arrival=EventArrival.FREQUENT, grace=0, schedule=Schedule(unit=UNIT))
DATASET = {"name": "ticks", "version": "1"}


def lot(minutes: float, unit: LotUnit = UNIT) -> Lot:
    return Lot.containing(NOON + timedelta(minutes=minutes), unit)


def clock_boundary(**more: Any) -> ClockBoundary:
    return ClockBoundary(type="cls:core:clockBoundary", name="clock", dataset=ClockDataset(**DATASET), **more)


class World:
    def __init__(self, **declared: Any) -> None:
        self.clock = SettableClock(NOON + timedelta(minutes=2))
        self.store = MemoryStore(now=self.clock.now)
        self.events: list[Event] = []
        self.declared = clock_boundary(**declared)
        self.ids = iter(range(10**6))

    def boundary(self) -> RunningBoundary:
        """As a process that has just begun sees it."""
        return RunningBoundary(
            project=Project(name="demo", version="1"),
            boundary=self.declared,
            state=self.store,
            manifests=Manifests(self.store),
            source=Nothing(),
            publish=self.events.append,
            writer=Writer(by="test:1", new_id=lambda: f"id{next(self.ids)}"),
        )

    def seal(self, **how: Any) -> list[str]:
        """Seal all that is due; the lots that were announced."""
        before = len(self.events)
        while seal_next(self.boundary(), **how).seal:
            pass
        return [str(event.lot) for event in self.events[before:]]


class Nothing:
    def receive(self, wait: float, since: datetime | None) -> Arrived:
        return Arrived(arrivals=())

    def close(self) -> None:
        pass


# ---- each lot --------------------------------------------------------------------------------------------------


def test_it_begins_with_the_current_interval_also_for_a_run_that_ends_before_it_does() -> None:
    world = World(lot_unit=UNIT)
    assert world.seal() == []
    world.clock.advance(10 * 60)
    assert world.seal() == [str(lot(0)), str(lot(5))]
    assert world.seal() == []


def test_its_lots_are_complete_without_objects() -> None:
    world = World(lot_unit=UNIT)
    world.seal()
    world.clock.advance(180)
    world.seal()
    manifests = Manifests(world.store)
    found = manifests.newest(world.declared.dataset, lot(0))
    assert found
    assert found.state is ManifestState.COMPLETE
    assert list(manifests.read(found).uris) == []


def test_a_month_that_nothing_ran_is_caught_up_a_thousand_lots_a_seal() -> None:
    world = World(lot_unit=UNIT)
    world.seal()
    world.clock.advance(30 * 24 * 3600)
    seals = []
    while seal := seal_next(world.boundary()).seal:
        seals.append(seal)
    sealed = [each.lot for seal in seals for each in seal.lots]
    assert sealed == [lot(0).plus(each) for each in range(30 * 288)]
    assert max(len(seal.lots) for seal in seals) == MOST_LOTS
    assert {seal.batches for seal in seals} == {()}


def test_an_open_lot_can_be_sealed_once() -> None:
    world = World(lot_unit=UNIT)
    assert world.seal(seal_open=True) == [str(lot(0))]
    assert world.seal(seal_open=True) == []
    world.clock.advance(300)
    assert world.seal() == []


@given(
    pause=st.integers(0, 20_000),
    first=st.none() | st.integers(-50, 50),
    last=st.none() | st.integers(-50, 50),
)
def test_every_lot_of_ones_own_is_sealed_in_order_and_none_besides(
    pause: int, first: int | None, last: int | None
) -> None:
    tenure = Tenure(
        first=None if first is None else lot(0).plus(first), last=None if last is None else lot(0).plus(last)
    )
    ticks, through, sealed = EachLot(UNIT), None, []
    now = NOON
    for moment in (now, now + timedelta(minutes=pause)):
        while plan := plan_ticks(BOOKING, ticks, through, moment, tenure=tenure):
            through = plan.through
            sealed += plan.lots
    end = lot(pause).previous
    begin = max(lot(0), tenure.first or lot(0))
    expected = [each for each in islice(iter_from(begin), 5000) if each <= end and tenure.holds(each)]
    assert sealed == expected


def iter_from(first: Lot) -> Any:
    while True:
        yield first
        first = first.next


def test_a_dataset_that_belongs_to_another_gets_no_lot() -> None:
    assert plan_ticks(BOOKING, EachLot(UNIT), None, NOON, tenure=Tenure(ever=False)) is None


# ---- cron ------------------------------------------------------------------------------------------------------


def test_with_a_cron_a_lot_comes_when_it_fires_and_no_other() -> None:
    world = World(cron="*/10 * * * *", timezone="Europe/Berlin")
    assert world.seal() == []
    world.clock.set(NOON + timedelta(minutes=9, seconds=59))
    assert world.seal() == []
    world.clock.set(NOON + timedelta(minutes=10))
    assert world.seal() == [str(lot(10, LotUnit.SIXTIETHS))]
    world.clock.advance(3600)
    assert len(world.seal()) == 6


def test_a_run_now_and_then_misses_no_fire() -> None:
    world = World(cron="0 3 * * *", lot_unit=LotUnit.DAYS)
    world.seal()
    for _ in range(3):
        world.clock.advance(24 * 3600)
        assert len(world.seal()) == 1


# ---- declared --------------------------------------------------------------------------------------------------


def test_with_a_cron_lots_are_minutes_unless_declared_and_some_never_come() -> None:
    assert clock_boundary(cron="0 3 * * *").booking == Booking(
        unit=LotUnit.SIXTIETHS,
        arrival=EventArrival.INFREQUENT,
        grace=0,
        settle=0,
        schedule=Schedule(unit=LotUnit.SIXTIETHS, cron="0 3 * * *"),
    )
    assert clock_boundary(cron="0 3 * * *", lot_unit=LotUnit.HOURS).booking.unit is LotUnit.HOURS
    assert clock_boundary(lot_unit=LotUnit.HOURS).booking.arrival is EventArrival.FREQUENT


@pytest.mark.parametrize("declared", [{}, {"lot_unit": UNIT, "timezone": "Europe/Berlin"}])
def test_it_says_when(declared: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match="cron"):
        clock_boundary(**declared)


def test_it_has_no_keys_for_what_data_needs() -> None:
    declared = {"type": "cls:core:clockBoundary", "name": "clock", "dataset": DATASET, "lotUnit": "Hours"}
    assert to_json(read_declaration(declared, ClockBoundary, source="x"))["lotUnit"] == "Hours"
    for key in ("eventArrival", "graceSec", "settleSec", "filter"):
        with pytest.raises(MalformedError, match=key):
            read_declaration({**declared, key: 1}, ClockBoundary, source="x")


def test_its_source_hands_over_nothing_and_takes_its_time(settable_clock: SettableClock) -> None:
    class Around:
        clock = settable_clock

    source = ClockSource(clock_boundary(lot_unit=UNIT), Around())  # type: ignore[arg-type]
    before = settable_clock.now()
    assert source.receive(2.5, None).arrivals == ()
    assert settable_clock.now() - before == timedelta(seconds=2.5)
    source.close()
