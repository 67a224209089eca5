"""What is declared, and what it reads from elsewhere, is in view with its stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from shop import arrive, copy, daily, shop

from clusterless.model.lot import LotUnit
from clusterless.operate.landscape import ArcView, BoundaryView, Landscape

SHOP = shop(
    boundaries=[arrive()],
    barriers=[daily()],
    arcs=[copy("keep", "by-day", "kept"), copy("off", "by-day", "never", exclude=True)],
)


@pytest.fixture
def landscape(landscape_of: Callable[..., Landscape], tmp_path: Path) -> Landscape:
    return landscape_of(tmp_path, SHOP)


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
