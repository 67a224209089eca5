"""The threads that copy are kept from lot to lot, and go with their workload."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from clusterless.runtime.copying import Threads

Alive = set[threading.Thread]


def copying() -> Alive:
    return {thread for thread in threading.enumerate() if thread.name.startswith("copy")}


def since(before: Alive) -> int:
    """How many there are that were not there *before*; those of other tests may end meanwhile."""
    return len(copying() - before)


def test_threads_are_kept_for_the_next_lot_and_end_with_the_workload() -> None:
    before, threads = copying(), Threads(2)
    for _ in range(3):
        with threads.for_a_lot() as pool:
            both_are_needed(pool.submit)
        assert since(before) == 2
    threads.close()
    assert since(before) == 0


def test_two_lots_at_once_have_threads_of_their_own() -> None:
    before, threads = copying(), Threads(2)
    with threads.for_a_lot() as one, threads.for_a_lot() as other:
        both_are_needed(one.submit)
        both_are_needed(other.submit)
        assert since(before) == 4
    threads.close()
    assert since(before) == 0


def test_threads_are_kept_when_a_lot_fails() -> None:
    before, threads = copying(), Threads(2)
    with pytest.raises(OSError, match="disk"):
        failing(threads)
    threads.close()
    assert since(before) == 0


def failing(threads: Threads) -> None:
    with threads.for_a_lot() as pool:
        both_are_needed(pool.submit)
        raise OSError("disk")


def both_are_needed(submit: Callable[..., object]) -> None:
    """Returns once two threads have met."""
    met = threading.Barrier(3)
    for _ in range(2):
        submit(met.wait, 30)
    met.wait(30)
