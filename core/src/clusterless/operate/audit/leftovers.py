"""What lies beside a dataset's lots: arrivals that wait, batches set aside, what was staged, letters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from attrs import frozen

from clusterless import codec, layout
from clusterless.engine.audit import Fault, Kind, Mention, Standing
from clusterless.engine.strays import BY_HAND, LEFT_BY_HAND, PATIENCE
from clusterless.engine.wanted import Wanted
from clusterless.errors import InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.arrival import Arrival
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.model.seal import Batch
from clusterless.operate.audit.book import Book, said
from clusterless.operate.audit.manifests import Placed
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView
from clusterless.runtime.intake import UNBOOKED
from clusterless.runtime.letters import Letter
from clusterless.store.api import ObjectInfo, ObjectStore


@frozen
class IntakeRead:
    """What lies in the intake of *view* goes into the *book*."""

    view: BoundaryView
    book: Book
    wanted: Wanted
    place: Placed
    now: datetime

    def read(self) -> None:
        store, keys = self.view.state, self.view.keys
        for info in store.list(keys.intake):
            self._batch(info, info.key.removeprefix(keys.intake).partition("/")[0])
        for info in store.list(keys.unreadable(keys.intake)):
            self._blame(Kind.UNREADABLE, "", info.key, "a batch of arrivals that was set aside")
        for info in store.list(keys.all_staged):
            if info.time < self.now - PATIENCE and not self.book.is_named(info.key):
                self._blame(Kind.STAGED, "", info.key, "arrivals that no seal names")

    def _batch(self, info: ObjectInfo, text: str) -> None:
        try:
            lot = None if text == UNBOOKED else Lot.parse(text)
        except InvalidValueError:
            self._blame(Kind.WAITING, "", info.key, "it lies below no lot")
            return
        if lot and lot not in self.wanted:
            return
        try:
            arrivals = self._arrivals(info.key)
        except MalformedError as error:
            self._blame(Kind.UNREADABLE, text if lot else "", info.key, said(error))
            return
        for arrival in arrivals:
            self._arrival(arrival, lot)
        if lot and self._is_due(lot, info):
            count = len(arrivals)
            arrived = "1 arrival waits" if count == 1 else f"{count} arrivals wait"
            self._blame(Kind.WAITING, text, info.key, f"{arrived} to be sealed: cls run does it")

    def _arrivals(self, key: str) -> tuple[Arrival, ...]:
        source = layout.uri(self.view.state.root, key)
        try:
            return codec.read_record(self.view.state.get(key), Batch, source=source).arrivals
        except ObjectMissingError:
            return ()  # sealed meanwhile

    def _arrival(self, arrival: Arrival, lot: Lot | None) -> None:
        try:
            place, key = self.place(arrival.uri)
        except InvalidValueError:
            return
        waits = Mention(key, Standing.WAITING, str(lot or ""), etag=arrival.etag, size=arrival.size)
        self.book.mention(place, waits)

    def _is_due(self, lot: Lot, info: ObjectInfo) -> bool:
        booking = self.view.boundary.booking
        ready = max(lot.end, info.time + booking.unit.length)
        return self.now > ready + timedelta(seconds=booking.grace) + PATIENCE

    def _blame(self, kind: Kind, lot: str, key: str, note: str) -> None:
        self.book.blame(Fault(kind, lot, layout.uri(self.view.state.root, key), note=note))


def read_staging(view: DatasetView, arc: ArcView, role: str, book: Book, wanted: Wanted, now: datetime) -> None:
    """Blame what attempts have staged of the sink *role* that nothing names, and that no attempt will be handed."""
    store = view.manifests.store
    for info in store.list(layout.staging_path(arc.keys, role)):
        names = layout.segments(info.key)
        lot, trace = names.get("lot", ""), book.traced(names.get("attempt", ""))
        if not _is_wanted(lot, wanted) or info.time >= now - PATIENCE or book.is_named(info.key):
            continue
        if trace is None or trace.settled:
            untraced = LEFT_BY_HAND if BY_HAND.search(info.key) else "no attempt is known that left it"
            note = "a sweep removes it" if trace else untraced
            book.blame(Fault(Kind.STAGED, lot, layout.uri(store.root, info.key), info.size, note))


def read_letters(view: DatasetView, state: ObjectStore, project: Project, book: Book, wanted: Wanted) -> None:
    """Blame the events of the dataset that notifiers of *project* gave up to announce."""
    for key in _dead(state, project):
        uri = layout.uri(state.root, key)
        try:
            letter = codec.read_record(state.get(key), Letter, source=uri)
        except (ObjectMissingError, MalformedError):
            continue  # sent meanwhile; or whoever sends it says so
        event = letter.event
        if event.dataset.id == view.dataset.id and event.lot in wanted:
            tries = "1 attempt" if letter.attempts == 1 else f"{letter.attempts} attempts"
            note = f"given up after {tries}: {letter.last_error}; cls redrive sends it"
            book.blame(Fault(Kind.LETTER, str(event.lot), uri, note=" ".join(note.split())))


def _dead(state: ObjectStore, project: Project) -> Iterator[str]:
    """All keys of letters are listed once: which notifiers there were, nobody else knows."""
    path = layout.NotifierKeys.of_project(project)
    for info in state.list(path):
        names = layout.segments(info.key)
        if info.key.startswith(layout.NotifierKeys(project, names.get("notifier", "")).dead):
            yield info.key


def _is_wanted(text: str, wanted: Wanted) -> bool:
    try:
        return Lot.parse(text) in wanted
    except InvalidValueError:
        return not wanted
