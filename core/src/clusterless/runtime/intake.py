"""Intake: what arrived is written down, under its lot, before its notices are acknowledged."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from clusterless import codec, layout
from clusterless.engine.arrivals import Waiting, identity
from clusterless.errors import InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import LotSource
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
_UPLOAD = timedelta(hours=1)  # between an object's own time and that of its event, at most
_PROMPT = timedelta(minutes=5)  # that a notice takes, at most, before a listing may have come before it

_log = logging.getLogger(__name__)


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
        if arrived.unnoticed:
            kept = self._not_booked(kept)
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

    def _not_booked(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Those that are in no batch and no seal, by whatever time."""
        if not arrivals:
            return []
        boundary, unit = self._boundary, self._boundary.booking.unit
        known = {identity(each) for each in _waiting_arrivals(boundary)}
        first = Lot.containing(min(each.time for each in arrivals), unit).previous
        # Asked for anew: what was sealed meanwhile is in no batch any more.
        known |= sealed_since(boundary, first, boundary.seals.end(boundary.last))
        fresh = [arrival for arrival in arrivals if identity(arrival) not in known]
        if fresh:
            named = ", ".join(each.uri for each in fresh[:_NAMED])
            _log.log(
                logging.WARNING if boundary.looked else logging.INFO,
                "%s: no notice came of %d of its objects, which are booked by the time of their last change: %s",
                boundary.element, len(fresh), named,
            )  # fmt: skip
        return fresh

    def _drop_sealed(self, lots: dict[str, list[Arrival]]) -> None:
        """What comes again after its lot was sealed would only make work: a seal of nothing, or a wait for one."""
        boundary = self._boundary
        passed = [lot for lot in lots if lot != UNBOOKED and self._may_be_sealed(Lot.parse(lot))]
        if not passed:
            return
        known = sealed_since(boundary, self._earliest(Lot.parse(min(passed))))
        for lot in passed:
            fresh = [arrival for arrival in lots.pop(lot) if identity(arrival) not in known]
            if fresh:
                lots[lot] = fresh

    def _may_be_sealed(self, lot: Lot) -> bool:
        """Whether what arrives now in *lot* may be in a seal: as a double, or since its notice was awaited in vain."""
        boundary = self._boundary
        through = boundary.last_seal.through if boundary.last_seal else None
        if through is None:
            return False
        is_by_event = boundary.booking.lot_source is LotSource.EVENT_TIME
        return lot <= through or (is_by_event and boundary.now() - lot.end > _PROMPT)

    def _earliest(self, lot: Lot) -> Lot:
        """The first lot that what is noticed in *lot* may have been booked in: before its event's, if by no notice."""
        if self._boundary.booking.lot_source is not LotSource.EVENT_TIME:
            return lot
        return Lot.containing(lot.start - _UPLOAD, lot.unit)

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


def waiting(boundary: RunningBoundary) -> Iterator[Waiting]:
    """The batches in the intake, in order of lot, by one list; those that are in no lot are left out."""
    return waiting_in(boundary.state, boundary.keys, boundary.booking.unit)


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


def _waiting_arrivals(boundary: RunningBoundary) -> Iterator[Arrival]:
    for batch in waiting(boundary):
        try:
            body = boundary.state.get(batch.key)
            yield from codec.read_record(body, Batch, source=layout.uri(boundary.state.root, batch.key)).arrivals
        except (ObjectMissingError, MalformedError):  # it was sealed meanwhile, or is set aside by who seals
            continue


def group(arrivals: Iterable[Arrival], of: Callable[[Arrival], str]) -> dict[str, list[Arrival]]:
    groups: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(of(arrival), []).append(arrival)
    return groups
