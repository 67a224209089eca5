"""What is declared, and what it reads from elsewhere, is in view with its stores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clusterless.deploy.read import read_projects
from clusterless.deploy.recorded import with_upstream
from clusterless.model.lot import LotUnit
from clusterless.operate.landscape import ArcView, BoundaryView, Landscape
from clusterless.plugins import find_plugins

SHOP = {
    "project": {"name": "shop", "version": "1"},
    "placement": {"provider": "local"},
    "boundaries": [
        {
            "type": "local:core:putListenerBoundary",
            "name": "arrive",
            "lotUnit": "Hours",
            "eventArrival": "frequent",
            "dataset": {"name": "orders", "version": "1", "pathURI": "orders/"},
        }
    ],
    "barriers": [
        {
            "type": "cls:core:rollupBarrier",
            "name": "day",
            "lotUnit": "Days",
            "sources": {"main": {"name": "orders", "version": "1"}},
            "dataset": {"name": "by-day", "version": "1"},
        }
    ],
    "arcs": [
        {
            "type": "cls:core:copyArc",
            "name": "keep",
            "sources": {"main": {"name": "by-day", "version": "1"}},
            "sinks": {"main": {"name": "kept", "version": "1", "pathURI": "kept/"}},
        },
        {
            "type": "cls:core:copyArc",
            "name": "off",
            "exclude": True,
            "sources": {"main": {"name": "by-day", "version": "1"}},
            "sinks": {"main": {"name": "never", "version": "1", "pathURI": "never/"}},
        },
    ],
}


@pytest.fixture
def landscape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Landscape:
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    (tmp_path / "shop.json").write_text(json.dumps(SHOP))
    plugins = find_plugins()
    declared = read_projects([tmp_path / "shop.json"], plugins.components(), plugins.project_formats())
    return Landscape(with_upstream(declared, plugins), plugins)


def test_what_works_lots_is_in_view_with_the_unit_of_its_lots(landscape: Landscape) -> None:
    assert {arc.name: arc.unit for arc in landscape.arcs} == {"shop/keep": LotUnit.DAYS, "shop/day": LotUnit.DAYS}


def test_a_dataset_knows_its_maker_and_its_readers(landscape: Landscape) -> None:
    made = {
        view.dataset.name: (
            type(landscape.maker_of(node)),
            view.unit,
            [reader.name for reader in landscape.readers_of(node)],
        )
        for node, view in landscape.datasets.items()
    }
    assert made == {
        "orders": (BoundaryView, LotUnit.HOURS, ["shop/day"]),
        "by-day": (ArcView, LotUnit.DAYS, ["shop/keep"]),
        "kept": (ArcView, LotUnit.DAYS, []),
    }


def test_records_are_looked_for_where_the_project_lives(landscape: Landscape, tmp_path: Path) -> None:
    below = f"{tmp_path.as_uri()}/.clusterless/"
    assert all(arc.state.root.startswith(below) for arc in landscape.arcs)
    assert all(view.manifests.store.root.startswith(below) for view in landscape.datasets.values())
