"""A service's time, as its answers tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from clusterless.store.servertime import ServerTime

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
SOON = timedelta(seconds=30)


def test_nothing_is_known_before_the_first_answer() -> None:
    time = ServerTime()
    time.heard(SimpleNamespace(headers={}))
    assert time.now() is None
    time.heard(SimpleNamespace(headers={"Date": format_datetime(NOON, usegmt=True)}))
    told = time.now()
    assert told
    assert NOON <= told < NOON + SOON


@given(st.lists(st.integers(0, 59), min_size=1))
def test_late_answers_do_not_move_it(late: list[int]) -> None:
    time = ServerTime()
    for seconds in late:
        time.saw(NOON - timedelta(seconds=seconds))
    told = time.now()
    assert told
    assert NOON - timedelta(seconds=late[0]) <= told < NOON + SOON


def test_a_clock_that_is_set_back_or_on_is_followed() -> None:
    for moved in (timedelta(hours=-1), timedelta(hours=1)):
        time = ServerTime()
        time.saw(NOON)
        time.saw(NOON + moved)
        told = time.now()
        assert told
        assert abs(told - NOON - moved) < SOON
