"""A rollback that is stopped on the way says what it did, and the same again does the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from shop import copy, shop

from clusterless.engine.lot_states import attempt_number
from clusterless.engine.ranges import LotRange
from clusterless.model.ledger import ArcState, Claim, Complete, Rollback, SinkRecord
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.operate.rolling import RolledBack, roll_back, worked
from clusterless.store.manifests import encode

LOTS = LotRange(Lot.parse("20240131PT1H000"), Lot.parse("20240131PT1H019"))
BY: Any = {
    "put_id": "0",
    "at": datetime(2024, 2, 1, tzinfo=UTC),
    "by": "elsewhere:1",
    "attempt": "0-1-x",
    "revision": 0,
}
SHOP = shop(arcs=[copy("tidy", "orders", "clean")])


@pytest.fixture
def landscape(landscape_of: Callable[..., Landscape], tmp_path: Path) -> Landscape:
    found = landscape_of(tmp_path, SHOP)
    for lot in LOTS:
        _complete(found.arcs[0], found, lot)
    return found


def _complete(view: ArcView, landscape: Landscape, lot: Lot, revision: int = 0) -> None:
    (sink,) = view.sinks.values()
    clean = landscape.datasets[sink]
    landscape.plugins.open_store(clean.dataset.path_uri).put(f"{lot}.txt", b"x")
    manifest = Manifest(state=ManifestState.COMPLETE, lot=lot, uris=[f"{clean.dataset.path_uri}{lot}.txt"])
    encoded = encode(manifest)
    with encoded.open() as body:
        clean.manifests.publish(clean.dataset, lot, manifest.state, revision, body)
    record = SinkRecord(state=manifest.state, objects=1, bytes=1, digest=encoded.digest)
    by, number = BY | {"revision": revision}, view.ledger(lot).look().last
    assert view.ledger(lot).append(number + 1, Claim(**by, sources={}, expires=BY["at"]))
    assert view.ledger(lot).append(number + 2, Complete(**by, sources={}, sinks={"main": record}))
    view.ledger(lot).mark(number + 2, ArcState.COMPLETE)


def _after(asked: int) -> Callable[[], bool]:
    """Stops after it was *asked* so many times."""
    times = count()
    return lambda: next(times) >= asked


def _once_marked(view: ArcView, act: Callable[[], object]) -> Callable[[], bool]:
    """Acts when the last lot is about to be marked, and the first is."""
    times, ledger = count(1), view.ledger(LOTS.first)

    def stopping() -> bool:
        if next(times) == len(LOTS):
            while not isinstance(ledger.read(ledger.look().last), Rollback):
                pass
            act()
        return False

    return stopping


def _roll_back(
    landscape: Landscape, scratch: Path, stopping: Callable[[], bool], *, remove: bool = False
) -> RolledBack:
    (view,) = landscape.arcs
    return roll_back(landscape, view, worked(landscape, view, [LOTS]), scratch, stopping, remove=remove)


def _marked(landscape: Landscape) -> int:
    (view,) = landscape.arcs
    return len(worked(landscape, view, [LOTS]).marked)


def test_what_is_not_reached_is_not_marked_and_the_same_again_marks_it(landscape: Landscape, tmp_path: Path) -> None:
    stopped = _roll_back(landscape, tmp_path, _after(7))
    assert (stopped.lots, stopped.is_whole, stopped.held) == (7, False, ())
    assert _marked(landscape) == 7
    rest = _roll_back(landscape, tmp_path, lambda: False)
    assert (rest.lots, rest.is_whole) == (13, True)
    assert _marked(landscape) == 20


def test_nothing_is_removed_before_all_is_marked(landscape: Landscape, tmp_path: Path) -> None:
    stopped = _roll_back(landscape, tmp_path, _after(7), remove=True)
    assert (stopped.lots, stopped.gone.objects, stopped.is_whole) == (7, 0, False)
    assert len(list((tmp_path / "clean").iterdir())) == 20


def test_what_was_removed_is_counted_and_the_same_again_removes_the_rest(landscape: Landscape, tmp_path: Path) -> None:
    stopped = _roll_back(landscape, tmp_path, _after(20 + 4), remove=True)
    there = len(list((tmp_path / "clean").iterdir()))
    assert (stopped.lots, stopped.is_whole) == (20, False)
    assert 0 < stopped.gone.objects == 20 - there < 20
    rest = _roll_back(landscape, tmp_path, lambda: False, remove=True)
    assert (rest.lots, rest.gone.objects, rest.is_whole) == (0, there, True)
    assert not list((tmp_path / "clean").iterdir())


def test_what_was_worked_again_since_it_was_marked_is_not_removed(landscape: Landscape, tmp_path: Path) -> None:
    """Another run may find a mark at once, and be done before the last lot is marked."""
    (view,) = landscape.arcs
    again = _once_marked(view, lambda: _complete(view, landscape, LOTS.first, revision=1))
    done = _roll_back(landscape, tmp_path, again, remove=True)
    assert (done.lots, done.gone.lots, done.gone.objects) == (20, 19, 19)
    assert done.held == (f"lot {LOTS.first} was worked again since it was rolled back",)
    (clean,) = (each for node, each in landscape.datasets.items() if node.name == "clean")
    assert clean.manifests.newest(clean.dataset, LOTS.first).revision == 1  # type: ignore[union-attr]
    assert landscape.plugins.open_store(clean.dataset.path_uri).get(f"{LOTS.first}.txt") == b"x"


def test_what_was_claimed_since_and_came_to_nothing_is_removed(landscape: Landscape, tmp_path: Path) -> None:
    """Who claimed it writes another revision, if anything."""
    _roll_back(landscape, tmp_path, lambda: False)
    (view,) = landscape.arcs
    assert view.ledger(LOTS.first).append(4, Claim(**BY | {"revision": 1}, sources={}, expires=BY["at"]))
    assert _roll_back(landscape, tmp_path, lambda: False, remove=True).gone.objects == 20


def test_while_a_lot_is_removed_it_is_claimed_so_that_nobody_writes_there(landscape: Landscape, tmp_path: Path) -> None:
    _roll_back(landscape, tmp_path, lambda: False, remove=True)
    ledger = landscape.arcs[0].ledger(LOTS.first)
    entries = [ledger.read(number) for number in ledger.look().numbers]
    assert [each.kind for each in entries] == ["claim", "complete", "rollback", "claim", "rollback"]
    (*_, claim, given_back) = entries
    assert isinstance(claim, Claim)
    assert isinstance(given_back, Rollback)
    assert (claim.revision, given_back.revision, attempt_number(claim.attempt)) == (1, 1, 0)


def test_what_somebody_is_at_stays_with_all_that_it_had(landscape: Landscape, tmp_path: Path) -> None:
    (view,) = landscape.arcs
    claim = Claim(**BY | {"revision": 1}, sources={}, expires=datetime(2999, 1, 1, tzinfo=UTC))
    claimed = _once_marked(view, lambda: view.ledger(LOTS.first).append(4, claim))
    done = _roll_back(landscape, tmp_path, claimed, remove=True)
    assert (done.gone.objects, done.is_whole) == (19, True)
    assert done.held == (f"lot {LOTS.first} is being worked, or was since it was rolled back",)
