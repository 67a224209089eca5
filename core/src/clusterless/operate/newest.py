"""The lots nearest to a stretch that has none, found without listing all that is older."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import date

from clusterless.engine.ranges import LotRange
from clusterless.model.lot import Lot
from clusterless.operate.listing import first_lot, list_lots
from clusterless.store.api import ObjectStore

_DAYS = 1  # of the first stretch that is looked at; each further one is twice as long


def nearest(store: ObjectStore, path: str, wanted: LotRange) -> Lot | None:
    """The newest lot before the *wanted* ones, or else the first, where that is after them."""
    if before := newest_before(store, path, wanted.first):
        return before
    first = first_lot(store, path)
    return first if first and first.start >= wanted.last.end else None


def newest_before(store: ObjectStore, path: str, first: Lot) -> Lot | None:
    """The newest lot of *first*'s unit that something is listed of below ``<path>lot=`` before *first*."""
    oldest = first_lot(store, path)
    if oldest is None or first.start <= oldest.start:
        return None
    for stretch in _back_from(first, oldest):
        if last := deque(list_lots(store, path, stretch), maxlen=1):
            return last[0].lot
    return None


def _back_from(first: Lot, oldest: Lot) -> Iterator[LotRange]:
    """Neighbouring stretches, the later before the earlier, until *oldest* is among them."""
    days = _DAYS
    while oldest.start < first.start:
        day = date.fromordinal(max(first.day.toordinal() - days, 1))
        start = Lot(day, first.unit, 0)
        yield LotRange(start, first.previous)
        first, days = start, 2 * days
