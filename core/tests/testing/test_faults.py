from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter

import pytest

from clusterless.errors import StoreUnavailableError
from clusterless.store.files import FileStore
from clusterless.store.memory import MemoryStore
from clusterless.store.retrying import RetryingStore
from clusterless.testing.clock import START, SettableClock
from clusterless.testing.faults import CountingStore, FaultyStore, Moment, ScriptedStore


def test_requests_are_counted_by_method_and_key(memory_store: MemoryStore) -> None:
    store = CountingStore(memory_store)
    store.put("a", b"")
    store.create("b", b"")
    assert store.get("a") == store.open("b").read()
    store.head("a")
    store.copy("c", store, "a")
    store.delete("c")
    assert store.now() == memory_store.now()
    assert store.requests == {"put": 1, "create": 1, "get": 1, "open": 2, "head": 1, "copy": 1, "delete": 1}
    assert store.keys["open", "a"] == 1


def test_a_list_counts_its_pages_as_far_as_it_is_read(memory_store: MemoryStore) -> None:
    for number in range(2500):
        memory_store.put(f"{number:04}", b"")
    store = CountingStore(memory_store)
    listing = store.list()
    assert store.requests["list"] == 0
    next(listing)
    assert store.requests["list"] == 1
    assert len(list(listing)) == 2499
    assert store.requests["list"] == 3


def test_a_script_sees_each_request_before_and_after(memory_store: MemoryStore) -> None:
    moments: list[Moment] = []
    store = ScriptedStore(memory_store, moments.append)
    store.put("a", b"")
    store.get("a")
    assert moments == [
        Moment(1, "put", "a", done=False),
        Moment(1, "put", "a", done=True),
        Moment(2, "get", "a", done=False),
        Moment(2, "get", "a", done=True),
    ]


@pytest.mark.parametrize("done", [False, True])
def test_a_script_may_crash_at_any_request(memory_store: MemoryStore, done: bool) -> None:
    class CrashError(BaseException):
        pass

    def crash(moment: Moment) -> None:
        if moment == Moment(2, "put", "b", done=done):
            raise CrashError

    store = ScriptedStore(memory_store, crash)
    store.put("a", b"")
    with pytest.raises(CrashError):
        store.put("b", b"")
    assert [info.key for info in memory_store.list()] == (["a", "b"] if done else ["a"])


@pytest.mark.parametrize(("chances", "fate", "made"), [({"before": 1}, "refused", False), ({"after": 1}, "lost", True)])
def test_a_fault_before_is_no_write_and_after_a_lost_answer(
    memory_store: MemoryStore, chances: dict[str, float], fate: str, made: bool
) -> None:
    store = FaultyStore(memory_store, random.Random(1), **chances)
    with pytest.raises(StoreUnavailableError, match="request 1, create a"):
        store.create("a", b"")
    assert [fault.fate for fault in store.log] == [fate]
    assert bool(list(memory_store.list())) == made


def test_a_seed_gives_the_same_faults_again() -> None:
    def log(seed: int) -> list[str]:
        store = FaultyStore(MemoryStore(), random.Random(seed), before=0.3, after=0.3)
        for number in range(50):
            try:
                store.put(str(number), b"")
            except StoreUnavailableError:
                continue
        return [fault.fate for fault in store.log]

    assert log(7) == log(7) != log(8)
    assert set(log(7)) == {"passed", "refused", "lost"}


def test_every_request_pauses_before_and_after(memory_store: MemoryStore, settable_clock: SettableClock) -> None:
    store = FaultyStore(memory_store, random.Random(1), pause=lambda: settable_clock.advance(1))
    store.put("a", b"")
    assert (settable_clock.now() - START).total_seconds() == 2


def test_sleeping_moves_the_clock(settable_clock: SettableClock) -> None:
    settable_clock.sleep(1.5)
    assert (settable_clock.now() - START).total_seconds() == 1.5
    settable_clock.set(START)
    assert settable_clock.now() == START


def test_a_cut_stream_gives_a_part_and_breaks_off(memory_store: MemoryStore) -> None:
    memory_store.put("a", bytes(range(100)))
    store = FaultyStore(memory_store, random.Random(1), cut=1)
    with store.open("a") as stream:
        read = stream.read(1)
        with pytest.raises(StoreUnavailableError, match="open a, got no answer"):
            stream.read()
    assert memory_store.get("a").startswith(read)
    assert [fault.fate for fault in store.log] == ["passed", "cut"]


def test_a_copy_that_is_cut_is_made_again(memory_store: MemoryStore, settable_clock: SettableClock) -> None:
    """Each copy reads another part before it breaks; one in two is left whole."""
    memory_store.put("a", bytes(10_000))
    source, target = FaultyStore(memory_store, random.Random(3), cut=0.5), MemoryStore(now=settable_clock.now)
    retrying = RetryingStore(target, settable_clock.sleep, attempts=20)
    for number in range(20):
        retrying.copy(str(number), source, "a")
    assert {target.get(info.key) for info in target.list()} == {bytes(10_000)}
    assert Counter(fault.fate for fault in source.log)["cut"] > 5


def test_a_stale_page_tells_what_was_there_when_the_listing_began(memory_store: MemoryStore) -> None:
    """Which a store may do: what was written before a listing began, it must tell."""
    for number in range(1500):
        memory_store.put(f"{number:04}", b"")
    stale = FaultyStore(memory_store, random.Random(1), stale=1).list()
    next(stale)
    memory_store.put("2000", b"")
    memory_store.delete("1400")
    assert [info.key for info in stale][-1] == "1499"
    fresh = FaultyStore(memory_store, random.Random(1), stale=1)
    assert [info.key for info in fresh.list()][-1] == "2000"
    assert {"stale", "passed"} == {fault.fate for fault in fresh.log}


_DYING = """
import sys
from clusterless.store.files import FileStore
from clusterless.testing.faults import ScriptedStore, dying_at

store = ScriptedStore(FileStore(sys.argv[1]), dying_at(2, done=sys.argv[2] == "True"))
for key in "abc":
    store.put(key, b"")
"""


@pytest.mark.parametrize("done", [False, True])
def test_a_process_dies_at_the_request_that_it_is_to_die_at(file_store: FileStore, done: bool) -> None:
    died = subprocess.run([sys.executable, "-c", _DYING, file_store.root, str(done)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert [info.key for info in file_store.list()] == (["a", "b"] if done else ["a"])
