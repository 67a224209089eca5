"""Intake: what arrived is written down, under its lot, before its notices are acknowledged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from attrs import frozen

from clusterless import codec, layout
from clusterless.engine.arrivals import Waiting, identity
from clusterless.errors import InvalidValueError
from clusterless.model.arrival import Arrival
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.seal import Batch
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.filters import matcher
from clusterless.runtime.key_time import key_time
from clusterless.runtime.sealed import sealed_since
from clusterless.store.api import ObjectStore
from clusterless.store.retrying import create_once

UNBOOKED = "unbooked"
"""Where arrivals are kept whose key gives no time: named, never lost, in no lot."""

_NAMED = 2  # of those that are unbooked
_MOST = 5000  # arrivals in one batch, which is read whole


@frozen
class Taken:
    """How many arrivals were written down, and what their source said of those to come.

    Those of lots that another project owns are its own to book. *strays* are the keys of the first that are unbooked.
    """

    booked: int
    unbooked: int
    backlog: bool
    unsettled: bool
    strays: tuple[str, ...] = ()


class Intake:
    """One receiver of a boundary; any number of them may share its notices."""

    def __init__(self, boundary: RunningBoundary) -> None:
        self._boundary = boundary
        self._keeps: Callable[[str], bool] = matcher(boundary.boundary.filter, boundary.dataset.path_uri)

    def take(self, wait: float) -> Taken:
        """Write down what arrives within *wait* seconds, then acknowledge it."""
        boundary = self._boundary
        arrived = boundary.source.receive(wait, boundary.looked)
        kept = [arrival for arrival in arrived.arrivals if self._keeps(arrival.uri)]
        lots = group(kept, self._lot)
        tenure = boundary.tenure(boundary.dataset)
        lots = {lot: each for lot, each in lots.items() if lot == UNBOOKED or tenure.holds(Lot.parse(lot))}
        self._drop_sealed(lots)
        for lot, arrivals in lots.items():
            self._write(lot, arrivals)
        arrived.acknowledge()
        if arrived.looked and (boundary.looked is None or arrived.looked > boundary.looked):
            boundary.looked = arrived.looked
        without = lots.get(UNBOOKED, [])
        strays = tuple(layout.key(boundary.dataset.path_uri, each.uri) for each in without[:_NAMED])
        booked = sum(map(len, lots.values())) - len(without)
        return Taken(booked, len(without), arrived.backlog, arrived.unsettled, strays)

    def _drop_sealed(self, lots: dict[str, list[Arrival]]) -> None:
        """What comes again after its lot was sealed would only make work: a seal of nothing, or a wait for one."""
        boundary = self._boundary
        through = boundary.last_seal.through if boundary.last_seal else None
        passed = [lot for lot in lots if lot != UNBOOKED and through and Lot.parse(lot) <= through]
        if not passed:
            return
        known = sealed_since(boundary, Lot.parse(min(passed)))
        for lot in passed:
            fresh = [arrival for arrival in lots.pop(lot) if identity(arrival) not in known]
            if fresh:
                lots[lot] = fresh

    def _lot(self, arrival: Arrival) -> str:
        booking = self._boundary.booking
        time: datetime | None = arrival.time
        if booking.lot_source.is_key_time:
            key = layout.key(self._boundary.dataset.path_uri, arrival.uri)
            time = key_time(booking.key_regex or "", key)
        return str(Lot.containing(time, booking.unit)) if time else UNBOOKED

    def _write(self, lot: str, arrivals: Sequence[Arrival]) -> None:
        boundary = self._boundary
        if lot == UNBOOKED:
            self._keep(arrivals)
            return
        for start in range(0, len(arrivals), _MOST):
            batch = Batch(arrivals=tuple(arrivals[start : start + _MOST]))
            boundary.state.create(boundary.keys.batch(lot, boundary.writer.new_id()), codec.record_bytes(batch))

    def _keep(self, arrivals: Sequence[Arrival]) -> None:
        """One object for each that is in no lot, named for it: however often it is noticed, it is there once."""
        for arrival in arrivals:
            name = hashlib.sha256(f"{arrival.uri} {arrival.etag}".encode()).hexdigest()[:32]
            key = self._boundary.keys.batch(UNBOOKED, name)
            create_once(self._boundary.state, key, codec.record_bytes(Batch(arrivals=(arrival,))))


def waiting(boundary: RunningBoundary) -> list[Waiting]:
    """The batches in the intake, by one list; those that are in no lot are left out."""
    return list(waiting_in(boundary.state, boundary.keys, boundary.booking.unit))


def waiting_in(state: ObjectStore, keys: layout.BoundaryKeys, unit: LotUnit) -> Iterator[Waiting]:
    """The batches in the intake of a boundary, whose lots are of *unit*."""
    prefix = keys.intake
    for info in state.list(prefix):
        try:
            lot = Lot.parse(info.key.removeprefix(prefix).partition("/")[0])
        except InvalidValueError:
            continue
        if lot.unit is unit:
            yield Waiting(info.key, lot, info.time)


def group(arrivals: Iterable[Arrival], of: Callable[[Arrival], str]) -> dict[str, list[Arrival]]:
    groups: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(of(arrival), []).append(arrival)
    return groups
