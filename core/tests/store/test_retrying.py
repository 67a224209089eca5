from __future__ import annotations

import io
import logging
import random
from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import ObjectExistsError, ObjectMissingError, StoreRefusedError, StoreUnavailableError
from clusterless.store.api import Body, ObjectStore
from clusterless.store.memory import MemoryStore
from clusterless.store.retrying import RetryingStore, create_once
from clusterless.testing.clock import START, SettableClock
from clusterless.testing.faults import CountingStore, FaultyStore, Moment, ScriptedStore
from clusterless.testing.store_contract import ObjectStoreContract


def unanswered(*moments: tuple[int, bool]) -> Callable[[Moment], None]:
    """No answer at these requests: not made, or (true) made."""

    def on_request(moment: Moment) -> None:
        if (moment.number, moment.done) in moments:
            raise StoreUnavailableError(f"no answer: {moment}")

    return on_request


class TestRetryingStore(ObjectStoreContract):
    """Through a store that often does not answer, and of which a caller notices nothing."""

    @pytest.fixture
    def store(self, seeded: random.Random) -> RetryingStore:
        self.memory = MemoryStore()
        faulty = FaultyStore(self.memory, seeded, before=0.2, after=0.2)
        return RetryingStore(faulty, sleep=lambda _: None, attempts=30)

    known_limits: ClassVar = {
        "test_a_large_file_is_written_piece_by_piece": "what is kept in memory is read whole",
    }

    def poke(self, store: ObjectStore, key: str, body: bytes) -> None:
        self.memory.put(key, body)

    def peek(self, store: ObjectStore, key: str) -> bytes:
        return self.memory.get(key)


def test_it_waits_twice_as_long_each_time(settable_clock: SettableClock, caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    scripted = ScriptedStore(MemoryStore(), unanswered((1, False), (2, False), (3, False)))
    store = RetryingStore(scripted, waits.append, jitter=lambda: 0.5)
    with caplog.at_level(logging.INFO):
        store.put("a", b"")
    assert waits == [0.05, 0.1, 0.2]
    assert [text.partition("; ")[2] for text in caplog.messages] == [
        "it is asked again in 0.1 s",
        "it is asked again in 0.1 s",
        "it is asked again in 0.2 s",
    ]


def test_it_gives_up_after_so_many_attempts(settable_clock: SettableClock) -> None:
    counted = CountingStore(FaultyStore(MemoryStore(), random.Random(1), before=1.0))
    with pytest.raises(StoreUnavailableError):
        RetryingStore(counted, settable_clock.sleep, attempts=3, first=1).get("a")
    assert counted.requests["get"] == 3
    assert (settable_clock.now() - START).total_seconds() == 1 + 2


def test_one_that_is_made_of_another_asks_no_more_often(settable_clock: SettableClock) -> None:
    counted = ScriptedStore(MemoryStore(), unanswered(*((number, False) for number in range(1, 99))))
    inner = RetryingStore(counted, settable_clock.sleep, attempts=3)
    waits: list[float] = []
    with pytest.raises(StoreUnavailableError):
        RetryingStore(inner, waits.append, attempts=3).get("a")
    assert len(waits) == 2


def test_only_silence_is_asked_again() -> None:
    counted = CountingStore(MemoryStore())
    store = RetryingStore(counted, sleep=lambda _: pytest.fail("it waited"))
    with pytest.raises(ObjectMissingError):
        store.get("a")
    with pytest.raises(StoreRefusedError):
        store.get("../a")
    assert counted.requests["get"] == 2


@pytest.mark.parametrize("body", [b"ours", io.BytesIO(b"ours")], ids=["bytes", "stream"])
def test_a_create_whose_answer_was_lost_has_won(body: Body) -> None:
    memory = MemoryStore()
    RetryingStore(ScriptedStore(memory, unanswered((1, True))), sleep=lambda _: None).create("a", body)
    assert memory.get("a") == b"ours"


def test_a_create_that_was_not_made_may_lose_to_another() -> None:
    memory = MemoryStore()
    memory.put("a", b"their")
    store = RetryingStore(ScriptedStore(memory, unanswered((1, False))), sleep=lambda _: None)
    with pytest.raises(ObjectExistsError):
        store.create("a", b"ours")


def test_an_answered_create_does_not_take_equal_bytes_for_its_own() -> None:
    memory = MemoryStore()
    memory.put("a", b"same")
    with pytest.raises(ObjectExistsError):
        RetryingStore(memory, sleep=lambda _: None).create("a", b"same")


def test_a_stream_that_cannot_seek_is_sent_once() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    memory = MemoryStore()
    RetryingStore(memory, sleep=lambda _: None).put("a", Pipe(b"body"))
    assert memory.get("a") == b"body"
    with pytest.raises(StoreUnavailableError, match="second time"):
        RetryingStore(ScriptedStore(memory, unanswered((1, True))), sleep=lambda _: None).put("b", Pipe(b"body"))


def test_a_list_goes_on_where_it_broke_off() -> None:
    memory = MemoryStore()
    keys = [f"k/{number:04}" for number in range(2500)]
    for key in keys:
        memory.put(key, b"")
    for listed in (lambda store: [info.key for info in store.list("k/")], lambda store: [*store.list_keys("k/")]):
        store = RetryingStore(ScriptedStore(memory, unanswered((2, True), (4, False))), sleep=lambda _: None)
        assert listed(store) == keys


@given(st.binary(max_size=5), st.none() | st.binary(max_size=5), st.booleans(), st.sampled_from([None, False, True]))
def test_create_once_says_what_is_there(body: bytes, there: bytes | None, stream: bool, lost: bool | None) -> None:
    memory = MemoryStore()
    if there is not None:
        memory.put("a", there)
    store = ScriptedStore(memory, unanswered(*([] if lost is None else [(1, lost)])))
    try:
        said = create_once(store, "a", io.BytesIO(body) if stream else body)
    except StoreUnavailableError:
        assert lost is False
        assert there is None
        assert list(memory.list()) == []
    else:
        assert said == (memory.get("a") == body)
        assert memory.get("a") == (body if there is None else there)


def test_create_once_compares_large_bodies_in_pieces() -> None:
    memory = MemoryStore()
    body = bytes(range(256)) * 20_000
    assert create_once(memory, "a", io.BytesIO(body))
    assert create_once(memory, "a", io.BytesIO(body))
    assert not create_once(memory, "a", io.BytesIO(body[:-1]))
    assert not create_once(memory, "a", io.BytesIO(body + b"x"))
    assert not create_once(memory, "a", body[:-1] + b"x")
