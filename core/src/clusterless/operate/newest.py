"""The newest lot before a stretch of lots, found without listing all that is older."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from clusterless.engine.ranges import LotRange
from clusterless.model.lot import Lot
from clusterless.operate.listing import list_lots, unit_of
from clusterless.store.api import ObjectStore

_DAYS = 1  # of the first stretch that is looked at; each further one is twice as long
_LONGEST = 1 << 16  # days: no lot is older than that


def newest_before(store: ObjectStore, path: str, first: Lot) -> Lot | None:
    """The newest lot of *first*'s unit that something is listed of below ``<path>lot=`` before *first*."""
    if unit_of(store, path) is None:
        return None  # by one short listing
    for stretch in _back_from(first):
        if last := deque(list_lots(store, path, stretch), maxlen=1):
            return last[0].lot
    return None


def _back_from(first: Lot) -> Iterator[LotRange]:
    """Neighbouring stretches, the later before the earlier."""
    days = _DAYS
    while days <= min(_LONGEST, first.day.toordinal() - 1):
        start = first.plus(-days * first.unit.per_day)
        yield LotRange(start, first.previous)
        first, days = start, 2 * days
