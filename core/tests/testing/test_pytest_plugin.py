from __future__ import annotations

import random
import shlex
from collections.abc import Callable

import pytest

from clusterless.errors import StoreUnavailableError
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import JumpingClock, SettableClock
from clusterless.testing.faults import FaultyStore

pytest_plugins = ["pytester"]


def test_a_failure_says_how_to_repeat_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_chance(seeded):\n    assert seeded.random() < 0, 'drew ' + str(seeded.random())\n")
    first = pytester.runpytest("-p", "no:cacheprovider")
    again = next(line.partition(": ")[2] for line in first.outlines if line.startswith("repeat with: pytest "))
    _, node, _, seed = shlex.split(again)
    drew = next(line for line in first.outlines if "AssertionError: drew" in line)
    assert drew in pytester.runpytest("-p", "no:cacheprovider").outlines
    assert drew in pytester.runpytest(node, "--seed", seed).outlines
    assert drew not in pytester.runpytest("--seed", "1").outlines


def test_a_passing_test_says_nothing_of_seeds(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_chance(seeded):\n    assert 0 <= seeded.random() < 1\n")
    assert not any("--seed" in line for line in pytester.runpytest().outlines)


def test_a_limit_that_was_lifted_may_not_stay_declared(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from clusterless.store.memory import MemoryStore
        from clusterless.testing.store_contract import ObjectStoreContract

        class TestStore(ObjectStoreContract):
            known_limits = {"test_put_replaces": "it does not"}

            @pytest.fixture
            def store(self, memory_store):
                return memory_store

            def poke(self, store, key, body):
                store.put(key, body)

            def peek(self, store, key):
                return store.get(key)
        """
    )
    result = pytester.runpytest("-k", "test_put_replaces")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*it does not*"])


def test_a_limit_of_no_test_is_refused() -> None:
    from clusterless.testing.store_contract import ObjectStoreContract

    with pytest.raises(TypeError, match="test_nothing"):
        type("Broken", (ObjectStoreContract,), {"known_limits": {"test_nothing": "why"}})


def test_troubled_stores_and_jumping_clocks_are_at_hand(
    troubled: Callable[[MemoryStore], FaultyStore],
    memory_store: MemoryStore,
    jumping_clock: JumpingClock,
    settable_clock: SettableClock,
) -> None:
    store = troubled(memory_store)
    for number in range(200):
        try:
            store.put(str(number), b"")
            next(store.list())
        except StoreUnavailableError:
            continue
    assert {"passed", "refused", "lost", "stale"} <= {fault.fate for fault in store.log}
    wrong = {(jumping_clock.now() - settable_clock.now()).total_seconds() for _ in range(200)}
    assert min(wrong) < 0 < max(wrong)


def test_their_chance_is_that_of_the_seed(
    troubled: Callable[[MemoryStore], FaultyStore], seeded: random.Random, memory_store: MemoryStore
) -> None:
    before = seeded.getstate()
    list(troubled(memory_store).list())
    assert seeded.getstate() != before
