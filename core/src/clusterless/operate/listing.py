"""Long stretches of lots are listed in shards of some days, a few of them at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from posixpath import commonprefix

from attrs import frozen

from clusterless.engine.ranges import LotRange
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit
from clusterless.operate.ahead import ahead, at_a_time, is_near
from clusterless.store.api import ObjectStore

_FEW = 4096  # about so many in a shard at least: some pages of a listing,
_MANY = 32768  # and so many at most: some memory
_SHARDS = 8  # enough to go at once
_AHEAD = 4  # shards that are listed at a time


@frozen
class Listed:
    """A lot, and the *names* of what is listed below its folder."""

    lot: Lot
    names: tuple[str, ...]


def list_lots(store: ObjectStore, path: str, wanted: LotRange) -> Iterator[Listed]:
    """Each of the *wanted* lots that something is listed of below ``<path>lot=``, in order.

    What is of another unit, or no lot, is passed over. Memory holds some shards, however long the range.
    """
    shards = list(_shards(wanted, days_of(wanted, store)))
    if len(shards) == 1:
        yield from _list(store, path, shards[0])
        return
    calls = (partial(list_shard, store, path, shard) for shard in shards)
    for listed in ahead(calls, at_a_time(store, _AHEAD)):
        yield from listed


def list_shard(store: ObjectStore, path: str, wanted: LotRange) -> list[Listed]:
    """As `list_lots`, by one listing and at once: for a *wanted* that is not long."""
    return list(_list(store, path, wanted))


def list_shards(shelves: Sequence[tuple[ObjectStore, str, LotRange]]) -> Iterator[list[Listed]]:
    """What `list_shard` gives of each of the *shelves*, in their order."""
    most = max((at_a_time(store, _AHEAD) for store, _, _ in shelves), default=1)
    return ahead((partial(list_shard, *shelf) for shelf in shelves), most)


def first_lot(store: ObjectStore, path: str) -> Lot | None:
    """The first lot below *path*, by a short listing; None where there is none."""
    prefix = f"{path}lot="
    texts = (info.key.removeprefix(prefix).partition("/")[0] for info in store.list(prefix))
    return next(filter(None, map(_parsed, texts)), None)


def unit_of(store: ObjectStore, path: str) -> LotUnit | None:
    """The unit of the first lot below *path*; None where there is none."""
    first = first_lot(store, path)
    return first.unit if first else None


def days_of(wanted: LotRange, store: ObjectStore) -> int:
    """How many days of lots make a shard of *wanted*."""
    # A store that is near looks over a whole folder for each.
    lots = _MANY if is_near(store) else min(max(len(wanted) // _SHARDS, _FEW), _MANY)
    return max(lots // wanted.first.unit.per_day, 1)


def _shards(wanted: LotRange, days: int) -> Iterator[LotRange]:
    first = wanted.first
    while first <= wanted.last:
        end = Lot.containing(Lot(first.day, first.unit, 0).start + timedelta(days=days), first.unit)
        yield LotRange(first, min(end.previous, wanted.last))
        first = end


def _list(store: ObjectStore, path: str, wanted: LotRange) -> Iterator[Listed]:
    unit, first, last = wanted.first.unit, str(wanted.first), str(wanted.last)
    for text, names in _folders(store, f"{path}lot=", first, last):
        lot = _parsed(text)
        if lot is None:
            continue
        # Lots of another unit may lie between: their text sorts by day first.
        if lot.day > wanted.last.day or (lot.unit is unit and text > last):
            return
        if lot.unit is unit and text >= first:
            yield Listed(lot, _same(tuple(names)))


def _folders(store: ObjectStore, prefix: str, first: str, last: str) -> Iterator[tuple[str, list[str]]]:
    """What follows *prefix*, from *first* to *last* and perhaps on, up to a slash, and the names below it."""
    passed, folder, start, names = len(prefix), "", "", list[str]()
    for key in _keys(store, prefix, first, last):
        if start and key.startswith(start):
            names.append(key[len(start) :])
            continue
        text, _, name = key[passed:].partition("/")
        if text != folder:
            if names:
                yield folder, names
            folder, start, names = text, f"{prefix}{text}/", []
        names.append(name)
    if names:
        yield folder, names


def _keys(store: ObjectStore, prefix: str, first: str, last: str) -> Iterator[str]:
    if first == last:
        yield from (info.key for info in store.list(f"{prefix}{first}/"))
        return
    # Some stores hold all names that may be listed: what the two have in common leaves them at most those of a year.
    # A lot's own text sorts before whatever lies in its folder.
    for year in range(int(first[:4]), int(last[:4]) + 1):
        begin, end = max(first, f"{year:04}"), min(last, f"{year:04}9")
        for info in store.list(prefix + commonprefix([begin, end]), prefix + begin):
            yield info.key


@lru_cache(maxsize=1024)
def _same(names: tuple[str, ...]) -> tuple[str, ...]:
    """Most lots look alike: their names are held once."""
    return names


@lru_cache(maxsize=2 * _MANY)  # the same stretch is listed of an arc, and of what it reads and writes
def _parsed(text: str) -> Lot | None:
    try:
        return Lot.parse(text)
    except InvalidValueError:
        return None  # somebody else's
