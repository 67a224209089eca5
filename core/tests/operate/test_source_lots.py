"""What is committed to a dataset is listed once, however many arcs of a plan read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop import arrive, copy, shop

from clusterless import layout
from clusterless.engine.plan import Kind, Which
from clusterless.engine.ranges import LotRange
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.operate.landscape import DatasetView, Landscape
from clusterless.operate.plans.making import Asked, Planner
from clusterless.operate.source_lots import SourceLots
from clusterless.store.manifests import Manifests
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import CountingStore

MakeLandscape = Callable[..., Landscape]
START = Lot.parse("20240101PT1H000")
WHOLE = LotRange(START, START.plus(999))


@pytest.fixture
def landscape(landscape_of: MakeLandscape, tmp_path: Path) -> Landscape:
    arcs = [copy("one", "orders", "ones"), copy("two", "orders", "twos"), copy("three", "ones", "threes")]
    return landscape_of(tmp_path, shop(boundaries=[arrive()], arcs=arcs))


def holding(landscape: Landscape, revisions: dict[int, int]) -> tuple[CountingStore, DatasetView]:
    """The dataset `orders`, in a store that counts: of its hours, those that have *revisions*."""
    view = next(each for each in landscape.datasets.values() if each.dataset.name == "orders")
    store = CountingStore(MemoryStore("memory://lots/"))
    for hour, revision in revisions.items():
        key = layout.manifest(view.dataset, START.plus(hour), ManifestState.COMPLETE, revision)
        store.put(key, b"{}")
    return store, evolve(view, manifests=Manifests(store))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(0, 60), st.integers(0, 2)))
def test_what_is_remembered_is_what_was_listed(landscape: Landscape, revisions: dict[int, int]) -> None:
    store, view = holding(landscape, revisions)
    lots = SourceLots()
    found = [list(lots.committed(view, WHOLE)) for _ in range(3)]
    expected = [(str(START.plus(hour)), revision) for hour, revision in sorted(revisions.items())]
    assert found == [expected] * 3
    assert store.requests["list"] == 1


def test_what_was_not_read_to_its_end_is_listed_again(landscape: Landscape) -> None:
    _, view = holding(landscape, dict.fromkeys(range(9), 0))
    lots = SourceLots()
    assert next(iter(lots.committed(view, WHOLE)))[0] == str(START)
    assert len(list(lots.committed(view, WHOLE))) == 9


def test_other_ranges_are_listed_for_themselves(landscape: Landscape) -> None:
    _, view = holding(landscape, dict.fromkeys(range(9), 0))
    lots = SourceLots()
    assert len(list(lots.committed(view, WHOLE))) == 9
    assert len(list(lots.committed(view, LotRange(START, START.plus(3))))) == 4


def test_a_plan_lists_a_dataset_once_for_all_that_read_it(
    landscape: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, view = holding(landscape, dict.fromkeys((1, 2, 3, 7), 0))
    monkeypatch.setitem(landscape.datasets, view.node, view)
    asked = Asked(kind=Kind.BACKFILL, which={Which.MISSING}, within=lambda _: WHOLE)
    stages = list(Planner(landscape, asked, WHOLE.last.end).stages(landscape.arcs))
    assert {(stage.arc, stage.lots) for stage in stages} == {("one", 4), ("two", 4), ("three", 4)}
    assert store.requests["list"] == 1
