"""Sealing: what lies in a boundary's intake becomes lots, each arrival in exactly one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import evolve, field, frozen

from clusterless import codec, layout
from clusterless.engine.arrivals import Plan, Waiting, due, for_one_seal, plan_seal, plan_ticks, without_doubles
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import EventArrival
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.seal import Batch, Seal, SealedLot
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.intake import waiting
from clusterless.runtime.sealed import arrivals_of, sealed_since
from clusterless.store.manifests import INLINE_LIMIT, encode

_MEND = "it was set aside; put it back below intake/ once it is mended, or have its objects arrive again"


@frozen
class Sealed:
    """What one call came to: the seal that was appended and finished here, if any.

    *lost*: another was faster, call again; else, without a seal, nothing is due, and *waiting*
    batches lie in the intake, besides those of lots that lie *ahead*: their keys name times to come. The first
    of them goes into the lot that *due* names, and the time when that is sealed, where it is known.
    """

    seal: Seal | None = None
    lost: bool = False
    waiting: int = 0
    ahead: int = 0
    due: tuple[Lot, datetime] | None = field(default=None, eq=False)


def seal_next(boundary: RunningBoundary, *, seal_open: bool = False) -> Sealed:
    """Finish the last seal, then seal what is due; safe to call any number of times, anywhere.

    While the boundary is off, what was committed is finished, and nothing else is sealed.

    Raises:
        StoreUnavailableError: the store did not answer; call again.
        MalformedError: a seal cannot be read, and nothing is sealed until it can; or a batch, which is set aside.
    """
    last = finish_last(boundary)
    if boundary.switch.off():
        return Sealed()  # what arrives is kept in the intake
    through, listed = last.through if last else None, waiting(boundary)
    batches = for_one_seal(boundary.booking, listed, through, _seen_until(boundary))
    plan = _plan(boundary, batches, through, seal_open=seal_open)
    if plan is None:
        batches += listed
        current = Lot.containing(boundary.now(), boundary.booking.unit)
        ahead = sum(batch.lot > current for batch in batches)
        first = due(boundary.booking, batches, through)
        return Sealed(waiting=len(batches) - ahead, ahead=ahead, due=first)
    try:
        seal = _make(boundary, plan, last)
    except ObjectMissingError:
        return Sealed(lost=True)  # another sealed and finished meanwhile
    if boundary.switch.off():  # it took long to make the seal
        return Sealed()
    number = boundary.last + 1
    if not boundary.seals.append(number, seal):
        return Sealed(lost=True)
    _finish(boundary, number, seal)
    return Sealed(seal)


def _plan(
    boundary: RunningBoundary, batches: Sequence[Waiting], through: Lot | None, *, seal_open: bool
) -> Plan | None:
    booking, tenure = boundary.booking, boundary.tenure(boundary.dataset)
    if boundary.ticks:
        plan = plan_ticks(booking, boundary.ticks, through, boundary.now(), tenure=tenure, seal_open=seal_open)
        return plan and evolve(plan, lots=tuple(lot for lot in plan.lots if not boundary.switch.skips(lot)))
    return plan_seal(booking, batches, through, _seen_until(boundary), tenure=tenure, seal_open=seal_open)


def _seen_until(boundary: RunningBoundary) -> datetime:
    """Up to when (the store's time) all arrivals can be in the intake: what a source has yet to see is not late."""
    now = boundary.now()
    if boundary.looked is None:
        return now
    return min(now, boundary.looked + timedelta(seconds=boundary.booking.grace))


def finish_last(boundary: RunningBoundary) -> Seal | None:
    """The last seal, which is finished when this returns: no intake may be listed before that."""
    number = boundary.seals.end(boundary.last)
    if number != boundary.last:
        seal = boundary.seals.read(number)
        if boundary.seals.is_marked(number):
            boundary.know(number, seal)
        else:
            _finish(boundary, number, seal)
    return boundary.last_seal


def _finish(boundary: RunningBoundary, number: int, seal: Seal) -> None:
    """Write the manifests, announce the lots, empty the intake, and mark the seal, from its entry alone."""
    for sealed in seal.lots:
        with encode(manifest_of(boundary, sealed)).open() as body:
            uri = boundary.manifests.publish(boundary.dataset, sealed.lot, sealed.state, sealed.revision, body)
        if boundary.boundary.dataset.publish:
            boundary.publish(Event(dataset=boundary.dataset, lot=sealed.lot, manifest=uri, revision=sealed.revision))
    for batch in seal.batches:
        boundary.state.delete(batch)
    boundary.seals.mark(number)
    boundary.know(number, seal)


# ---- making a seal ---------------------------------------------------------------------------------------------


def _make(boundary: RunningBoundary, plan: Plan, last: Seal | None) -> Seal:
    put_id = boundary.writer.new_id()
    known: set[tuple[str, str]] = set()
    if plan.late:
        known = sealed_since(boundary, min(plan.late))
    arrivals = {lot: _fresh(boundary, keys, known) for lot, keys in plan.batches.items()}
    if plan.ahead and not any(arrivals.values()):
        plan = evolve(plan, lots=(), through=last.through if last else None)  # doubles only: no lot ahead of its time
    return Seal(
        put_id=put_id,
        at=boundary.now(),
        by=boundary.writer.by,
        lots=tuple(_lots(boundary, put_id, plan, arrivals)),
        batches=tuple(key for keys in plan.batches.values() for key in keys),
        through=plan.through,
        looked=boundary.looked or (last.looked if last else None),
    )


def _fresh(boundary: RunningBoundary, keys: Iterable[str], known: set[tuple[str, str]]) -> list[Arrival]:
    return without_doubles((arrival for key in keys for arrival in _batch(boundary, key)), known)


def _batch(boundary: RunningBoundary, key: str) -> Sequence[Arrival]:
    body = boundary.state.get(key)
    try:
        return codec.read_record(body, Batch, source=layout.uri(boundary.state.root, key)).arrivals
    except MalformedError as error:
        kept = boundary.keys.unreadable(key)
        boundary.state.put(kept, body)  # named and kept, so that the others go on
        boundary.state.delete(key)
        raise MalformedError(layout.uri(boundary.state.root, kept), error.findings, hint=_MEND) from error


def _lots(
    boundary: RunningBoundary, put_id: str, plan: Plan, arrivals: Mapping[Lot, Sequence[Arrival]]
) -> Iterator[SealedLot]:
    late = [arrival for lot in plan.late for arrival in arrivals.get(lot, ())] if plan.into else []
    for lot in plan.late:
        if arrivals.get(lot) and not plan.into:
            yield _sealed(boundary, put_id, lot, arrivals[lot], len(arrivals[lot]), revise=True)
    for lot in plan.lots:
        extra = late if lot == plan.into else []
        held = [*arrivals.get(lot, ()), *extra]
        if held or boundary.ticks or boundary.booking.arrival is EventArrival.FREQUENT:
            yield _sealed(boundary, put_id, lot, held, len(extra))
    if late and plan.into and plan.into not in plan.lots:
        yield _sealed(boundary, put_id, plan.into, late, len(late), revise=True)


def _sealed(
    boundary: RunningBoundary, put_id: str, lot: Lot, arrivals: Sequence[Arrival], late: int, *, revise: bool = False
) -> SealedLot:
    before = boundary.manifests.newest(boundary.dataset, lot) if revise else None
    base = before.uri if before and before.state is ManifestState.COMPLETE else None
    sealed = SealedLot(
        lot=lot,
        revision=before.revision + 1 if before else _first_revision(boundary, lot, revise=revise),
        state=ManifestState.COMPLETE if base or arrivals or boundary.ticks else ManifestState.EMPTY,
        objects=0,
        bytes=sum(arrival.size for arrival in arrivals),
        digest="",
        base=base,
        arrivals=tuple(arrivals),
        late=late,
    )
    encoded = encode(manifest_of(boundary, sealed))
    return _staged(boundary, put_id, evolve(sealed, objects=encoded.objects, digest=encoded.digest))


def _first_revision(boundary: RunningBoundary, lot: Lot, *, revise: bool) -> int:
    return boundary.manifests.after_removal(boundary.dataset, lot) if revise else 0


def _staged(boundary: RunningBoundary, put_id: str, sealed: SealedLot) -> SealedLot:
    """The arrivals moved to an object of their own where they are too many to be inline."""
    lines = [codec.record_bytes(arrival) for arrival in sealed.arrivals or ()]
    if sum(map(len, lines)) <= INLINE_LIMIT:
        return sealed
    key = boundary.keys.staged(put_id, sealed.lot)
    boundary.state.put(key, b"\n".join(lines))
    return evolve(sealed, arrivals=None, staged=key)


# ---- what a seal says ------------------------------------------------------------------------------------------


def manifest_of(boundary: RunningBoundary, sealed: SealedLot) -> Manifest:
    """The manifest that *sealed* commits: the same bytes for whoever finishes."""
    if sealed.state is ManifestState.EMPTY:
        return Manifest(state=sealed.state, lot=sealed.lot)
    return Manifest(state=sealed.state, lot=sealed.lot, uris=_Uris(boundary, sealed))


@frozen
class _Uris:
    """What the revision before lists, then what is new: each object once, however often it came."""

    _boundary: RunningBoundary
    _sealed: SealedLot

    def __iter__(self) -> Iterator[str]:
        fresh = dict.fromkeys(arrival.uri for arrival in arrivals_of(self._boundary, self._sealed))
        if self._sealed.base:
            for uri in self._boundary.manifests.read_kept(self._sealed.base).uris:
                fresh.pop(uri, None)
                yield uri
        yield from fresh
