"""Stretches of lots: between two moments, found and not found, collapsed."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.ranges import LotRange, between, coverage, ordinal, runs, texts_of
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit

TEN = datetime(2024, 1, 31, 10, tzinfo=UTC)
moments = st.datetimes(datetime(2023, 12, 31), datetime(2024, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001
units = st.sampled_from(LotUnit)


def at(minutes: float) -> datetime:
    return TEN + timedelta(minutes=minutes)


def lot(index: int, unit: LotUnit = LotUnit.TWELFTHS) -> Lot:
    return Lot(date(2024, 1, 31), unit, index)


def test_the_first_lot_is_in_and_the_one_of_the_latest_moment_is_not() -> None:
    assert list(between(at(0), at(10), LotUnit.TWELFTHS)) == [lot(120), lot(121)]
    assert list(between(at(4), at(11), LotUnit.TWELFTHS)) == [lot(120), lot(121)]


def test_within_one_interval_it_is_that_lot() -> None:
    assert list(between(at(1), at(2), LotUnit.TWELFTHS)) == [lot(120)]
    assert list(between(at(0), at(0), LotUnit.TWELFTHS)) == [lot(120)]


def test_moments_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="lies before"):
        between(at(1), at(0), LotUnit.TWELFTHS)
    with pytest.raises(InvalidValueError, match="lies before"):
        LotRange(lot(5), lot(4))


@given(moments, moments, units)
def test_a_range_is_as_long_as_it_is_and_holds_its_lots_only(one: datetime, other: datetime, unit: LotUnit) -> None:
    wanted = between(min(one, other), max(one, other), unit)
    lots = list(wanted)
    assert len(lots) == len(wanted) == ordinal(wanted.last) - ordinal(wanted.first) + 1
    assert all(lot in wanted for lot in lots)
    assert texts_of(wanted) == [str(lot) for lot in lots]
    assert wanted.first.previous not in wanted
    assert wanted.last.next not in wanted
    assert wanted.first.start <= min(one, other)


def test_lots_of_another_unit_are_not_in_a_range() -> None:
    assert lot(60, LotUnit.SIXTHS) not in LotRange(lot(120), lot(121))
    assert "20240131PT5M120" not in LotRange(lot(120), lot(121))


def test_coverage_counts_those_in_range() -> None:
    wanted = LotRange(lot(10), lot(19))
    seen = coverage(wanted, iter([lot(9), lot(6, LotUnit.SIXTHS), lot(12), lot(15), lot(20)]))
    assert (seen.range, seen.total_found, seen.range_gap) == (10, 2, 8)
    assert (seen.earliest_found, seen.latest_found) == (lot(12), lot(15))
    assert (seen.earliest_gap, seen.latest_gap) == (2, 4)


def test_where_nothing_was_found_there_are_no_edges() -> None:
    seen = coverage(LotRange(lot(10), lot(19)), [])
    assert (seen.earliest_found, seen.latest_found, seen.earliest_gap, seen.latest_gap) == (None, None, None, None)
    assert seen.range_gap == 10


def test_gaps_reach_over_midnight() -> None:
    last = Lot.parse("20240131PT5M287")
    seen = coverage(LotRange(last.plus(-1), last.plus(2)), [last.next])
    assert (seen.earliest_gap, seen.latest_gap, seen.range_gap) == (2, 1, 3)


@given(st.lists(st.integers(-400, 400)), units)
def test_runs_hold_the_very_lots_in_order_and_are_as_few_as_can_be(steps: list[int], unit: LotUnit) -> None:
    lots = [Lot.containing(TEN, unit).plus(step) for step in steps]
    collapsed = runs(lots)
    assert [lot for run in collapsed for lot in run] == sorted(set(lots))
    assert all(before.last.next < after.first for before, after in pairwise(collapsed))


def test_runs_read_well() -> None:
    assert [str(run) for run in runs([lot(3), lot(1), lot(2), lot(7)])] == [
        "20240131PT5M001..20240131PT5M003",
        "20240131PT5M007",
    ]
