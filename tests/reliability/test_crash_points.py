"""`cls` killed before and after its requests, as a real process, started again, and held to what it should come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hardship.crashes import Trial, everywhere, here_and_there
from hardship.scenarios import ALL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

FLOORS = json.loads((Path(__file__).parent / "crash_points.json").read_text())
"""By scenario, how many points there were to try when they were last counted: no fewer may be tried."""

IN_A_BUCKET = ("copy", "join", "rollup", "egress", "late")
"""Scenarios whose workloads ask no store by themselves: those are handed no credentials."""

_SAMPLE = 3  # kinds of write in each scenario, the first of which is tried before and after


def test_every_scenario_is_counted() -> None:
    assert set(FLOORS) == {scenario.name for scenario in ALL}


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_killed_before_and_after_a_request_it_comes_to_the_same(
    scenario: Any, tried: Any, nightly: bool, count: Any
) -> None:
    _hold(tried(scenario.name), _SAMPLE, nightly, count)


def test_stores_that_are_no_folders_come_to_the_same(tried_in_a_bucket: Any, nightly: bool, count: Any) -> None:
    """The same requests, to a server of S3."""
    for name in IN_A_BUCKET if nightly else IN_A_BUCKET[:1]:
        found = _hold(tried_in_a_bucket(name), 1, nightly, count)
        count("crash points tried in a bucket", found)


def _hold(usual: Trial, sample: int, nightly: bool, count: Any) -> int:
    """Kill it everywhere, or in a *sample* of places; gives their number."""
    found = everywhere(usual) if nightly else here_and_there(usual, sample)
    count("crash points tried", len(found))
    count("distinct crash points", len({each.point for each in found}))
    count("objects lost", 0)
    count("objects doubled", 0)
    floor = FLOORS[usual.scenario.name]
    assert len(usual.points) >= floor["kinds"], "some requests are made no more: are they counted?"
    assert len(found) >= (floor["points"] if nightly else 2 * min(sample, len(usual.writes)))
    return len(found)
