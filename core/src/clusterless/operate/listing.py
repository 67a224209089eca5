"""Long stretches of lots are listed in shards of some days, a few of them at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from itertools import chain
from posixpath import commonprefix

from attrs import frozen

from clusterless.engine.ranges import LotRange, texts_of
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit
from clusterless.operate.ahead import ahead, at_a_time, is_near
from clusterless.store.api import ObjectStore

_FEW = 4096  # about so many in a shard at least: some pages of a listing,
_MANY = 32768  # and so many at most: some memory
_SHARDS = 8  # enough to go at once
_AHEAD = 4  # shards that are listed at a time


Names = tuple[str, ...]
"""What is listed below a lot's folder. Most lots look alike: theirs are held once."""


@frozen
class Listed:
    """A lot, and the *names* of what is listed below its folder."""

    lot: Lot
    names: Names


def list_lots(store: ObjectStore, path: str, wanted: LotRange) -> Iterator[Listed]:
    """Each of the *wanted* lots that something is listed of below ``<path>lot=``, in order.

    What is of another unit, or no lot, is passed over. Memory holds some shards, however long the range.
    """
    return (Listed(lot_named(text), names) for text, names in list_texts(store, path, wanted))


def list_texts(store: ObjectStore, path: str, wanted: LotRange) -> Iterator[tuple[str, Names]]:
    """As `list_lots`; lots are told by their texts."""
    shards = list_shards([(store, path, shard) for shard in _shards(wanted, days_of(wanted, store))])
    return chain.from_iterable(listed.items() for listed in shards)


def list_shard(store: ObjectStore, path: str, wanted: LotRange) -> dict[str, Names]:
    """As `list_lots`, at once: for a *wanted* that is not long. Lots are told by their texts."""
    return next(_neighbours(store, path, [wanted]))


def list_shards(shelves: Sequence[tuple[ObjectStore, str, LotRange]]) -> Iterator[dict[str, Names]]:
    """What `list_shard` gives of each of the *shelves*, in their order; those of one path are in order of time."""
    most = max((at_a_time(store, _AHEAD) for store, _, _ in shelves), default=1)
    if most > 1:
        return ahead((partial(list_shard, *shelf) for shelf in shelves), most)
    # A store that is near looks over a whole folder for each listing: so one goes on from shard to shard.
    shards = {(store.root, path): list[LotRange]() for store, path, _ in shelves}
    for store, path, shard in shelves:
        shards[store.root, path].append(shard)
    begun = {(store.root, path): _neighbours(store, path, shards[store.root, path]) for store, path, _ in shelves}
    return (next(begun[store.root, path]) for store, path, _ in shelves)


def _neighbours(store: ObjectStore, path: str, shards: Sequence[LotRange]) -> Iterator[dict[str, Names]]:
    """What is listed of each of the *shards*, which are in order, by one listing."""
    lots = _lots(store, f"{path}lot=", str(shards[0].first), str(shards[-1].last))
    here = next(lots, None)
    for shard in shards:
        texts, last, alike, found = texts_in(shard), str(shard.last), dict[Names, Names](), dict[str, Names]()
        while here:
            text, names = here
            if text in texts:
                one = tuple(names)
                found[text] = alike.setdefault(one, one)
            elif text > last and _is_past(text, shard.last):
                break
            here = next(lots, None)
        yield found


def _lots(store: ObjectStore, prefix: str, first: str, last: str) -> Iterator[tuple[str, list[str]]]:
    """What follows *prefix*, from *first* to *last* and perhaps on, up to a slash, and the names below it."""
    passed, text, folder, names = len(prefix), "", "\0", list[str]()
    for key in chain.from_iterable(_listings(store, prefix, first, last)):
        if key.startswith(folder):
            names.append(key[len(folder) :])
            continue
        if names:
            yield text, names
        text, _, name = key[passed:].partition("/")
        folder, names = f"{prefix}{text}/", [name]
    if names:
        yield text, names


@lru_cache(maxsize=2 * _MANY)  # the same stretch is listed of an arc, and of what it reads and writes
def lot_named(text: str) -> Lot:
    """The lot of that text, as a listing gave it."""
    return Lot.parse(text)


@lru_cache(maxsize=4)  # likewise
def texts_in(lots: LotRange) -> frozenset[str]:
    """The texts of *lots*."""
    return frozenset(texts_of(lots))


def first_lot(store: ObjectStore, path: str) -> Lot | None:
    """The first lot below *path*, by a short listing; None where there is none."""
    prefix = f"{path}lot="
    texts = (key.removeprefix(prefix).partition("/")[0] for key in store.list_keys(prefix))
    return next(filter(None, map(_parsed, texts)), None)


def unit_of(store: ObjectStore, path: str) -> LotUnit | None:
    """The unit of the first lot below *path*; None where there is none."""
    first = first_lot(store, path)
    return first.unit if first else None


def days_of(wanted: LotRange, store: ObjectStore) -> int:
    """How many days of lots make a shard of *wanted*."""
    lots = _MANY if is_near(store) else min(max(len(wanted) // _SHARDS, _FEW), _MANY)
    return max(lots // wanted.first.unit.per_day, 1)


def _shards(wanted: LotRange, days: int) -> Iterator[LotRange]:
    first = wanted.first
    while first <= wanted.last:
        end = Lot.containing(Lot(first.day, first.unit, 0).start + timedelta(days=days), first.unit)
        yield LotRange(first, min(end.previous, wanted.last))
        first = end


def _listings(store: ObjectStore, prefix: str, first: str, last: str) -> Iterator[Iterator[str]]:
    if first == last:
        yield store.list_keys(f"{prefix}{first}/")
        return
    # Some stores hold all names that may be listed: what the two have in common leaves them at most those of a year.
    # A lot's own text sorts before whatever lies in its folder.
    for year in range(int(first[:4]), int(last[:4]) + 1):
        begin, end = max(first, f"{year:04}"), min(last, f"{year:04}9")
        yield store.list_keys(prefix + commonprefix([begin, end]), prefix + begin)


def _is_past(text: str, last: Lot) -> bool:
    """Whether no lot like *last* follows: those of another unit may lie between, since texts sort by day first."""
    lot = _parsed(text)
    return lot is not None and (lot.day > last.day or lot.unit is last.unit)


def _parsed(text: str) -> Lot | None:
    try:
        return Lot.parse(text)
    except InvalidValueError:
        return None  # somebody else's
