"""What an audit has found, put right where that is surely right: strays booked, what is disowned swept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice, takewhile
from pathlib import Path

from attrs import define, field, frozen

from clusterless import layout
from clusterless.engine.audit import Fault, Kind
from clusterless.engine.strays import ATTEMPT, BY_HAND
from clusterless.errors import ObjectMissingError
from clusterless.model.arrival import Arrival
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.operate.audit.book import Book
from clusterless.operate.audit.dataset import Audited
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView, Landscape
from clusterless.plugins import Plugins
from clusterless.provider import Arrived, Work, WorkResult
from clusterless.runtime.arc import RunningArc, Writer
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.clock import identity, random_id
from clusterless.runtime.intake import Intake
from clusterless.runtime.ownership import Ownership
from clusterless.runtime.sweep import Part, Swept, sweep
from clusterless.store.api import ObjectStore

SWEPT = (Kind.DISOWNED, Kind.STAGED)
_AT_ONCE = 1000  # strays that are booked together; what has begun is finished before it stops


@frozen
class Mendable:
    """How much of what was found can be put right: *strays* booked, and what was *disowned* swept."""

    strays: int = 0
    disowned: int = 0

    def __bool__(self) -> bool:
        return bool(self.strays or self.disowned)


@define
class Mended:
    """What was done: arrivals *booked*, those without a time put aside as *unbooked*, and what was *swept*.

    *left* are strays that were not booked: gone, or changed just now, or another project's. *is_whole*: it was not
    stopped on the way. What was done is done for good: the same again goes on.
    """

    booked: int = 0
    unbooked: int = 0
    left: int = 0
    swept: Swept = field(factory=Swept)
    is_whole: bool = True


def mendable(landscape: Landscape, view: DatasetView, audited: Audited) -> Mendable:
    """What `mend` would do."""
    match landscape.maker_of(view.node):
        case BoundaryView():
            return Mendable(strays=audited.counts.get(Kind.STRAY, 0))
        case ArcView():
            return Mendable(disowned=sum(audited.counts.get(kind, 0) for kind in SWEPT))
    return Mendable()


def mend(landscape: Landscape, view: DatasetView, audited: Audited, stopping: Callable[[], bool]) -> Mended:
    """Book the strays of a boundary's dataset as late arrivals, or sweep what an arc's ledgers disown; no other.

    Once *stopping* is true nothing further is begun.
    """
    stop, mended = _Stop(stopping), Mended()
    match landscape.maker_of(view.node):
        case BoundaryView() as boundary:
            mended = _book(landscape.plugins, view, boundary, audited, stop)
        case ArcView() as arc:
            mended.swept = _sweep(landscape.plugins, view, arc, audited.book, stop)
    mended.is_whole = not stop.stopped
    return mended


@define
class _Stop:
    """Asked before each step: *stopped* is whether one was not taken."""

    stopping: Callable[[], bool]
    stopped: bool = False

    def __call__(self) -> bool:
        self.stopped = self.stopped or self.stopping()
        return self.stopped


# ---- strays ----------------------------------------------------------------------------------------------------


@define
class _Strays:
    """The `ArrivalSource` of what an audit found; each `receive` hands over the next."""

    arrivals: Iterator[Arrival]
    given: int = 0
    ended: bool = False

    def receive(self, _wait: float, _since: object) -> Arrived:
        some = list(islice(self.arrivals, _AT_ONCE))
        self.given += len(some)
        self.ended = not some
        return Arrived(arrivals=some)

    def close(self) -> None:
        """Nothing is held."""


def _book(
    plugins: Plugins, view: DatasetView, boundary: BoundaryView, audited: Audited, stop: Callable[[], bool]
) -> Mended:
    root = view.dataset.path_uri
    store = plugins.open_store(root)
    strays = _Strays(_arrivals(store, root, boundary.boundary.booking.settle, audited, stop))
    running = RunningBoundary(
        project=boundary.project,
        boundary=boundary.boundary,
        state=boundary.state,
        manifests=view.manifests,
        source=strays,
        publish=_not_announced,
        writer=Writer(by=identity(), new_id=random_id),
        tenure=Ownership(plugins.open_store(view.node.place), boundary.project).tenure,
    )
    running.last = running.seals.end()
    if running.last:
        running.last_seal = running.seals.read(running.last)
    intake, mended = Intake(running), Mended()
    while not strays.ended:
        taken = intake.take(0)
        mended.booked += taken.booked
        mended.unbooked += taken.unbooked
    mended.left = audited.counts.get(Kind.STRAY, 0) - mended.booked - mended.unbooked
    return mended


def _arrivals(
    store: ObjectStore, root: str, settle: float, audited: Audited, stop: Callable[[], bool]
) -> Iterator[Arrival]:
    """The strays as they are now, those that have rested."""
    for fault in takewhile(lambda _: not stop(), audited.book.faults((Kind.STRAY,))):
        try:
            found = store.head(layout.key(root, fault.uri))
        except ObjectMissingError:
            continue
        if found.time + timedelta(seconds=settle) <= store.now():
            yield Arrival(fault.uri, found.etag, found.size, found.time)


def _not_announced(event: Event) -> None:
    msg = f"nothing is sealed here, and {event.lot} was"
    raise AssertionError(msg)


# ---- what is disowned ------------------------------------------------------------------------------------------


class _NoWorkload:
    """What is given to an arc that works nothing."""

    def run(self, work: Work) -> WorkResult:
        raise AssertionError(work.lot)

    def close(self) -> None:
        """Nothing is held."""


def _sweep(plugins: Plugins, view: DatasetView, arc: ArcView, book: Book, stop: Callable[[], bool]) -> Swept:
    running = RunningArc(
        project=arc.project,
        arc=arc.arc,
        state=arc.state,
        manifests=view.manifests,
        sources={},
        workload=_NoWorkload(),
        publish=_not_announced,
        writer=Writer(by=identity(), new_id=random_id),
        outputs=Path(),
    )
    role = next(role for role, node in arc.sinks.items() if node == view.node)
    part = Part(frozenset({role}), frozenset(_lots(book)))
    swept = sweep(running, plugins.open_store, only=part, stopping=stop)
    return Swept(
        staged=swept.staged + _remove(view.manifests.store, book.faults((Kind.STAGED,)), stop),
        data=swept.data + _remove(plugins.open_store(view.dataset.path_uri), book.faults((Kind.DISOWNED,)), stop),
    )


def _remove(store: ObjectStore, faults: Iterator[Fault], stop: Callable[[], bool]) -> int:
    """Remove what was left by hand, for which there never was a claim; how many objects these were."""
    removed = 0
    for fault in faults:
        if BY_HAND.search(fault.uri) and not stop():
            store.delete(layout.key(store.root, fault.uri))
            removed += 1
    return removed


def _lots(book: Book) -> Iterator[Lot]:
    """Those whose attempts have left something: a key may have several attempts in it."""
    for fault in book.faults(SWEPT):
        for attempt in ATTEMPT.findall(fault.uri):
            if trace := book.traced(attempt):
                yield Lot.parse(trace.lot)
