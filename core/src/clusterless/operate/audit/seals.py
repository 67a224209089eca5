"""What the seals of a boundary have committed of its dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from attrs import define, field

from clusterless import codec, layout
from clusterless.engine.audit import Fault, Kind, Mention, Standing
from clusterless.engine.strays import PATIENCE
from clusterless.engine.wanted import Wanted
from clusterless.errors import InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.arrival import Arrival
from clusterless.model.lot import Lot
from clusterless.model.seal import Seal, SealedLot
from clusterless.operate.ahead import asked, at_a_time
from clusterless.operate.audit.book import Book, Committed, said
from clusterless.operate.audit.manifests import Placed
from clusterless.operate.landscape import BoundaryView


@define
class SealsRead:
    """What the seals of *view* hold goes into the *book*; *through* is the lot that the last one reached."""

    view: BoundaryView
    book: Book
    wanted: Wanted
    place: Placed
    now: datetime
    through: Lot | None = field(default=None, init=False)

    def read(self, tell: Callable[[float], None]) -> None:
        seals = self.view.seals
        end = seals.end()
        for number, seal in asked(self._seal, range(1, end + 1), at_a_time(seals.store)):
            uri = layout.uri(seals.store.root, seals.key(number))
            if isinstance(seal, MalformedError):
                self.book.blame(Fault(Kind.LEDGER, "", uri, note=said(seal)))
            else:
                self._note(seal)
                if number == end and seal.at < self.now - PATIENCE and not seals.is_marked(end):
                    self.book.blame(Fault(Kind.UNANNOUNCED, "", uri, note="the seal was not finished; cls run does it"))
            tell(number / end)

    def _seal(self, number: int) -> Seal | MalformedError:
        try:
            return self.view.seals.read(number)
        except MalformedError as error:
            return error

    def _note(self, seal: Seal) -> None:
        self.through = seal.through or self.through
        for sealed in seal.lots:
            if sealed.staged:
                self.book.name(sealed.staged)
            if sealed.lot in self.wanted:
                lot = str(sealed.lot)
                self.book.commit(Committed(lot, sealed.revision, sealed.digest, None, seal.at))
                for arrival in self._arrivals(sealed):
                    self._arrival(lot, sealed.revision, arrival)

    def _arrivals(self, sealed: SealedLot) -> Iterator[Arrival]:
        if sealed.arrivals is not None:
            yield from sealed.arrivals
            return
        assert sealed.staged is not None
        store = self.view.state
        source = layout.uri(store.root, sealed.staged)
        try:
            with store.open(sealed.staged) as lines:
                for line in lines:
                    yield codec.read_record(line, Arrival, source=source)
        except (MalformedError, ObjectMissingError) as error:
            self.book.blame(Fault(Kind.LEDGER, str(sealed.lot), source, note=said(error)))

    def _arrival(self, lot: str, revision: int, arrival: Arrival) -> None:
        try:
            place, key = self.place(arrival.uri)
        except InvalidValueError:
            return  # its manifest lists it too, which is told
        self.book.mention(place, Mention(key, Standing.BOOKED, lot, revision, arrival.etag, arrival.size))
