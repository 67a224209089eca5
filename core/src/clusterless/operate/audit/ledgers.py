"""What the ledgers of an arc have committed of a dataset that it writes, and whose attempts there were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from attrs import define, field, frozen

from clusterless import layout
from clusterless.engine.audit import Fault, Kind, Mention, Standing
from clusterless.engine.strays import PATIENCE, Trace
from clusterless.engine.wanted import Wanted
from clusterless.errors import InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.ledger import ArcState, Claim, Complete, Entry, Failed, SinkRecord
from clusterless.model.lot import Lot
from clusterless.operate.ahead import asked, at_a_time
from clusterless.operate.audit.book import Book, Committed, said
from clusterless.operate.audit.manifests import Placed
from clusterless.operate.landscape import ArcView, DatasetView
from clusterless.runtime.reconcile import Seen, pictures
from clusterless.store.ledger import LotLedger
from clusterless.store.manifests import decode

_EVERY = 256  # lots between two tellings of how far it is


@frozen
class _Ledger:
    """A lot's *entries*, as far as they have to be known; *marked*: its last is announced."""

    seen: Seen
    entries: tuple[Entry, ...] = ()
    marked: bool = True
    renewed: datetime | None = None
    error: MalformedError | None = None


@define
class LedgersRead:
    """What the ledgers of *view* hold of the sink *role* goes into the *book*; *since*: when the oldest claim began."""

    view: ArcView
    dataset: DatasetView
    role: str
    book: Book
    wanted: Wanted
    place: Placed
    now: datetime
    since: datetime = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.since = self.now

    def read(self, tell: Callable[[Lot], None]) -> None:
        ledgers = asked(self._ledger, self._pictures(), at_a_time(self.view.state))
        for number, (_, ledger) in enumerate(ledgers):
            if ledger.error:
                uri = layout.uri(self.view.state.root, self.view.keys.lot(ledger.seen.lot))
                self.book.blame(Fault(Kind.LEDGER, str(ledger.seen.lot), uri, note=said(ledger.error)))
            elif ledger.entries:
                self._note(ledger)
            if number % _EVERY == 0:
                tell(ledger.seen.lot)

    def _pictures(self) -> Iterator[Seen]:
        first = self.wanted.first
        for seen in pictures(self.view.state, self.view.keys, first.previous if first else None):
            if self.wanted.ends_before(seen.lot):
                return
            if seen.lot in self.wanted:
                yield seen

    def _ledger(self, seen: Seen) -> _Ledger:
        ledger, picture = self.view.ledger(seen.lot), seen.picture
        numbers = picture.numbers[1:] if picture.final is ArcState.COMPLETE else picture.numbers
        try:
            entries = tuple(ledger.read(number) for number in numbers)
            return _with_hints(seen, ledger, entries)
        except MalformedError as error:
            return _Ledger(seen, error=error)

    def _note(self, ledger: _Ledger) -> None:
        lot, last = str(ledger.seen.lot), ledger.entries[-1]
        for entry in ledger.entries:
            if isinstance(entry, Complete) and self.role in entry.sinks:
                record = entry.sinks[self.role]
                self.book.commit(Committed(lot, entry.revision, record.digest, record.bytes, entry.at))
            if isinstance(entry, Complete | Failed):
                for record in entry.sinks.values():
                    if record.staged:
                        self.book.name(record.staged)
        for failed in _handed_over(ledger.entries):
            if self.role in failed.sinks:
                self._keep(lot, failed.attempt, failed.sinks[self.role])
        for trace in self._traces(lot, ledger, last):
            self.book.trace(trace)
        if isinstance(last, Complete | Failed) and not ledger.marked and last.at < self.now - PATIENCE:
            uri = layout.uri(self.view.state.root, self.view.keys.lot(ledger.seen.lot))
            note = f"its {last.kind} entry was never announced; cls run does it"
            self.book.blame(Fault(Kind.UNANNOUNCED, lot, uri, note=note))

    def _keep(self, lot: str, attempt: str, record: SinkRecord) -> None:
        """Note the objects that a partial attempt wrote."""
        with suppress(MalformedError, ObjectMissingError, InvalidValueError):  # then they are judged by their keys
            manifest = record.manifest or decode(self.dataset.manifests.store, record.staged or "")
            for uri in manifest.uris:
                place, key = self.place(uri)
                self.book.mention(place, Mention(key, Standing.KEPT, lot, attempt=attempt))

    def _traces(self, lot: str, ledger: _Ledger, last: Entry) -> Iterable[Trace]:
        open_ = isinstance(last, Claim) and max(last.expires, ledger.renewed or last.expires) > self.now
        if open_:
            self.since = min(self.since, last.at)
        settled = isinstance(last, Complete) and ledger.marked
        attempts = dict.fromkeys(each.attempt for each in ledger.entries if isinstance(each, Claim | Complete | Failed))
        current = last.attempt if isinstance(last, Claim) else ""
        return [Trace(each, lot, last.kind, open_ and each == current, settled) for each in attempts]


def _handed_over(entries: Sequence[Entry]) -> Iterator[Failed]:
    """What failed since the lot was last complete, the newest first: the next attempt gets what these wrote."""
    for entry in reversed(entries):
        if isinstance(entry, Complete):
            return
        if isinstance(entry, Failed):
            yield entry


def _with_hints(seen: Seen, ledger: LotLedger, entries: tuple[Entry, ...]) -> _Ledger:
    last = entries[-1] if entries else None
    if isinstance(last, Complete | Failed) and seen.picture.final is None:
        return _Ledger(seen, entries, ledger.is_marked(seen.picture.last, last.state))
    return _Ledger(seen, entries, renewed=ledger.renewed(last.attempt) if isinstance(last, Claim) else None)
