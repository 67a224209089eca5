"""The contract fails against every store that is weak in some way, and says by which test."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from clusterless.errors import ObjectExistsError
from clusterless.store.memory import MemoryStore
from clusterless.testing.weak import WEAK, Racing, WeakStore

pytest_plugins = ["pytester"]

_CAUGHT_BY = {
    "Overwriting": "test_create_keeps_the_first_writer",
    "StaleReads": "test_put_replaces",
    "StalePages": "test_a_write_is_read_and_listed_at_once",
    "Truncating": "test_bytes_come_back_as_they_were",
    "Unordered": "test_list_is_in_order_of_key_whatever_the_folders",
}
_HELD = """
import pytest
from clusterless.testing.store_contract import ObjectStoreContract
from clusterless.testing.weak import {name} as Kind

class TestStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, memory_store):
        return Kind(memory_store)

    def poke(self, store, key, body):
        store.store.put(key, body)

    def peek(self, store, key):
        return store.store.get(key)
"""


def test_every_kind_is_caught_by_some_test() -> None:
    assert WEAK.keys() == _CAUGHT_BY.keys()


@pytest.mark.parametrize(("name", "by"), _CAUGHT_BY.items())
def test_the_contract_fails_against_a_weak_store(pytester: pytest.Pytester, name: str, by: str) -> None:
    pytester.makepyfile(_HELD.format(name=name))
    assert pytester.runpytest("-p", "no:cacheprovider", "-k", by).ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("by", sorted(set(_CAUGHT_BY.values())))
def test_what_catches_a_weak_store_lets_a_sound_one_pass(pytester: pytest.Pytester, by: str) -> None:
    pytester.makepyfile(_HELD.format(name=WeakStore.__name__))
    assert pytester.runpytest("-p", "no:cacheprovider", "-k", by).ret == pytest.ExitCode.OK


def test_of_those_who_look_at_once_both_win(memory_store: MemoryStore) -> None:
    both = threading.Barrier(2)
    store = Racing(memory_store, lambda: both.wait(10) and None)
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(store.create, "a", body) for body in (b"1", b"2")]:
            future.result()
    with pytest.raises(ObjectExistsError):
        store.create("a", b"3")
