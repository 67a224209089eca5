"""How far back looks reach: what is late is found, and history is not listed again and again for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.lookback import floor, reach
from clusterless.model.lot import Lot, LotUnit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(first=st.integers(1, 10**6), late=st.integers(0, 5000))
def test_what_is_late_by_some_days_is_found_within_twice_as_many_looks(first: int, late: int) -> None:
    looks = range(first, first + 2 * max(late, 1))
    assert any(reach(look) >= timedelta(days=late) for look in looks)


@given(digits=st.integers(0, 14))
def test_twice_the_history_costs_half_a_day_more_a_look(digits: int) -> None:
    looks = 2**digits
    listed = sum((reach(look) for look in range(1, looks + 1)), timedelta())
    assert listed / looks == timedelta(days=digits / 2 + 1)


@given(look=st.integers(1, 2**40))
def test_no_look_reaches_back_before_there_were_calendars(look: int) -> None:
    assert timedelta(days=1) <= reach(look) <= timedelta(days=36_525)


@given(st.sampled_from(LotUnit), st.integers(1, 2**20), st.timedeltas(timedelta(-400), timedelta(400)))
def test_a_look_begins_a_day_or_more_before_the_newest_lot_and_before_now(
    unit: LotUnit, look: int, ago: timedelta
) -> None:
    newest = Lot.containing(NOW - ago, unit)
    found = floor(newest, look, NOW)
    assert found.unit is unit
    assert found.start <= min(newest.start, NOW) - timedelta(days=1)
    assert found.end > min(newest.start, NOW) - reach(look)
