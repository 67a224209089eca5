"""What the seals of a boundary say of a lot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from attrs import define, field

from clusterless import layout
from clusterless.model.lot import Lot
from clusterless.model.seal import Seal, SealedLot
from clusterless.operate.explain.places import Place
from clusterless.operate.explain.story import SHOWN, Fact, Story
from clusterless.store.ledger import SealLedger, seals_of

_SLACK = timedelta(seconds=1)  # that a store's times may differ among themselves
_BACK = 3  # seals before a moment that are looked at: a manifest is written soon after its seal


def boundary_story(place: Place, keys: layout.BoundaryKeys, lot: Lot, times: Iterable[datetime]) -> Story | None:
    """The seals that hold *lot*, whose manifests were written at *times*."""
    facts: list[Fact] = []
    for number, seal in _Seals(seals_of(place.state, keys)).near(lot, times):
        for sealed in seal.lots:
            if sealed.lot == lot:
                facts += _sealed(number, seal, sealed)
    name = f"{keys.project.id}/{keys.boundary}"
    return Story(kind="boundary", name=name, lot=lot, placement=place.placement, facts=tuple(facts)) if facts else None


@define
class _Seals:
    """A boundary's seals, found by halving: they are in order, both of the lots that they reach and of time."""

    ledger: SealLedger
    _read: dict[int, Seal] = field(factory=dict)

    def near(self, lot: Lot, times: Iterable[datetime]) -> Iterator[tuple[int, Seal]]:
        """The first that looked through *lot*, and those written just before *times*: it may have come late."""
        last = self.ledger.end()
        numbers = {self._first(last, lambda seal: _reaches(seal, lot))}
        for moment in times:
            after = self._first(last, lambda seal, until=moment + _SLACK: seal.at > until)  # type: ignore[misc]
            numbers |= set(range(after - _BACK, after))
        yield from ((number, self.read(number)) for number in sorted(numbers) if 1 <= number <= last)

    def read(self, number: int) -> Seal:
        if number not in self._read:
            self._read[number] = self.ledger.read(number)
        return self._read[number]

    def _first(self, last: int, is_past: Callable[[Seal], bool]) -> int:
        first, end = 1, last + 1
        while first < end:
            middle = (first + end) // 2
            if is_past(self.read(middle)):
                end = middle
            else:
                first = middle + 1
        return first


def _reaches(seal: Seal, lot: Lot) -> bool:
    return seal.through is not None and seal.through.unit is lot.unit and seal.through >= lot


def _sealed(number: int, seal: Seal, sealed: SealedLot) -> Iterator[Fact]:
    yield Fact(
        what="seal",
        number=number,
        at=seal.at,
        by=seal.by,
        revision=sealed.revision,
        state=sealed.state.value,
        objects=sealed.objects,
        bytes=sealed.bytes,
        text=f"seal {number}",
        digest=sealed.digest,
    )
    for arrival in islice(sealed.arrivals or (), SHOWN):
        yield Fact(what="arrival", at=arrival.time, bytes=arrival.size, uri=arrival.uri)
