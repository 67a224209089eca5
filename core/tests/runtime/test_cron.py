"""Cron expressions: what is said of bad ones, and which lots they fire in, also where clocks are put back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.schedule import EachLot, Tick
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.schedule import Schedule
from clusterless.runtime.cron import check_cron, check_timezone, ticks_of

MINUTE = LotUnit.SIXTIETHS


def fires(cron: str, start: datetime, end: datetime, timezone: str = "UTC", unit: LotUnit = MINUTE) -> list[Tick]:
    """The ticks whose lots begin from *start* on and that are due before *end*."""
    ticks = ticks_of(Schedule(unit=unit, cron=cron, timezone=timezone))
    before = Lot.containing(start, unit).previous
    return list(takewhile(lambda tick: tick.due < end, ticks.after(before)))


def times(ticks: list[Tick]) -> list[str]:
    return [f"{tick.due:%d %H:%M}" for tick in ticks]


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("61 * * * *", "is no cron expression: bad minute"),
        ("* 24 * * *", "bad hour"),
        ("* * 0 * *", "bad day-of-month"),
        ("* * * 13 *", "bad month"),
        ("* * * * 8", "bad day-of-week"),
        ("a * * * *", "bad minute"),
        ("* * * *", "it has 4 fields, not 5"),
        ("0 0 3 * * *", "it has 6 fields, not 5"),
        ("", "it has 0 fields"),
        ("@daily", "it has 1 fields"),
        ("0 0 30 2 *", "never fires: there is no such day"),
        ("0 0 31 4,6 *", "never fires"),
    ],
)
def test_what_is_wrong_with_an_expression_is_said_with_an_example(cron: str, problem: str) -> None:
    with pytest.raises(InvalidValueError, match=problem) as caught:
        check_cron(cron)
    assert "0 3 * * MON-FRI" in caught.value.hint


@pytest.mark.parametrize("cron", ["0 0 29 2 *", "*/5 8-18 * * mon-fri", "0 0 L * *", "0 0 * * MON#1", " 0  3 * * * "])
def test_usual_expressions_are_taken(cron: str) -> None:
    check_cron(cron)


@pytest.mark.parametrize(
    "name", ["Europe/Berlim", "Europe", "", "../../etc/passwd", "/etc/localtime", "a\0b", "x" * 999]
)
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match="no time zone") as caught:
        check_timezone(name)
    assert "Europe/Berlin" in caught.value.hint


def test_without_a_cron_every_lot_ticks() -> None:
    assert ticks_of(Schedule(unit=LotUnit.HOURS)) == EachLot(LotUnit.HOURS)


def test_a_time_that_is_skipped_comes_right_after_and_one_that_comes_twice_fires_once() -> None:
    berlin = "Europe/Berlin"
    spring = fires("30 2 * * *", datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 4, 2, tzinfo=UTC), berlin)
    assert times(spring) == ["30 01:30", "31 01:00", "01 00:30"]
    autumn = fires("30 2 * * *", datetime(2024, 10, 26, tzinfo=UTC), datetime(2024, 10, 29, tzinfo=UTC), berlin)
    assert times(autumn) == ["26 00:30", "27 00:30", "28 01:30"]
    hourly = fires("30 * * * *", datetime(2024, 10, 27, tzinfo=UTC), datetime(2024, 10, 27, 3, tzinfo=UTC), berlin)
    assert times(hourly) == ["27 00:30", "27 01:30", "27 02:30"]  # an interval goes on as ever


def test_a_larger_lot_ticks_once_when_it_is_first_fired_in() -> None:
    day = fires(
        "*/20 9,10 * * *", datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC), unit=LotUnit.HOURS
    )
    assert [(str(tick.lot), f"{tick.due:%H:%M}") for tick in day] == [
        ("20240101PT1H009", "09:00"), ("20240101PT1H010", "10:00"),
    ]  # fmt: skip


SWITCHES = [
    datetime(2024, 3, 31, 1, tzinfo=UTC),
    datetime(2024, 10, 27, 1, tzinfo=UTC),
    datetime(2024, 6, 1, tzinfo=UTC),
]
CRONS = ["30 2 * * *", "*/7 * * * *", "0 */3 * * *", "15 1,2,3 * * *", "0 0 * * SUN", "0 0 1 * *", "59 23 L * *"]
ZONES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu"]


@given(
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from(ZONES),
    switch=st.sampled_from(SWITCHES),
    minutes=st.integers(-2000, 2000),
)
def test_the_newest_is_the_last_that_looking_forward_finds(
    cron: str, zone: str, switch: datetime, minutes: int
) -> None:
    now = switch + timedelta(minutes=minutes, seconds=17)
    ticks = ticks_of(Schedule(unit=MINUTE, cron=cron, timezone=zone))
    newest = ticks.newest(now)
    assert newest
    assert newest.due <= now
    following = next(ticks.after(newest.lot))
    assert following.due > now
    assert list(takewhile(lambda tick: tick.due <= now, ticks.after(newest.lot.previous))) == [newest]


@given(cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES), switch=st.sampled_from(SWITCHES))
def test_no_lot_ticks_twice_or_out_of_order(cron: str, zone: str, switch: datetime) -> None:
    found = fires(cron, switch - timedelta(days=1), switch + timedelta(days=1), zone)
    assert all(one.lot < other.lot and one.due < other.due for one, other in pairwise(found))
    assert all(tick.lot.start <= tick.due < tick.lot.end for tick in found)
