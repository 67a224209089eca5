"""Long stretches of lots are listed in shards of some days, a few of them at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache, partial
from posixpath import commonprefix
from typing import TypeVar

from attrs import frozen

from clusterless.engine.ranges import LotRange
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit
from clusterless.store.api import ObjectStore

T = TypeVar("T")

_LOTS = 4096  # about so many in a shard at least: some pages of a listing, and little memory
_SHARDS = 8  # enough to go at once: some stores look over a whole folder for each
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
    shards = list(_shards(wanted))
    if len(shards) == 1:
        yield from _list(store, path, shards[0])
        return
    for listed in ahead(partial(list_shard, store, path, shard) for shard in shards):
        yield from listed


def list_shard(store: ObjectStore, path: str, wanted: LotRange) -> list[Listed]:
    """As `list_lots`, by one listing and at once: for a *wanted* that is not long."""
    return list(_list(store, path, wanted))


def unit_of(store: ObjectStore, path: str) -> LotUnit | None:
    """The unit of the first lot below *path*; None where there is none."""
    prefix = f"{path}lot="
    texts = (info.key.removeprefix(prefix).partition("/")[0] for info in store.list(prefix))
    return next((lot.unit for lot in map(_parsed, texts) if lot), None)


def days_of(wanted: LotRange) -> int:
    """How many days of lots make a shard of *wanted*."""
    lots = min(max(len(wanted) // _SHARDS, _LOTS), _SHARDS * _LOTS)
    return max(lots // wanted.first.unit.per_day, 1)


def ahead(calls: Iterable[Callable[[], T]], most: int = _AHEAD) -> Iterator[T]:
    """What the *calls* return, in their order; some are made at a time, and as few as that are ahead of the reader."""
    with ThreadPoolExecutor(most, thread_name_prefix="ahead") as pool:
        begun: deque[Future[T]] = deque()
        try:
            for call in calls:
                begun.append(pool.submit(call))
                if len(begun) > most:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:  # the reader stopped early
                future.cancel()


def _shards(wanted: LotRange) -> Iterator[LotRange]:
    days = timedelta(days=days_of(wanted))
    first = wanted.first
    while first <= wanted.last:
        end = Lot.containing(Lot(first.day, first.unit, 0).start + days, first.unit)
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
            yield Listed(lot, tuple(names))


def _folders(store: ObjectStore, prefix: str, first: str, last: str) -> Iterator[tuple[str, list[str]]]:
    """What follows *prefix*, from *first* to *last* and perhaps on, up to a slash, and the names below it."""
    passed, folder, names = len(prefix), "", list[str]()
    # Some stores hold all names that may be listed: what the two have in common leaves them few of those after *last*.
    # A lot's own text sorts before whatever lies in its folder.
    for info in store.list(prefix + commonprefix([first, last]), prefix + first):
        text, _, name = info.key[passed:].partition("/")
        if text != folder:
            if names:
                yield folder, names
            folder, names = text, []
        names.append(name)
    if names:
        yield folder, names


@lru_cache(maxsize=2 * _SHARDS * _LOTS)  # the same stretch is listed of an arc, and of what it reads and writes
def _parsed(text: str) -> Lot | None:
    try:
        return Lot.parse(text)
    except InvalidValueError:
        return None  # somebody else's
