"""An inbox: events that are put there once or twice are acted on, and gone; the rest is set aside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clusterless import codec
from clusterless.errors import MalformedError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.runtime import cloud_event
from clusterless.runtime.inbox import Inbox, decode, key
from clusterless.runtime.noticed import Location, Messages, Notice, NoticeQueue, QueueMissingError
from clusterless.store.api import ObjectInfo
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import SettableClock

PROJECT, PLACEMENT = Project(name="p", version="1"), Placement(provider="local")
MADE = Dataset(name="made", version="1")


def event(number: int = 0, **more: Any) -> Event:
    dataset = LocatedDataset(name="made", version="1", path_uri="s3://b/made/")
    lot = Lot.parse(f"20240131PT5M{number:03}")
    return evolve(Event(dataset=dataset, lot=lot, manifest=f"s3://m/lot={lot}/manifest.json"), **more)


@pytest.fixture
def inbox(memory_store: MemoryStore, settable_clock: SettableClock) -> Inbox:
    return Inbox(memory_store, [MADE], settable_clock)


def put(store: MemoryStore, *events: Event) -> None:
    for each in events:
        store.put(key(each), cloud_event.body(each, PROJECT, PLACEMENT))


def keys(store: MemoryStore) -> list[str]:
    return [info.key for info in store.list()]


def test_an_event_is_handed_out_and_gone_once_it_was_acted_on(inbox: Inbox, memory_store: MemoryStore) -> None:
    put(memory_store, event())
    (delivery,) = inbox.receive(10)
    assert delivery.event == event()
    assert keys(memory_store)
    delivery.acknowledge()
    assert not keys(memory_store)
    delivery.acknowledge()


def test_what_is_put_there_twice_is_one_object(memory_store: MemoryStore) -> None:
    put(memory_store, event(), event(), event(revision=1), event(manifest="gs://other/manifest.json"))
    assert len(keys(memory_store)) == 3


def test_an_event_that_is_being_acted_on_is_not_handed_out_again_for_a_while(
    inbox: Inbox, memory_store: MemoryStore, settable_clock: SettableClock
) -> None:
    put(memory_store, event())
    assert len(inbox.receive(10)) == 1
    settable_clock.sleep(60)
    assert not inbox.receive(10)
    settable_clock.sleep(600)
    assert len(inbox.receive(10)) == 1, "whoever had it is gone"


def test_an_event_that_is_put_off_comes_again_when_it_is_due(
    inbox: Inbox, memory_store: MemoryStore, settable_clock: SettableClock
) -> None:
    put(memory_store, event())
    inbox.receive(10)[0].defer(30)
    settable_clock.sleep(20)
    assert not inbox.receive(10)
    settable_clock.sleep(20)
    assert len(inbox.receive(10)) == 1


def test_processes_that_share_an_inbox_may_both_have_an_event(
    inbox: Inbox, memory_store: MemoryStore, settable_clock: SettableClock
) -> None:
    put(memory_store, event())
    other = Inbox(memory_store, [MADE], settable_clock)
    for delivery in (*inbox.receive(10), *other.receive(10)):
        delivery.acknowledge()
    assert not keys(memory_store)


def test_what_another_has_acted_on_meanwhile_is_passed_over(
    inbox: Inbox, memory_store: MemoryStore, settable_clock: SettableClock
) -> None:
    put(memory_store, *map(event, range(3)))
    assert len(inbox.receive(1)) == 1
    for name in keys(memory_store):
        memory_store.delete(name)
    assert not inbox.receive(10)


def test_many_are_handed_out_as_there_is_room(inbox: Inbox, memory_store: MemoryStore) -> None:
    put(memory_store, *map(event, range(25)))
    handed = [each.event for _ in range(3) for each in inbox.receive(10)]
    assert handed == list(map(event, range(25)))


def test_an_empty_inbox_is_listed_rarely(
    inbox: Inbox, memory_store: MemoryStore, settable_clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists: list[str] = []

    def noted(*_: object) -> Iterator[ObjectInfo]:
        lists.append("")
        return iter(())

    monkeypatch.setattr(MemoryStore, "list", noted)
    for _ in range(600):
        inbox.receive(10)
        settable_clock.sleep(0.1)
    assert len(lists) <= 13


class Told:
    """A queue of notices that a test fills; whoever asks it anew after it was removed has another."""

    def __init__(self, store: MemoryStore) -> None:
        self.place = Location.of(store.root)
        self.waiting: list[Notice] = []
        self.acknowledged = 0
        self.is_gone = False
        self.wired = 0

    def tell(self, *names: str, bucket: str = "") -> None:
        time = datetime(2024, 1, 31, tzinfo=UTC)
        self.waiting += [Notice(bucket or self.place.bucket, self.place.prefix + name, time) for name in names]

    def wire(self) -> NoticeQueue:
        self.wired, self.is_gone = self.wired + 1, False
        return self

    def receive(self, limit: int, wait: int) -> Messages:
        if self.is_gone:
            raise QueueMissingError("the queue was removed")
        taken, self.waiting = self.waiting, []
        return Messages(taken, [each.key for each in taken], drained=True)

    def acknowledge(self, messages: Messages) -> None:
        self.acknowledged += len(messages.receipts)

    def has_more(self) -> bool:
        return bool(self.waiting)


@pytest.fixture
def told(memory_store: MemoryStore) -> Told:
    return Told(memory_store)


@pytest.fixture
def heard(memory_store: MemoryStore, settable_clock: SettableClock, told: Told) -> Inbox:
    """An inbox of which notices tell, and which has been listed once."""
    inbox = Inbox(memory_store, [MADE], settable_clock, told.wire)
    assert not inbox.receive(10)
    return inbox


def test_what_a_notice_tells_of_is_handed_out_once_however_often_it_is_told(
    heard: Inbox, memory_store: MemoryStore, told: Told
) -> None:
    put(memory_store, event())
    told.tell(key(event()), key(event()))
    assert len(heard.receive(10)) == 1
    told.tell(key(event()))
    assert not heard.receive(10)
    assert told.acknowledged == 3


def test_notices_of_what_is_gone_elsewhere_or_set_aside_tell_nothing(
    heard: Inbox, memory_store: MemoryStore, told: Told
) -> None:
    memory_store.put("unreadable/x.json", b"")
    told.tell("gone.json", "unreadable/x.json", "")
    told.tell(key(event()), bucket="another")
    told.waiting.append(evolve(told.waiting[0], key="elsewhere"))
    assert not heard.receive(10)
    assert keys(memory_store) == ["unreadable/x.json"]


def test_what_no_notice_told_of_is_found_by_a_list_a_minute_later(
    heard: Inbox, memory_store: MemoryStore, settable_clock: SettableClock
) -> None:
    put(memory_store, event())
    settable_clock.sleep(50)
    assert not heard.receive(10), "lists are rare where notices come"
    settable_clock.sleep(11)
    assert [each.event for each in heard.receive(10)] == [event()]


def test_an_event_that_was_heard_of_and_put_off_comes_again_when_it_is_due(
    heard: Inbox, memory_store: MemoryStore, settable_clock: SettableClock, told: Told
) -> None:
    put(memory_store, event())
    told.tell(key(event()))
    heard.receive(10)[0].defer(5)
    settable_clock.sleep(4)
    assert not heard.receive(10)
    settable_clock.sleep(2)
    assert len(heard.receive(10)) == 1


def test_a_queue_that_was_removed_is_made_again_and_all_is_listed(
    heard: Inbox, memory_store: MemoryStore, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    put(memory_store, event())
    told.is_gone = True
    assert not heard.receive(10)
    assert [each.event for each in heard.receive(10)] == [event()]
    assert told.wired == 2
    assert "it is made again" in caplog.text


@given(st.lists(st.tuples(st.sampled_from(["put", "put unheard", "tell again", "act", "wait"]), st.integers(0, 4))))
def test_whatever_notices_are_lost_or_doubled_all_is_acted_on_and_gone(steps: list[tuple[str, int]]) -> None:
    store, clock = MemoryStore(), SettableClock()
    told = Told(store)
    inbox = Inbox(store, [MADE], clock, told.wire)
    for step, number in [*steps, ("wait", 0), ("act", 0)]:
        if step.startswith("put"):
            put(store, event(number))
        if step in {"put", "tell again"}:
            told.tell(key(event(number)))
        if step == "wait":
            clock.sleep(400)
        if step == "act":
            for delivery in inbox.receive(100):
                delivery.acknowledge()
    assert not keys(store)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", b"null", b'{"specversion": "1.0"}', b"[" * 100_000, b'{"lot": 1}']
)
def test_what_is_no_event_is_set_aside_and_told(
    body: bytes, inbox: Inbox, memory_store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    memory_store.put("a.json", body)
    put(memory_store, event())
    assert [each.event for each in inbox.receive(10)] == [event()]
    assert "unreadable/a.json" in keys(memory_store)
    assert "a.json was set aside" in caplog.text


def test_what_is_of_another_dataset_is_set_aside(
    inbox: Inbox, memory_store: MemoryStore, settable_clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    put(memory_store, event(dataset=LocatedDataset(name="other", version="1", path_uri="s3://b/")))
    assert not inbox.receive(10)
    assert [name.partition("/")[0] for name in keys(memory_store)] == ["unreadable"]
    assert "other/1" in caplog.text
    settable_clock.sleep(60)
    assert not inbox.receive(10)
    assert caplog.text.count("set aside") == 1


def test_what_was_set_aside_is_told_of_and_handed_out_again_where_it_can_be_read(
    memory_store: MemoryStore, settable_clock: SettableClock
) -> None:
    other = evolve(event(1), dataset=LocatedDataset(name="other", version="1", path_uri="s3://b/"))
    put(memory_store, other)
    memory_store.put("bad.json", b"{")
    assert not Inbox(memory_store, [MADE], settable_clock).receive(10)
    inbox = Inbox(memory_store, [MADE, Dataset(name="other", version="1")], settable_clock)
    told = inbox.set_aside()
    assert {each.event for each in told} == {None, other}
    assert "not JSON" in "".join(each.why for each in told if each.event is None)
    assert inbox.redrive() == 1
    assert [each.event for each in inbox.receive(10)] == [other]
    assert "unreadable/bad.json" in keys(memory_store)
    assert inbox.redrive() == 0


@given(st.integers(0, 287), st.integers(0, 99), st.text(max_size=20))
def test_either_form_is_read_as_the_event_that_it_was(number: int, revision: int, more: str) -> None:
    told = event(number, revision=revision, manifest=f"s3://m/{more}")
    assert decode(cloud_event.body(told, PROJECT, PLACEMENT), "x") == told
    assert decode(codec.record_bytes(told), "x") == told


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_other_json_is_refused_with_where_it_is(value: Any) -> None:
    with pytest.raises(MalformedError, match="s3://inbox/x"):
        decode(json.dumps(value).encode(), "s3://inbox/x")
