"""Whatever a schedule does to processes, stores and queues, nothing is lost and nothing doubled."""

from __future__ import annotations

import os

import pytest

from clusterless.testing.simulation.play import Play
from clusterless.testing.simulation.stores import Faults

pytestmark = pytest.mark.slow
SCHEDULES = int(os.environ.get("CLS_SCHEDULES", "40"))


def calm() -> Faults:
    return Faults(before=0, lost=0, kill=0, stall=0)


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_every_law_holds_under_a_random_schedule(seed: int) -> None:
    """Kills, stalls past the lease, skewed clocks, lost answers, lost and doubled events, replays."""
    Play(seed).run()


def test_the_same_seed_gives_the_same_log() -> None:
    """A failure can be played again."""
    first, second = Play(7), Play(7)
    assert first.run() == second.run()
    assert first.world.scheduler.log
    assert [str(entry) for ledger in first.world.laws.ledgers.values() for entry in ledger] == [
        str(entry) for ledger in second.world.laws.ledgers.values() for entry in ledger
    ]


def short(faults: Faults) -> Play:
    """Three arrivals and one worker, whom a second one helps in the end."""
    return Play(1, faults, arrivals=3, workers=1)


def crashes() -> list[tuple[int, bool]]:
    """Before and after each request that the worker makes; of so many, every so-manieth unless all are asked for."""
    play = short(calm())
    play.run()
    points = [(number, is_after) for number in range(1, play.requests["worker-0"]) for is_after in (False, True)]
    return points[:: int(os.environ.get("CLS_CRASH_STRIDE", "9"))]


def test_a_worker_may_die_before_and_after_any_request() -> None:
    """A short schedule again and again, with a crash at another of its requests each time."""
    points = crashes()
    crashed = 0
    for number, is_after in points:
        faults = calm()
        faults.crash_at = ("worker-0", number, is_after)
        play = short(faults)
        crashed += any("worker-0 crashes" in line for line in play.run())
    assert crashed == len(points) > 0
