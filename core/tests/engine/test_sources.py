"""Whether a lot's sources are there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.sources import Readiness, can_be_ready, may_change_after, readiness
from clusterless.model.arc import Arc, Wait, WaitFor
from clusterless.model.dataset import SourceDataset

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
ROLES = ("a", "b", "c")


def arc(*subscribed: str, wait: Wait = Wait()) -> Arc:
    sources = {role: SourceDataset(name=role, version="1", subscribe=role in subscribed) for role in ROLES}
    return Arc(type="t:core:arc", name="work", sources=sources, wait=wait)


def at_least(count: int, **more: Any) -> Wait:
    return Wait(for_=WaitFor.AT_LEAST, count=count, **more)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("declared", "present", "seconds", "expected"),
    [
        (arc("a"), "", 0, Readiness(ready=False)),
        (arc("a"), "a", 0, Readiness(ready=True)),
        (arc("a"), "bc", 0, Readiness(ready=False)),
        (arc("a", "b"), "a", 0, Readiness(ready=False)),
        (arc("a", "b"), "ab", 0, Readiness(ready=True)),
        (arc("a", "b"), "abc", 0, Readiness(ready=True)),
        (arc(*ROLES, wait=at_least(2)), "a", 0, Readiness(ready=False)),
        (arc(*ROLES, wait=at_least(2)), "ac", 0, Readiness(ready=True)),
        (arc("a", "b", wait=at_least(9)), "ab", 0, Readiness(ready=True)),
        (arc("a", "b", wait=at_least(2)), "ac", 0, Readiness(ready=False)),  # c is not heard
        (arc("a", "b", wait=Wait(deadline_sec=60)), "a", 59, Readiness(ready=False, at=after(60))),
        (arc("a", "b", wait=Wait(deadline_sec=60)), "a", 60, Readiness(ready=True, at=after(60))),
        (arc("a", "b", wait=Wait(deadline_sec=60)), "", 99, Readiness(ready=False)),
        (arc("a", "b", wait=Wait(deadline_sec=60)), "c", 99, Readiness(ready=False)),
        (arc(*ROLES, wait=at_least(2, deadline_sec=60)), "a", 60, Readiness(ready=True, at=after(60))),
    ],
)
def test_readiness(declared: Arc, present: str, seconds: float, expected: Readiness) -> None:
    assert readiness(declared, set(present), NOON if present else None, after(seconds)) == expected


waits = st.builds(
    lambda count, deadline: at_least(count, deadline_sec=deadline) if count else Wait(deadline_sec=deadline),
    st.integers(0, 4),
    st.none() | st.integers(1, 100),
)
roles = st.sets(st.sampled_from(ROLES))


@given(roles.filter(bool), waits, roles, roles, st.integers(0, 200), st.integers(0, 200))
def test_more_sources_and_more_time_never_make_a_lot_unready(
    subscribed: set[str], wait: Wait, present: set[str], more: set[str], seconds: int, later: int
) -> None:
    declared = arc(*subscribed, wait=wait)
    if readiness(declared, present, NOON, after(seconds)).ready:
        assert readiness(declared, present | more, NOON, after(seconds + later)).ready


@given(roles.filter(bool), waits, roles, st.integers(0, 200))
def test_a_lot_is_ready_at_the_time_that_was_told(
    subscribed: set[str], wait: Wait, present: set[str], seconds: int
) -> None:
    judged = readiness(arc(*subscribed, wait=wait), present, NOON, after(seconds))
    if not judged.ready and judged.at:
        assert judged.at > after(seconds)
        assert readiness(arc(*subscribed, wait=wait), present, NOON, judged.at).ready


@given(roles.filter(bool), waits, roles, st.integers(0, 1000))
def test_what_can_be_ready_is_ready_once_its_deadline_is_over(
    subscribed: set[str], wait: Wait, present: set[str], seconds: int
) -> None:
    declared = arc(*subscribed, wait=wait)
    enough = can_be_ready(declared, present)
    assert readiness(declared, present, NOON, after(1000)).ready == enough
    assert enough or not readiness(declared, present, NOON, after(seconds)).ready


@given(roles.filter(bool), waits, roles)
def test_only_an_arc_that_may_start_early_can_see_its_sources_change(
    subscribed: set[str], wait: Wait, present: set[str]
) -> None:
    declared = arc(*subscribed, wait=wait)
    early = readiness(declared, present, NOON, after(1000)).ready and not subscribed <= present
    assert may_change_after(declared) or not early
