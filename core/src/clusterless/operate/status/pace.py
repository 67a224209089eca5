"""How much a lot holds, and how long it takes from arrival to commit: by the newest lots, since reading all is dear."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from statistics import fmean

from attrs import define, field, frozen

from clusterless.engine.graph_parts import Node
from clusterless.engine.ranges import LotRange
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.ledger import Complete
from clusterless.model.lot import Lot
from clusterless.model.seal import Seal, SealedLot
from clusterless.operate.ahead import ahead, at_a_time
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView, Landscape
from clusterless.operate.status.subjects import View

SAMPLE = 16
"""So many lots of each subject are looked at."""

_WITHIN = 4  # lots of a boundary that are looked at of a larger lot
_ARRIVALS = 64  # of each lot


@frozen(kw_only=True)
class Pace:
    """Of a middling lot: how many *objects* and *bytes*, None where nobody knows.

    *median* and *most* (of 95 in 100) are the seconds from the arrival of an object to the commit of what became of
    it, None where no arrival is known.
    """

    objects: float | None = None
    bytes: float | None = None
    median: float | None = None
    most: float | None = None


@frozen
class _Made:
    """What a lot came to, and when."""

    lot: Lot
    at: datetime
    objects: int
    bytes: int | None


@define(eq=False)
class Pacing:
    """Reads for each subject at most `SAMPLE` lots' ledgers, and as many seals; a seal once for all of them."""

    landscape: Landscape
    _seals: dict[str, _Seals] = field(factory=dict, init=False)

    def of(self, view: View, lots: Sequence[Lot]) -> Pace:
        """Judged by *lots*, which are committed."""
        maker = self.landscape.maker_of(view.node) if isinstance(view, DatasetView) else view
        if maker is None or not lots:
            return Pace()
        node = view.node if isinstance(view, DatasetView) else None
        made = [
            each
            for each in ahead((partial(self._made, maker, node, lot) for lot in lots), at_a_time(maker.state))
            if each
        ]
        waits = sorted(wait for each in made for wait in self._waits(maker, each))
        known = [each.bytes for each in made if each.bytes is not None]
        return Pace(
            objects=fmean(each.objects for each in made) if made else None,
            bytes=fmean(known) if known else None,
            median=_quantile(waits, 0.5),
            most=_quantile(waits, 0.95),
        )

    def _made(self, maker: ArcView | BoundaryView, node: Node | None, lot: Lot) -> _Made | None:
        if isinstance(maker, BoundaryView):
            return self._of(maker).made(lot)
        ledger = maker.ledger(lot)
        try:
            last = ledger.read(ledger.look().last)
        except (MalformedError, ObjectMissingError):
            return None
        if not isinstance(last, Complete):
            return None
        sinks = [each for role, each in last.sinks.items() if node in (None, maker.sinks.get(role))]
        sizes = [sink.bytes for sink in sinks]
        known = None if None in sizes else sum(size for size in sizes if size is not None)
        return _Made(lot, last.at, sum(sink.objects for sink in sinks), known)

    def _waits(self, maker: ArcView | BoundaryView, made: _Made) -> Iterator[float]:
        for boundary in self._origins(maker):
            unit = boundary.boundary.booking.unit
            first = Lot.containing(made.lot.start, unit)
            held = list(LotRange(first, max(first, Lot.containing(made.lot.end, unit).previous)))
            for lot in _spread(held, _WITHIN):
                for arrived in self._of(boundary).arrivals(lot):
                    if arrived <= made.at:  # else it came late, and what is committed is without it
                        yield (made.at - arrived).total_seconds()

    def _origins(self, maker: ArcView | BoundaryView) -> list[BoundaryView]:
        if isinstance(maker, BoundaryView):
            return [maker]
        graph = self.landscape.surveyed.graph
        nodes = {origin.node for source in maker.sources.values() for origin in graph.origins(source)}
        return [boundary for boundary in self.landscape.boundaries if boundary.node in nodes]

    def _of(self, boundary: BoundaryView) -> _Seals:
        return self._seals.setdefault(boundary.state.root + boundary.keys.path, _Seals(boundary))


@define(eq=False)
class _Seals:
    """A boundary's seals, of which each is found by halving: they are in order of lot."""

    boundary: BoundaryView
    _read: dict[int, Seal | None] = field(factory=dict, init=False)
    _end: int | None = field(default=None, init=False)

    def made(self, lot: Lot) -> _Made | None:
        seal = self._holding(lot)
        held = _held(seal, lot)
        if not seal or not held:
            return None
        return _Made(lot, seal.at, sum(each.objects for each in held), sum(each.bytes for each in held))

    def arrivals(self, lot: Lot) -> Iterable[datetime]:
        """When some of what is in *lot* arrived; of lots whose arrivals are too many to be in the seal, nothing."""
        held = _held(self._holding(lot), lot)
        return islice((arrival.time for each in held for arrival in each.arrivals or ()), _ARRIVALS)

    def _holding(self, lot: Lot) -> Seal | None:
        """The first seal that reaches it."""
        if self._end is None:
            self._end = self.boundary.seals.end()
        number = bisect_left(range(1, self._end + 1), str(lot), key=self._through) + 1
        return self._seal(number) if number <= self._end else None

    def _through(self, number: int) -> str:
        seal = self._seal(number)
        return str(seal.through) if seal and seal.through else ""

    def _seal(self, number: int) -> Seal | None:
        if number not in self._read:
            try:
                self._read[number] = self.boundary.seals.read(number)
            except (MalformedError, ObjectMissingError):
                self._read[number] = None
        return self._read[number]


def _held(seal: Seal | None, lot: Lot) -> list[SealedLot]:
    return [each for each in seal.lots if each.lot == lot] if seal else []


def _quantile(values: Sequence[float], share: float) -> float | None:
    return values[min(int(share * len(values)), len(values) - 1)] if values else None


def _spread(lots: Sequence[Lot], most: int) -> Sequence[Lot]:
    return lots if len(lots) <= most else [lots[number * (len(lots) - 1) // (most - 1)] for number in range(most)]
