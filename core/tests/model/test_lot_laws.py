"""Lots: text, time and order agree."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit

units = st.sampled_from(LotUnit)
moments = st.datetimes(
    datetime(1000, 1, 2),  # noqa: DTZ001
    datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)
lots = st.builds(Lot.containing, moments, units)


@given(lots)
def test_text_is_read_back(lot: Lot) -> None:
    assert Lot.parse(str(lot)) == lot


@given(moments, units)
def test_a_lot_holds_the_moment_it_was_made_of(moment: datetime, unit: LotUnit) -> None:
    lot = Lot.containing(moment, unit)
    assert lot.start <= moment < lot.end
    assert lot.end - lot.start == unit.length
    assert Lot.containing(lot.start, unit) == lot


@given(moments, moments, units)
def test_text_sorts_as_time_does(one: datetime, other: datetime, unit: LotUnit) -> None:
    first, second = Lot.containing(one, unit), Lot.containing(other, unit)
    assert (str(first) < str(second)) == (first < second) == (first.start < second.start)
    assert (first <= second) == (first < second or first == second)
    assert (first > second) == (second < first)


@given(lots, st.integers(-2000, 2000))
def test_next_and_previous_undo_each_other_and_days_roll_over(lot: Lot, steps: int) -> None:
    assert lot.next.previous == lot
    assert lot.next.start == lot.end
    assert lot.plus(steps).start - lot.start == steps * lot.unit.length


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{8}PT?[0-9]{1,2}[MHD][0-9]{3,4}", fullmatch=True))
def test_what_is_read_at_all_is_spelled_that_way_only(text: str) -> None:
    try:
        lot = Lot.parse(text)
    except InvalidValueError:
        return
    assert str(lot) == text


def test_lots_of_two_units_do_not_compare() -> None:
    with pytest.raises(InvalidValueError, match="different units"):
        assert Lot.parse("20240131PT5M000") < Lot.parse("20240131PT10M000")


@pytest.mark.parametrize("unit", LotUnit)
def test_units_are_found_by_name_in_any_case_and_by_literal(unit: LotUnit) -> None:
    assert LotUnit.named(unit.label.upper()) is LotUnit.named(unit.label.lower()) is unit
    assert LotUnit.of_literal(unit.literal) is unit
    assert unit.per_day * unit.length == timedelta(days=1)
    assert len(str(unit.per_day - 1)) <= unit.digits


def test_a_unit_of_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidValueError, match="use one of Sixtieths, Twelfths"):
        LotUnit.named("fortnights")


def test_an_instant_with_an_offset_is_booked_in_utc() -> None:
    there = datetime(2023, 1, 1, 23, 59, 59, tzinfo=timezone(timedelta(hours=5)))
    assert Lot.containing(there, LotUnit.DAYS) == Lot.containing(there.astimezone(UTC), LotUnit.DAYS)
