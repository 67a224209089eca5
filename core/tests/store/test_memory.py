from __future__ import annotations

from typing import ClassVar

import pytest

from clusterless.store.memory import MemoryStore, open_memory
from clusterless.testing.clock import START, SettableClock
from clusterless.testing.store_contract import ObjectStoreContract


class TestMemoryStore(ObjectStoreContract):
    known_limits: ClassVar = {"test_a_large_file_is_written_piece_by_piece": "what is kept in memory is read whole"}

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    def poke(self, store: MemoryStore, key: str, body: bytes) -> None:
        with store._lock:
            store._write(key, body)

    def peek(self, store: MemoryStore, key: str) -> bytes:
        return store._objects[key].body


def test_one_name_is_one_store_in_a_process() -> None:
    open_memory("memory://shared/").put("a", b"body")
    assert open_memory("memory://shared/").get("a") == b"body"
    assert list(open_memory("memory://unshared/").list()) == []
    assert open_memory("memory://shared/").root == "memory://shared/"


def test_objects_are_stamped_with_the_time_it_is_given(settable_clock: SettableClock) -> None:
    store = MemoryStore(now=settable_clock.now)
    store.put("a", b"")
    settable_clock.advance(60)
    assert store.head("a").time == START
    assert (store.now() - START).total_seconds() == 60
