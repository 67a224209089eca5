"""One state a lot: from listings where they suffice, from ledgers where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clusterless import codec, layout
from clusterless.engine.ranges import LotRange
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import ArcState, Claim, Complete, Entry, Failure, Missing, Rollback
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState
from clusterless.model.project import Project
from clusterless.operate.listing import unit_of
from clusterless.operate.recorded import arc_lots, dataset_lots
from clusterless.store.api import ObjectInfo
from clusterless.store.ledger import LotLedger
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import CountingStore

NOW = datetime(2024, 1, 31, tzinfo=UTC)
KEYS = layout.ArcKeys(Project(name="p", version="1"), "copy")
DATASET = Dataset(name="a", version="1")
LOT = Lot.parse("20240131PT5M100")
DAY = LotRange(Lot.parse("20240131PT5M000"), Lot.parse("20240131PT5M287"))

BY: Any = {"put_id": "0", "at": NOW, "by": "test"}
CLAIM = Claim(**BY, attempt="0-1-x", revision=0, sources={}, expires=NOW + timedelta(minutes=5))
COMPLETE = Complete(**BY, attempt="0-1-x", revision=0, sources={}, sinks={})
MISSING = Missing(**BY, attempt="0-1-x", revision=0, sources={}, error=Failure(type="E", message="no"))
ROLLBACK = Rollback(**BY, revision=1, reason="newer source: main")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def ledger(store: MemoryStore, *entries: Entry, marks: tuple[tuple[int, ArcState], ...] = (), lot: Lot = LOT) -> None:
    written = LotLedger(store, KEYS, lot)
    for number, entry in enumerate(entries, start=1):
        assert written.append(number, entry)
    for number, state in marks:
        written.mark(number, state)


def arcs(store: MemoryStore, wanted: LotRange = DAY) -> dict[str, ArcState]:
    return {str(lot): state for lot, state in arc_lots(store, KEYS, wanted)}


def manifests(store: MemoryStore, *names: str, lot: str = str(LOT)) -> None:
    for name in names:
        store.put(f"{layout.lot_path(DATASET, lot)}{name}", b"{}")


def datasets(store: MemoryStore, wanted: LotRange = DAY) -> dict[str, ManifestState]:
    return {str(lot): state for lot, state in dataset_lots(store, DATASET, wanted)}


# ---- arcs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "marks", "state"),
    [
        ((CLAIM,), (), ArcState.RUNNING),
        ((CLAIM, COMPLETE), ((2, ArcState.COMPLETE),), ArcState.COMPLETE),
        ((CLAIM, MISSING), ((2, ArcState.MISSING),), ArcState.MISSING),
        ((CLAIM, COMPLETE), (), ArcState.RUNNING),
        ((CLAIM, MISSING, CLAIM), ((2, ArcState.MISSING),), ArcState.RUNNING),
        ((CLAIM, MISSING, CLAIM, COMPLETE), ((2, ArcState.MISSING), (4, ArcState.COMPLETE)), ArcState.COMPLETE),
        ((CLAIM, MISSING, CLAIM, COMPLETE), ((2, ArcState.MISSING),), ArcState.RUNNING),
        ((CLAIM, COMPLETE, ROLLBACK), ((2, ArcState.COMPLETE),), ArcState.MISSING),
        ((CLAIM, COMPLETE, ROLLBACK, CLAIM), ((2, ArcState.COMPLETE),), ArcState.RUNNING),
        ((CLAIM, COMPLETE, ROLLBACK, CLAIM, COMPLETE), ((2, ArcState.COMPLETE),), ArcState.RUNNING),
        ((CLAIM, COMPLETE, ROLLBACK, CLAIM, COMPLETE), ((5, ArcState.COMPLETE),), ArcState.COMPLETE),
    ],
)
def test_the_last_entry_and_the_marker_that_names_it_decide(
    store: MemoryStore, entries: tuple[Entry, ...], marks: tuple[tuple[int, ArcState], ...], state: ArcState
) -> None:
    ledger(store, *entries, marks=marks)
    assert arcs(store) == {str(LOT): state}


def test_a_year_of_usual_lots_is_seen_by_listing_alone(store: MemoryStore) -> None:
    lot = Lot.parse("20240101PT1H000")
    for number in range(100):
        ledger(store, CLAIM, COMPLETE, marks=((2, ArcState.COMPLETE),), lot=lot.plus(number))
    counting = CountingStore(store)
    assert len(list(arc_lots(counting, KEYS, LotRange(lot, lot.plus(99))))) == 100
    assert counting.requests == {"list": 1}


def test_a_claims_renewal_is_no_entry(store: MemoryStore) -> None:
    ledger(store, CLAIM)
    LotLedger(store, KEYS, LOT).renew("0-1-x", NOW)
    assert arcs(store) == {str(LOT): ArcState.RUNNING}


def test_a_state_object_of_the_reference_system_is_read(store: MemoryStore) -> None:
    for number, state in enumerate(ArcState):
        store.put(KEYS.marker(LOT.plus(number), state.value), b"")
    assert list(arcs(store).values()) == list(ArcState)


def test_an_entry_that_cannot_be_read_stops_no_report(store: MemoryStore) -> None:
    ledger(store, CLAIM)
    store.put(f"{KEYS.lot(LOT)}000002.json", b"{")
    assert arcs(store) == {str(LOT): ArcState.RUNNING}


# ---- datasets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (["state=complete/manifest.json"], ManifestState.COMPLETE),
        (["state=empty/manifest.json"], ManifestState.EMPTY),
        (["state=complete/manifest.json", "state=empty/attempt=1/manifest.json"], ManifestState.EMPTY),
        (
            ["state=empty/manifest.json", *(f"state=complete/attempt={n}/manifest.json" for n in (2, 10))],
            ManifestState.COMPLETE,
        ),
        (["state=partial/attempt=1700000000000/manifest.json"], ManifestState.PARTIAL),
        (["state=partial/attempt=a-1/manifest.json", "state=complete/manifest.json"], ManifestState.COMPLETE),
        (["state=partial/attempt=1700000000000/manifest.json", "state=empty/manifest.json"], ManifestState.EMPTY),
        (["state=partial/attempt=1/manifest.json", "state=removed/attempt=2/manifest.json"], ManifestState.REMOVED),
        (["state=complete/manifest.json/part-0.json"], ManifestState.COMPLETE),
    ],
)
def test_a_lot_counts_once_in_the_state_of_its_newest_readable_manifest(
    store: MemoryStore, names: list[str], state: ManifestState
) -> None:
    manifests(store, *names)
    assert datasets(store) == {str(LOT): state}


def test_what_is_no_manifest_is_passed_over(store: MemoryStore) -> None:
    manifests(store, "state=strange/manifest.json", "note.txt")
    manifests(store, "state=complete/manifest.json", lot="20240131PT5M999")
    assert datasets(store) == {}


# ---- ranges ----------------------------------------------------------------------------------------------------


def test_only_lots_of_the_range_are_seen_also_where_its_ends_have_none(store: MemoryStore) -> None:
    for number in (99, 101, 103, 105):
        manifests(store, "state=complete/manifest.json", lot=f"20240131PT5M{number:03}")
    wanted = LotRange(Lot.parse("20240131PT5M100"), Lot.parse("20240131PT5M104"))
    assert list(datasets(store, wanted)) == ["20240131PT5M101", "20240131PT5M103"]


def test_lots_at_both_ends_of_the_range_are_in_it(store: MemoryStore) -> None:
    for number in (99, 100, 104, 105):
        manifests(store, "state=complete/manifest.json", lot=f"20240131PT5M{number:03}")
    wanted = LotRange(Lot.parse("20240131PT5M100"), Lot.parse("20240131PT5M104"))
    assert list(datasets(store, wanted)) == ["20240131PT5M100", "20240131PT5M104"]


def test_lots_of_another_unit_between_them_hide_nothing(store: MemoryStore) -> None:
    for lot in ("20240131PT1H003", "20240131PT5M286", "20240201PT1H000", "20240201PT5M000"):
        manifests(store, "state=complete/manifest.json", lot=lot)
    wanted = LotRange(Lot.parse("20240131PT5M280"), Lot.parse("20240201PT5M010"))
    assert list(datasets(store, wanted)) == ["20240131PT5M286", "20240201PT5M000"]


class Listed(MemoryStore):
    """Remembers what was taken from its listings."""

    taken: list[str]

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        self.taken = []
        for info in super().list(prefix, after):
            self.taken.append(info.key)
            yield info


@pytest.mark.parametrize("later", ["20240131PT5M{:03}", "202402{:02}PT1H000"])
def test_what_lies_after_the_range_is_not_listed(later: str) -> None:
    listed = Listed()
    for number in range(10, 29):
        manifests(listed, "state=complete/manifest.json", lot=later.format(number))
    assert datasets(listed, LotRange(Lot.parse("20240131PT5M000"), Lot.parse("20240131PT5M009"))) == {}
    assert len(listed.taken) <= 2  # the end of a lot is seen by the beginning of the next


def test_the_unit_is_that_of_the_first_lot(store: MemoryStore) -> None:
    path = layout.dataset_path(DATASET)
    assert unit_of(store, path) is None
    manifests(store, "state=complete/manifest.json", lot="nonsense")
    manifests(store, "state=complete/manifest.json", lot="20240131PT1H003")
    assert unit_of(store, path) is LotUnit.HOURS


def test_entries_are_written_as_the_codec_reads_them() -> None:
    """A guard for this module's own fixtures."""
    for entry in (CLAIM, COMPLETE, MISSING, ROLLBACK):
        assert codec.read_ledger_entry(codec.ledger_entry_bytes(entry), source="here") == entry
