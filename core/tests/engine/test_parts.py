"""The parts of a lot, by name: what they make up, and how they are listed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.parts import heard, listed, lot_of, part_of, role_of, whole_roles
from clusterless.engine.sources import Readiness, can_be_ready, readiness, waits_since
from clusterless.model.arc import Arc, Wait
from clusterless.model.dataset import SourceDataset
from clusterless.model.lot import Lot, LotUnit

ROLES = ("left", "right", "side/by/side")


@frozen(kw_only=True)
class Rollup(Arc):
    unit: LotUnit | None = LotUnit.DAYS

    @property
    def lot_unit(self) -> LotUnit | None:
        return self.unit


def arc(unit: LotUnit | None = LotUnit.DAYS, wait: Wait = Wait(), subscribed: tuple[str, ...] = ROLES) -> Arc:
    sources = {role: SourceDataset(name="a", version="1", subscribe=role in subscribed) for role in ROLES}
    return Rollup(type="t:core:arc", name="work", sources=sources, unit=unit, wait=wait)


moments = st.integers(0, 50_000_000).map(lambda minutes: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
units = st.sampled_from(LotUnit)
lots = st.builds(Lot.containing, moments, units)
roles = st.sampled_from(ROLES)
fitting = st.tuples(units, units).filter(lambda two: two[1].minutes % two[0].minutes == 0)
"""A unit, and one that is made of it."""


def lots_within(lot: Lot, unit: LotUnit) -> list[Lot]:
    first = Lot.containing(lot.start, unit)
    return [first.plus(number) for number in range(lot.unit.minutes // unit.minutes)]


@given(roles, lots, st.none() | units)
def test_a_part_tells_its_role(role: str, lot: Lot, unit: LotUnit | None) -> None:
    assert role_of(arc(unit), part_of(arc(unit), role, lot)) == role


@given(roles, lots)
def test_the_part_of_an_arc_with_its_sources_lots_is_its_role(role: str, lot: Lot) -> None:
    assert part_of(arc(None), role, lot) == role
    assert lot_of(arc(None), lot) == lot


@given(fitting, moments)
def test_a_lot_goes_into_the_larger_one_that_it_lies_in(two: tuple[LotUnit, LotUnit], moment: datetime) -> None:
    small, large = Lot.containing(moment, two[0]), Lot.containing(moment, two[1])
    assert lot_of(arc(two[1]), small) == lot_of(arc(two[1]), large) == large
    assert large.start <= small.start
    assert small.end <= large.end


@given(fitting, moments, roles, st.integers(0, 1439))
def test_a_role_is_whole_with_every_lot_of_it_and_with_none_less(
    two: tuple[LotUnit, LotUnit], moment: datetime, role: str, left_out: int
) -> None:
    declared = arc(two[1])
    parts = [part_of(declared, role, lot) for lot in lots_within(Lot.containing(moment, two[1]), two[0])]
    assert whole_roles(declared, parts) == {role}
    parts.pop(left_out % len(parts))
    assert whole_roles(declared, parts) == set()


def test_only_subscribed_parts_are_heard() -> None:
    lot = Lot.parse("20240131PT1H007")
    parts = [part_of(arc(), role, lot) for role in ROLES]
    assert heard(arc(subscribed=("right",)), parts) == [f"right/{lot}"]
    assert not can_be_ready(arc(subscribed=("right",), wait=Wait(deadline_sec=1)), [f"left/{lot}"])


@pytest.mark.parametrize(
    ("unit", "parts", "text"),
    [
        (None, ["left"], "left"),
        (None, ["left", "right"], "left, right"),
        (LotUnit.DAYS, ["left/20240131PT1H007"], "left/20240131PT1H007"),
        (
            LotUnit.DAYS,
            [f"{role}/20240131PT1H00{number}" for number in (1, 2, 3) for role in ("left", "right")],
            "left/20240131PT1H001 and 2 more, right/20240131PT1H001 and 2 more",
        ),
    ],
)
def test_many_parts_are_listed_shortly(unit: LotUnit | None, parts: list[str], text: str) -> None:
    assert listed(arc(unit), parts) == text


DAY = Lot.parse("20240131P1D000")


@pytest.mark.parametrize(
    ("first", "since"),
    [(None, None), (DAY.start, DAY.end), (DAY.end, DAY.end), (DAY.end + timedelta(1), DAY.end + timedelta(1))],
)
def test_a_deadline_counts_from_the_end_of_a_larger_lot_or_from_its_first_part_if_that_is_later(
    first: datetime | None, since: datetime | None
) -> None:
    assert waits_since(arc(), DAY, first) == since
    assert waits_since(arc(None), DAY, first) == first


def test_one_whole_role_is_not_all() -> None:
    declared = arc(wait=Wait(deadline_sec=60), subscribed=("left", "right"))
    there = [part_of(declared, "left", lot) for lot in lots_within(DAY, LotUnit.HOURS)]
    due = DAY.end + timedelta(seconds=60)
    assert readiness(declared, there, DAY.end, DAY.end) == Readiness(ready=False, at=due)
    assert readiness(declared, there, DAY.end, due).ready
    there += [part_of(declared, "right", lot) for lot in lots_within(DAY, LotUnit.HOURS)]
    assert readiness(declared, there, DAY.end, DAY.end).ready
