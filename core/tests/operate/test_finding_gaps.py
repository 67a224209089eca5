"""Gaps are the same however many days are looked at at a time, and each lot is in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from shop import arrive, copy, daily, shop

from clusterless.engine.ranges import between
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit
from clusterless.operate import listing
from clusterless.operate.gaps.facts import Facts
from clusterless.operate.gaps.finding import Search, find_gaps
from clusterless.operate.landscape import Landscape

MakeLandscape = Callable[..., Landscape]
START = Lot.parse("20240101PT1H000")
DAYS = 6
MISSING = {0, 5, 23, 24, 25, 70, 71, 72, 73, 143}


SHOP = shop(
    boundaries=[arrive()],
    barriers=[daily()],
    arcs=[copy("keep", "by-day", "kept"), copy("round", "trip", "round"), copy("trip", "round", "trip")],
)


@pytest.fixture
def landscape(landscape_of: MakeLandscape, tmp_path: Path) -> Landscape:
    """Six days of `orders` without the hours of `MISSING`; of `by-day`, nothing. Two arcs feed each other."""
    made = landscape_of(tmp_path, SHOP)
    for arc in made.arcs:
        arc.state.put(arc.keys.start, b'{"main": null}')
    for view in made.datasets.values():
        if view.dataset.name == "orders":
            for hour in set(range(24 * DAYS)) - MISSING:
                view.manifests.store.put(f"{view.path}lot={START.plus(hour)}/state=complete/manifest.json", b"{}")
    return made


def search(*, why: bool = True) -> Search:
    end = START.start + timedelta(days=DAYS)
    return Search(window=lambda unit: between(START.start, end, unit), now=end + timedelta(days=1), why=why)


def found(landscape: Landscape, *names: str, why: bool = True) -> list[tuple[str, str, str]]:
    listed = find_gaps(landscape, names, search(why=why))
    return [(gap.thing.name, str(gap.lots), gap.reason.origin.element if gap.reason else "") for gap in listed]


@pytest.mark.parametrize("lots", [1, 48, 4096])
def test_gaps_go_on_from_one_stretch_of_days_to_the_next(
    landscape: Landscape, lots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MANY", lots)
    hours = [(0, 0), (5, 5), (23, 25), (70, 73), (143, 143)]
    ranges = [(START.plus(a), START.plus(b)) for a, b in hours]
    assert found(landscape, "orders") == [
        ("orders/1", str(a) if a == b else f"{a}..{b}", "shop/arrive") for a, b in ranges
    ]


def test_what_is_made_of_what_is_missing_names_it_alone_or_with_all(landscape: Landscape) -> None:
    days = [Lot.containing(START.start + timedelta(days=day), LotUnit.DAYS) for day in range(DAYS)]
    blocked = "shop/arrive"
    alone = found(landscape, "kept")
    assert alone == [
        ("kept/1", f"{days[0]}..{days[3]}", blocked),
        ("kept/1", str(days[4]), "shop/day"),
        ("kept/1", str(days[5]), blocked),
    ]
    assert alone == [gap for gap in found(landscape, "kept", "orders", "by-day") if gap[0] == "kept/1"]
    assert [gap[1] for gap in found(landscape, "kept", why=False)] == [f"{days[0]}..{days[-1]}"]


def test_arcs_that_feed_each_other_end_the_walk(landscape: Landscape) -> None:
    assert found(landscape, "round") == []


def test_things_are_named_by_dataset_or_by_who_makes_them(landscape: Landscape) -> None:
    assert found(landscape, "arrive") == found(landscape, "shop/arrive") == found(landscape, "orders/1")
    with pytest.raises(InvalidValueError, match="there is no dataset 'nowhere'"):
        found(landscape, "nowhere")
    for name, meant in {"order": "orders", "orders/11": "orders/1", "shop/arive": "shop/arrive"}.items():
        with pytest.raises(InvalidValueError) as raised:
            found(landscape, name)
        assert raised.value.hint == f"did you mean {meant!r}?"


def test_of_a_near_store_each_lot_is_listed_alone_unless_there_are_very_many(landscape: Landscape) -> None:
    (orders,) = [view for view in landscape.datasets.values() if view.dataset.name == "orders"]
    store, asked = orders.manifests.store, list[str]()
    plain = store.list_keys
    lots = [START.plus(number) for number in (1, 2, 3, 5)]
    assert 5 in MISSING

    def counted(prefix: str = "", after: str = "") -> Iterator[str]:
        asked.append(prefix)
        return plain(prefix, after)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "list_keys", counted)
        found = Facts(landscape).listed(store, orders.path, lots)
    assert list(found) == lots[:3]
    assert asked == [f"{orders.path}lot={lot}/" for lot in lots]
