"""How much a plan is about, and how long a lot takes: from some records, since reading all would take as long."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from attrs import frozen

from clusterless.engine.plan import evenly, in_unit, scaled, typical
from clusterless.engine.ranges import LotRange
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.ledger import Claim, Complete
from clusterless.model.lot import Lot
from clusterless.model.seal import Seal
from clusterless.operate.landscape import ArcView, BoundaryView, Landscape
from clusterless.store.ledger import LotLedger

HISTORY = 16
"""So many lots are looked at for how long one takes."""

_SAMPLE = 24  # records read of each kind,
_READERS = 8  # by so many threads


@frozen
class Size:
    """What source lots hold; None where it is not known."""

    objects: int | None = None
    bytes: int | None = None


def size_of(landscape: Landscape, arc: ArcView, planned: Sequence[LotRange]) -> Size:
    """What the *planned* lots of *arc* read from the sources that it hears of, judged by some of them."""
    sizes = [_source_size(landscape, arc, role, planned) for role, _ in arc.reader.subscribed]
    return Size(_total([size.objects for size in sizes]), _total([size.bytes for size in sizes]))


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _source_size(landscape: Landscape, arc: ArcView, role: str, planned: Sequence[LotRange]) -> Size:
    maker, view = landscape.maker_of(arc.sources[role]), landscape.datasets.get(arc.sources[role])
    if not planned or not view or not view.unit or not maker:
        return Size()
    ranges = [in_unit(lots, view.unit) for lots in planned] if arc.arc.lot_unit else list(planned)
    total = sum(map(len, ranges))
    sampled = evenly(ranges, _SAMPLE)
    sizes = _sealed(maker, sampled) if isinstance(maker, BoundaryView) else _made(maker, sampled, view.dataset.id)
    return Size(
        scaled([size.objects for size in sizes], total),
        scaled([size.bytes for size in sizes], total),
    )


def _made(maker: ArcView, lots: Sequence[Lot], dataset: str) -> list[Size]:
    role = next(role for role, sink in maker.arc.sinks.items() if sink.id == dataset)

    def read(lot: Lot) -> Size:
        ledger = maker.ledger(lot)
        number = ledger.look().last
        last = _entry(ledger, number)
        if not isinstance(last, Complete) or role not in last.sinks:
            return Size()
        return Size(last.sinks[role].objects, last.sinks[role].bytes)

    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(read, lots))


def _sealed(boundary: BoundaryView, lots: Sequence[Lot]) -> list[Size]:
    """What the seals hold that reached *lots*: they are in order, so that each is found by halving."""
    seals, end = boundary.seals, boundary.seals.end()

    @cache
    def read(number: int) -> Seal | None:
        try:
            return seals.read(number)
        except (MalformedError, ObjectMissingError):
            return None

    def through(number: int) -> str:
        seal = read(number)
        return str(seal.through) if seal and seal.through else ""

    found = []
    for lot in lots:
        number = bisect_left(range(1, end + 1), str(lot), key=through) + 1
        seal = read(number) if number <= end else None
        held = [each for each in seal.lots if each.lot == lot] if seal else []
        if held:
            found.append(Size(sum(each.objects for each in held), sum(each.bytes for each in held)))
        else:
            found.append(Size(0, 0) if seal else Size())
    return found


def seconds_of(arc: ArcView, lots: Sequence[tuple[Lot, int]]) -> float | None:
    """What the middle one of some *lots* took, each given with the number of the entry that completed it."""

    def read(lot: Lot, number: int) -> float | None:
        ledger = arc.ledger(lot)
        claim, outcome = _entry(ledger, number - 1), _entry(ledger, number)
        if not isinstance(claim, Claim) or not isinstance(outcome, Complete):
            return None
        return max((outcome.at - claim.at).total_seconds(), 0)

    with ThreadPoolExecutor(_READERS) as pool:
        took = pool.map(lambda each: read(*each), lots)
        return typical([each for each in took if each is not None])


def _entry(ledger: LotLedger, number: int) -> object:
    try:
        return ledger.read(number) if number else None
    except (MalformedError, ObjectMissingError):
        return None
