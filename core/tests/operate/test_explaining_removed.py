"""What is told of a lot whose objects were removed, by records that say who had it done, or do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clusterless import layout
from clusterless.engine.ranges import LotRange
from clusterless.layout import ArcKeys
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import Claim, Complete, Entry, Pin, Rollback, SinkRecord
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.operate.explain.finding import find_object
from clusterless.operate.explain.places import Place
from clusterless.operate.explain.story import Story
from clusterless.operate.explain.telling import about, explain_lot
from clusterless.runtime.horizon import move_horizon
from clusterless.store.files import FileStore
from clusterless.store.ledger import LotLedger
from clusterless.store.manifests import Manifests, encode

LOT = Lot.parse("20240131PT1H011")
ORDERS = Dataset(name="orders", version="1")
KEYS = ArcKeys(Project(name="shop", version="1"), "copy")
URI = "file:///orders/a"
LISTED = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=[URI])
BY: dict[str, Any] = {"put_id": "x", "at": LOT.end}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The only manifest of the lot is one that says that its object was removed."""
    metadata, state, manifests = (FileStore(f"{(tmp_path / name).as_uri()}/") for name in ("m", "s", "t"))
    removed = Manifest(state=ManifestState.REMOVED, lot=LOT, uris=[URI])
    with encode(removed).open() as body:
        Manifests(manifests).publish(ORDERS, LOT, ManifestState.REMOVED, 0, body)
    return Place(placement=Placement(provider="local"), metadata=metadata, state=state, manifests=manifests)


def work(place: Place, *entries: Entry) -> None:
    ledger = LotLedger(place.state, KEYS, LOT)
    for number, entry in enumerate(entries, 1):
        assert ledger.append(number, entry)


def complete() -> Complete:
    sink = SinkRecord(state=ManifestState.COMPLETE, objects=1, bytes=None, digest=encode(LISTED).digest)
    return Complete(attempt="0-1-" + "a" * 16, revision=0, sources={}, sinks={"main": sink}, by="ann@ops", **BY)


def rolled_back(by: str, revision: int = 1) -> Rollback:
    return Rollback(revision=revision, reason="rollback", by=by, **BY)


def removed_by(told: list[Story]) -> str:
    (story,) = (each for each in told if each.is_dataset)
    (fact,) = (each for each in story.facts if each.state == "removed")
    assert [each.uri for each in story.facts if each.what == "listed"] == [URI]
    assert fact.at
    return fact.text


def test_where_no_record_says_who_nobody_is_blamed(place: Place) -> None:
    work(place, complete())
    assert removed_by(explain_lot([place], LOT)) == ""


def test_the_last_who_rolled_it_back_is_named_and_the_word_is_not_said_twice(place: Place) -> None:
    work(place, complete(), rolled_back("ann@ops"))
    told = about(explain_lot([place], LOT), "orders")
    assert removed_by(told) == "after a rollback by ann@ops"
    (arc,) = (each for each in told if not each.is_dataset)  # it is known to have made what is no more
    assert [fact.text for fact in arc.facts if fact.what == "writes"] == ["main: orders/1 revision 0"]
    assert [fact.text for fact in arc.facts if fact.what == "rollback"] == [""]


def test_who_rolled_back_before_it_was_committed_did_not_remove_it(place: Place) -> None:
    work(place, rolled_back("eve@ops", 0), complete())
    assert removed_by(explain_lot([place], LOT)) == ""


def test_retention_is_named_where_it_has_given_the_lot_up(place: Place) -> None:
    move_horizon(place.manifests, ORDERS, LOT.next)
    assert removed_by(explain_lot([place], LOT)) == "by retention"
    work(place, complete(), rolled_back("ann@ops"))
    assert removed_by(explain_lot([place], LOT)) == "by retention, or after a rollback by ann@ops"


def test_a_removed_object_is_found_in_the_lot_that_listed_it(place: Place) -> None:
    found = list(find_object([place], URI, lambda _: LotRange(LOT, LOT), lambda _: None))
    assert [(each.dataset, each.lot) for each in found] == [(ORDERS, LOT)]
    assert "state=removed" in found[0].manifest
    assert not list(find_object([place], f"{URI}b", lambda _: LotRange(LOT, LOT), lambda _: None))


@pytest.mark.parametrize(("store", "is_read"), [("t", True), ("moved/t", True), ("t-of-west", False)])
def test_a_lot_was_consumed_by_who_read_it_and_not_one_of_that_name_elsewhere(
    place: Place, store: str, is_read: bool
) -> None:
    manifest = f"file:///{store}/{layout.manifest(ORDERS, LOT, ManifestState.COMPLETE)}"
    pin = Pin(dataset=ORDERS, lot=LOT, manifest=manifest, state=ManifestState.COMPLETE, revision=0)
    work(place, Claim(attempt="0-1-x", revision=0, sources={"main": pin}, expires=LOT.end, by="ann@ops", **BY))
    told = about(explain_lot([place], LOT), "orders")
    assert ("consumed" in [fact.what for fact in told[0].facts], len(told) == 2) == (is_read, is_read)
