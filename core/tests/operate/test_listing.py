"""Lots of a range, listed in shards, are those that one listing shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.ranges import LotRange
from clusterless.model.lot import Lot, LotUnit
from clusterless.operate import listing
from clusterless.operate.listing import Listed, list_lots
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.memory import MemoryStore

START = Lot.parse("20240101PT1H000")
PATH = "arcs/arc=a/"


NEAR, FAR = "memory://lots/", "s3://lots/"  # by one, and by several threads


def filled(lots: list[Lot], root: str = NEAR) -> ObjectStore:
    store = MemoryStore(root)
    for lot in lots:
        for name in ("000001.json", "complete.arc"):
            store.put(f"{PATH}lot={lot}/{name}", b"")
    for other in ("lot=20240102PT5M000/000001.json", "lot=nonsense/x", "start.json"):
        store.put(PATH + other, b"")
    return store


HOURS = st.integers(0, 24 * 800)  # of three years


@pytest.mark.parametrize("root", [NEAR, FAR])
@given(st.sets(HOURS, max_size=50), HOURS, HOURS, st.sampled_from([24 * 30, 24 * 100, 24 * 1000]))
def test_every_lot_of_the_range_is_listed_once_and_in_order(
    root: str, there: set[int], one: int, other: int, per_shard: int
) -> None:
    first, last = sorted((one, other))
    store = filled([START.plus(number) for number in there], root)
    kept = listing._FEW, listing._MANY
    listing._FEW = listing._MANY = per_shard
    try:
        found = list(list_lots(store, PATH, LotRange(START.plus(first), START.plus(last))))
    finally:
        listing._FEW, listing._MANY = kept
    expected = [START.plus(number) for number in sorted(there) if first <= number <= last]
    assert found == [Listed(lot, ("000001.json", "complete.arc")) for lot in expected]


def test_a_reader_that_stops_early_does_not_wait_for_the_rest() -> None:
    lots = [START.plus(24 * day) for day in range(3000)]
    found = list_lots(filled(lots, FAR), PATH, LotRange(START, lots[-1]))
    assert next(found).lot == START
    found.close()


@pytest.mark.parametrize("root", [NEAR, FAR])
def test_a_store_that_is_near_is_listed_once_however_many_shards_there_are(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_FEW", 24)
    monkeypatch.setattr(listing, "_MANY", 24)
    lots = [START.plus(number) for number in range(24 * 5)]
    store, asked = filled(lots, root), list[str]()
    answer = store.list

    def counted(prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        asked.append(prefix)
        return answer(prefix, after)

    monkeypatch.setattr(store, "list", counted)
    assert [each.lot for each in list_lots(store, PATH, LotRange(lots[0], lots[-1]))] == lots
    assert len(asked) == (1 if root == NEAR else 5)


def test_units_do_not_mix() -> None:
    day = Lot.containing(START.start, LotUnit.TWELFTHS)
    found = list_lots(filled([START]), PATH, LotRange(day, day.plus(600)))
    assert [str(each.lot) for each in found] == ["20240102PT5M000"]
