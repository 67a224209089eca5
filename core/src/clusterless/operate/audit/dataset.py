"""Auditing a dataset: each object below its location is in one lot, as it was committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property, partial

from attrs import define, field

from clusterless import layout
from clusterless.engine.audit import Fault, Held, Kind, Loose, Present, compared
from clusterless.engine.locations import within
from clusterless.engine.strays import PATIENCE, Arriving, Written, is_passed_over
from clusterless.engine.wanted import Wanted
from clusterless.model.boundary import PathFilter
from clusterless.model.dataset import Tenure
from clusterless.model.lot import Lot
from clusterless.operate.ahead import in_turns
from clusterless.operate.audit.book import Book
from clusterless.operate.audit.ledgers import LedgersRead
from clusterless.operate.audit.leftovers import IntakeRead, read_letters, read_staging
from clusterless.operate.audit.manifests import ManifestsRead, Placed, named, places
from clusterless.operate.audit.seals import SealsRead
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView, Landscape
from clusterless.runtime.filters import matcher
from clusterless.runtime.ownership import Ownership

Step = Callable[[float], None]
_READ, _LISTED = 0.3, 0.6  # how far it is once all commits, and all manifests, are read
_EVERY = 1000  # objects between two steps


@define(slots=False)
class Audited:
    """What an audit saw: the *lots* and their *objects* and *bytes*, and of those in no lot which are in order.

    Of these, some are *waiting* for their lot to be sealed, or for an attempt to name them, some are of *older*
    revisions, and some are *passed* over by the boundary. The faults are in the *book*.
    """

    book: Book
    lots: int = 0
    objects: int = 0
    bytes: int = 0
    waiting: int = 0
    older: int = 0
    passed: int = 0

    @cached_property
    def counts(self) -> dict[Kind, int]:
        """How many faults there are of each kind."""
        return self.book.counts()

    @property
    def wrong(self) -> int:
        """How many faults somebody should look into."""
        return sum(count for kind, count in self.counts.items() if kind.is_wrong)


def audit_dataset(landscape: Landscape, view: DatasetView, wanted: Wanted, step: Step) -> Audited:
    """Hold what is at the locations of the dataset against what its lots list, and these against what was committed.

    Of some *wanted* lots, only what they list is looked up; objects in no lot are not looked for. Memory
    does not grow with lots or objects.

    Raises:
        StoreUnavailableError: a store did not answer.
    """
    return _Audit(landscape, view, wanted, step).run()


@define(slots=False)
class _Audit:
    landscape: Landscape
    view: DatasetView
    wanted: Wanted
    step: Step
    book: Book = field(factory=Book)
    judge: Callable[[Present, str], Fault | None] = field(init=False)

    def run(self) -> Audited:
        now = self.view.manifests.store.now()
        self.judge = partial(_unknown, now)
        self._commits(now)
        self.book.settle()
        manifests = ManifestsRead(self.view, self.book, self.wanted, self._place, now, self._tenure())
        manifests.read(self._along(now, _READ, _LISTED))
        self._leftovers(now)
        self.book.settle()
        self.book.unsettle()
        done = Audited(self.book, lots=manifests.lots)
        for number, root in enumerate(self.roots):
            self._objects(number, root, done)
        self.book.settle()
        for lot, committed, there in list(self.book.weighed()):
            note = f"{committed:,} bytes were committed"
            self.book.blame(Fault(Kind.BYTES, lot, self.roots[0] if self.roots else "", there, note))
        self.book.settle()
        return done

    @cached_property
    def maker(self) -> ArcView | BoundaryView | None:
        return self.landscape.maker_of(self.view.node)

    @cached_property
    def roots(self) -> Sequence[str]:
        return self.landscape.surveyed.graph.roots(self.view.node)

    @cached_property
    def _place(self) -> Placed:
        return places(self.roots)

    @property
    def _role(self) -> str:
        assert isinstance(self.maker, ArcView)
        return next(role for role, node in self.maker.sinks.items() if node == self.view.node)

    def _tenure(self) -> Tenure | None:
        """The lots whose commits are known here: another project's ledgers are not at hand."""
        if self.maker is None:
            return None
        metadata = self.landscape.plugins.open_store(self.view.node.place)
        return Ownership(metadata, self.maker.project).tenure(self.view.dataset)

    # ---- records

    def _commits(self, now: datetime) -> None:
        if isinstance(self.maker, BoundaryView):
            seals = SealsRead(self.maker, self.book, self.wanted, self._place, now)
            seals.read(lambda done: self.step(done * _READ))
            booking = self.maker.boundary.booking
            rules = Arriving(booking=booking, through=seals.through, now=self._objects_now())
            self.judge = rules.judge
        elif self.maker:
            ledgers = LedgersRead(self.maker, self.view, self._role, self.book, self.wanted, self._place, now)
            ledgers.read(self._along(now, 0, _READ))
            self.judge = Written(trace=self.book.traced, since=min(ledgers.since, now - PATIENCE)).judge

    def _leftovers(self, now: datetime) -> None:
        if isinstance(self.maker, BoundaryView):
            IntakeRead(self.maker, self.book, self.wanted, self._place, now).read()
        elif self.maker:
            read_staging(self.view, self.maker, self._role, self.book, self.wanted, now)
        if self.maker:
            read_letters(self.view, self.maker.state, self.maker.project, self.book, self.wanted)

    def _along(self, now: datetime, start: float, end: float) -> Callable[[Lot], None]:
        """Tells how far it is by the time of the lot at hand."""
        first: list[datetime] = []

        def tell(lot: Lot) -> None:
            if not first:
                first.append(lot.start)
            whole = (now - first[0]).total_seconds()
            done = (lot.start - first[0]).total_seconds() / whole if whole > 0 else 1
            self.step(start + (end - start) * min(max(done, 0), 1))

        return tell

    # ---- objects

    def _objects_now(self) -> datetime:
        return self.landscape.plugins.open_store(self.roots[0]).now() if self.roots else self.view.manifests.store.now()

    def _objects(self, number: int, root: str, done: Audited) -> None:
        store = self.landscape.plugins.open_store(root)
        total = max(self.book.count(number), 1)
        loose = self._loose(root)
        objects = in_turns(named(store, self.book.mentions(number)) if self.wanted else store.list())
        uri = partial(layout.uri, root)
        for count, each in enumerate(compared(objects, self.book.mentions(number), uri)):
            if isinstance(each, Fault):
                self.book.blame(each)
            elif isinstance(each, Held):
                self._held(each, done)
            else:
                loose(each, done)
            if count % _EVERY == 0:
                self.step(_LISTED + (1 - _LISTED) * (number + min(count / total, 1)) / len(self.roots))

    def _held(self, held: Held, done: Audited) -> None:
        if not held.lot:
            done.older += 1
            return
        done.objects += 1
        done.bytes += held.present.size
        if isinstance(self.maker, ArcView):
            self.book.hold(held.lot, held.present.size)

    def _loose(self, root: str) -> Callable[[Loose, Audited], None]:
        writer = self.view.writer
        if self.wanted or (writer and not writer.writes_objects):
            return lambda _loose, _done: None  # the others' own: of a joined dataset, or of lots that are not asked for
        keeps = self._keeps(root)

        def judge(loose: Loose, done: Audited) -> None:
            uri = layout.uri(root, loose.present.key)
            if loose.waits:
                done.waiting += 1
            elif not keeps(uri, loose.present.key):
                done.passed += 1
            elif fault := self.judge(loose.present, uri):
                self.book.blame(fault)
            else:
                done.waiting += 1

        return judge

    def _keeps(self, root: str) -> Callable[[str, str], bool]:
        """Whether an object is the dataset's own: not one's whose location lies within, nor what is passed over."""
        views = self.landscape.datasets.values()
        inner = [each.dataset.path_uri for each in views if _is_inside(each.dataset.path_uri, root)]
        boundary = self.maker.boundary if isinstance(self.maker, BoundaryView) else None
        taken = matcher(boundary.filter if boundary else PathFilter(), root)
        is_folder = boundary is not None and layout.scheme(root) == "file"

        def keeps(uri: str, key: str) -> bool:
            if any(uri.startswith(each) for each in inner) or (is_folder and any(map(is_passed_over, key.split("/")))):
                return False
            return taken(uri)

        return keeps


def _is_inside(location: str, root: str) -> bool:
    return bool(location) and location != root and within(location, root)


def _unknown(now: datetime, present: Present, uri: str) -> Fault | None:
    """Of a dataset that nobody here is known to write."""
    return Fault(Kind.STRAY, "", uri, present.size, "no lot lists it") if present.time < now - PATIENCE else None
