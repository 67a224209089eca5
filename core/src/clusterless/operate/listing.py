"""Long stretches of lots are listed in shards of some days, a few of them at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from itertools import groupby

from attrs import frozen

from clusterless.engine.ranges import LotRange
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot
from clusterless.store.api import ObjectStore

_LOTS = 4096  # about so many in a shard: some pages of a listing, and little memory
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
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="list") as pool:
        ahead: deque[Future[list[Listed]]] = deque()
        try:
            for shard in shards:
                ahead.append(pool.submit(_listed, store, path, shard))
                if len(ahead) > _AHEAD:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        finally:
            for future in ahead:  # the reader stopped early
                future.cancel()


def _shards(wanted: LotRange) -> Iterator[LotRange]:
    days = timedelta(days=max(_LOTS // wanted.first.unit.per_day, 1))
    first = wanted.first
    while first <= wanted.last:
        end = Lot.containing(Lot(first.day, first.unit, 0).start + days, first.unit)
        yield LotRange(first, min(end.previous, wanted.last))
        first = end


def _listed(store: ObjectStore, path: str, wanted: LotRange) -> list[Listed]:
    return list(_list(store, path, wanted))


def _list(store: ObjectStore, path: str, wanted: LotRange) -> Iterator[Listed]:
    prefix = f"{path}lot="
    # The lot's own text sorts before whatever lies in its folder.
    keys = (info.key.removeprefix(prefix).partition("/") for info in store.list(prefix, f"{prefix}{wanted.first}"))
    for text, parts in groupby(keys, lambda key: key[0]):
        try:
            lot = Lot.parse(text)
        except InvalidValueError:
            continue
        # Lots of another unit may lie between: their text sorts by day first.
        if lot.day > wanted.last.day or (lot.unit is wanted.last.unit and lot > wanted.last):
            return
        if lot in wanted:
            yield Listed(lot, tuple(name for _, _, name in parts))
