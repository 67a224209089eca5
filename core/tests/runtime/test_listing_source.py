"""Arrivals by listing: each object once, again when it has changed, and all that was not acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from clusterless.errors import StoreUnavailableError
from clusterless.provider import Arrived
from clusterless.runtime import listing_source
from clusterless.runtime.listing_source import Listing, ListingSource
from clusterless.store.api import ObjectInfo
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import SettableClock

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)


class Dated(MemoryStore):
    """Tells of its objects the *times* that it is given, and breaks after so many of a listing's."""

    def __init__(self) -> None:
        super().__init__("memory://bucket/in/")
        self.times: dict[str, datetime] = {}
        self.breaks_after: int | None = None

    def fill(self, *keys: str, at: datetime = NOW, body: bytes = b"x") -> None:
        for key in keys:
            self.put(key, body)
            self.times[key] = at

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        for number, info in enumerate(super().list(prefix, after)):
            if number == self.breaks_after:
                self.breaks_after = None
                raise StoreUnavailableError("the line is dead")
            yield evolve(info, time=self.times[info.key])

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Dated:
    monkeypatch.setattr(listing_source, "_SPARING", 0)
    return Dated()


def source(store: Dated, interval: float = 0) -> ListingSource:
    return ListingSource(Listing(store), SettableClock(NOW), interval)


def keys(arrived: Arrived) -> list[str]:
    arrived.acknowledge()
    return [arrival.uri.removeprefix("memory://bucket/in/") for arrival in arrived.arrivals]


def test_what_was_there_arrives_once_and_what_comes_or_changes_later(store: Dated) -> None:
    listing = source(store)
    store.fill("a", "b")
    assert keys(listing.receive(0, None)) == ["a", "b"]
    assert keys(listing.receive(0, None)) == []
    store.fill("c")
    store.fill("a", body=b"other")
    assert keys(listing.receive(0, None)) == ["a", "c"]


def test_the_same_bytes_put_again_later_arrive_again(store: Dated) -> None:
    listing = source(store)
    store.fill("a")
    assert keys(listing.receive(0, None)) == ["a"]
    store.fill("a", at=NOW + timedelta(seconds=1))
    assert keys(listing.receive(0, None)) == ["a"]


def test_folder_markers_are_none(store: Dated) -> None:
    store.fill("a", "folder/", "folder/b")
    assert keys(source(store).receive(0, None)) == ["a", "folder/b"]


def test_what_was_not_written_down_is_handed_over_again(store: Dated) -> None:
    listing = source(store)
    store.fill("a")
    listing.receive(0, None)
    store.fill("b")
    assert keys(listing.receive(0, None)) == ["a", "b"]
    assert keys(listing.receive(0, None)) == []


def test_times_are_whole_seconds_as_a_look_at_an_object_tells_them(store: Dated) -> None:
    store.fill("a", at=NOW + timedelta(milliseconds=999))
    assert [arrival.time for arrival in source(store).receive(0, None).arrivals] == [NOW]


def test_a_run_that_begins_looks_a_day_back(store: Dated) -> None:
    store.fill("old", at=NOW - timedelta(hours=26))
    store.fill("slow", at=NOW - timedelta(hours=24))
    store.fill("new", at=NOW)
    assert keys(source(store).receive(0, NOW - timedelta(hours=1))) == ["new", "slow"]
    assert keys(source(store).receive(0, None)) == ["new", "old", "slow"]


def test_large_locations_come_in_parts_and_nothing_is_told_as_looked_at_before_the_end(
    store: Dated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Listing.take, "__defaults__", (2,))
    store.fill(*"abcde")
    listing = source(store, interval=600)
    for found, looked in (["a", "b"], None), (["c", "d"], None), (["e"], NOW), ([], NOW):
        arrived = listing.receive(0, None)
        assert keys(arrived) == found
        assert arrived.looked == looked
        assert arrived.backlog == (looked is None)


def test_a_listing_that_breaks_is_begun_again_and_loses_nothing(store: Dated) -> None:
    listing = source(store, interval=600)
    store.fill("a", "b", "c")
    store.breaks_after = 2
    with pytest.raises(StoreUnavailableError):
        listing.receive(0, None)
    arrived = listing.receive(0, None)
    assert keys(arrived) == ["a", "b", "c"]
    assert arrived.looked == NOW


def test_between_listings_it_waits(store: Dated) -> None:
    clock = SettableClock(NOW)
    listing = ListingSource(Listing(store), clock, interval=600)
    listing.receive(0.25, None)
    store.fill("a")
    assert keys(listing.receive(0.25, None)) == []
    assert clock.now() == NOW + timedelta(seconds=0.25)


def test_what_can_never_be_listed_again_is_not_remembered(store: Dated) -> None:
    listing = Listing(store, timedelta(hours=1))
    store.fill("old", at=NOW - timedelta(days=1))
    store.fill("new")
    listing.begin(None)
    listing.take()
    assert {uri.rpartition("/")[2] for uri, _, _ in listing._seen} == {"new"}


@pytest.mark.parametrize("key", ["./a", "a/../b", "..", "/a"])
def test_what_no_store_would_give_back_does_not_arrive_and_is_told_of_once(
    store: Dated, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(Dated):
        def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
            yield from [ObjectInfo(key, 1, "e", NOW), ObjectInfo("b", 1, "e", NOW)]

    listening = source(Odd())
    assert keys(listening.receive(0, None)) == ["b"]
    assert keys(listening.receive(0, None)) == []
    assert [record.getMessage() for record in caplog.records] == [
        f"an object does not arrive: {key!r} is not a key below memory://bucket/in/"
    ]


@pytest.mark.parametrize("key", ["", "a/"])
def test_folder_markers_pass_without_a_word(store: Dated, key: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not Listing(store).takes(key)
    assert not caplog.records
