"""The same content in a dataset more than once: one object in several lots, or several objects of the same bytes."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from attrs import define, field, frozen

from clusterless import layout
from clusterless.engine.audit import Fault, Held, Kind, compared
from clusterless.engine.wanted import Wanted
from clusterless.errors import ObjectMissingError
from clusterless.operate.ahead import asked, at_a_time
from clusterless.operate.audit.book import Book
from clusterless.operate.audit.manifests import ManifestsRead, named, places
from clusterless.operate.landscape import DatasetView, Landscape
from clusterless.store.api import ObjectStore

Step = Callable[[float], None]

_CONTENT = re.compile(r'"?[0-9a-f]{32}"?')  # an etag that is the MD5 of the bytes; others say nothing of them
_READ, _LISTED = 0.2, 0.5  # how far it is once the manifests are read, and once the objects are listed
_BATCH = 5000
_CHUNK = 1 << 20


@frozen
class Object:
    """An object in a lot, at a *place* of the dataset's locations; *content* tells its bytes apart, if it is known."""

    place: int
    key: str
    lot: str
    size: int
    content: str


@define
class Doubled:
    """What was seen: *objects* in *lots*, and how many *bytes* are there once more; the *book* has which."""

    book: Book
    lots: int = 0
    objects: int = 0
    bytes: int = 0


def find_dupes(landscape: Landscape, view: DatasetView, wanted: Wanted, step: Step) -> Doubled:
    """Compare what the newest revisions of the *wanted* lots list, one with another; what is empty counts as nothing.

    Content is compared by etag where the store makes it of the bytes, and else by reading objects of one size.

    Raises:
        StoreUnavailableError: a store did not answer.
    """
    return _Search(landscape, view, wanted, step).run()


@define
class _Search:
    landscape: Landscape
    view: DatasetView
    wanted: Wanted
    step: Step
    book: Book = field(factory=Book)
    index: _Index = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.index = _Index()

    def run(self) -> Doubled:
        roots = self.landscape.surveyed.graph.roots(self.view.node)
        stores = [self.landscape.plugins.open_store(root) for root in roots]
        now = self.view.manifests.store.now()
        manifests = ManifestsRead(self.view, self.book, self.wanted, places(roots), now, None)
        manifests.read(lambda _: None)
        self.step(_READ)
        self.book.settle()
        done = Doubled(Book(), lots=manifests.lots)
        for place, (root, store) in enumerate(zip(roots, stores, strict=True)):
            self._list(place, root, store, done)
        self.index.settle()
        self.step(_LISTED)
        self._compare(roots, stores, done)
        done.book.settle()
        return done

    def _list(self, place: int, root: str, store: ObjectStore, done: Doubled) -> None:
        mentions = self.book.mentions(place)
        objects = named(store, self.book.mentions(place)) if self.wanted else store.list()
        for each in compared(objects, mentions, partial(layout.uri, root)):
            if isinstance(each, Fault) and each.kind is Kind.DOUBLE:
                done.book.blame(each)
            elif isinstance(each, Held) and each.lot:
                done.objects += 1
                content = each.present.etag if _CONTENT.fullmatch(each.present.etag) else ""
                self.index.add(Object(place, each.present.key, each.lot, each.present.size, content))

    def _compare(self, roots: Sequence[str], stores: Sequence[ObjectStore], done: Doubled) -> None:
        """Of objects of one content, the first is taken for the original."""
        total = max(self.index.alike_bytes(), 1)
        seen = 0
        most = max(map(at_a_time, stores), default=1)
        for each, content in asked(partial(_content, stores), self.index.alike(), most):
            seen += each.size
            self.step(_LISTED + (1 - _LISTED) * seen / total)
            first = self.index.first(each, content) if content else None
            if first:
                note = f"the same bytes as {layout.uri(roots[first.place], first.key)} in lot {first.lot}"
                uri = layout.uri(roots[each.place], each.key)
                done.book.blame(Fault(Kind.COPY, each.lot, uri, each.size, note))
                done.bytes += each.size


def _content(stores: Sequence[ObjectStore], each: Object) -> str:
    """What tells the bytes apart; nothing where they are gone."""
    if each.content:
        return each.content
    digest = hashlib.sha256()
    try:
        with stores[each.place].open(each.key) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except ObjectMissingError:
        return ""
    return digest.hexdigest()


class _Index:
    """The objects, on disk."""

    def __init__(self) -> None:
        # SQLite removes a database without a name by itself, also when the process is killed.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE object (place INTEGER, key TEXT, lot TEXT, size INTEGER, content TEXT)")
        self._database.execute("CREATE TABLE original (size, content, place, key, lot, PRIMARY KEY (size, content))")
        self._waiting: list[tuple[int, str, str, int, str]] = []

    def add(self, each: Object) -> None:
        if each.size:
            self._waiting.append((each.place, each.key, each.lot, each.size, each.content))
        if len(self._waiting) >= _BATCH:
            self._flush()

    def settle(self) -> None:
        """Be ready to be asked."""
        self._flush()
        self._database.execute("CREATE TABLE shared AS SELECT size FROM object GROUP BY size HAVING count(*) > 1")
        self._database.execute("CREATE UNIQUE INDEX by_size ON shared (size)")

    def alike_bytes(self) -> int:
        select = "SELECT coalesce(sum(size), 0) FROM object JOIN shared USING (size)"
        total: int = self._database.execute(select).fetchone()[0]
        return total

    def alike(self) -> Iterator[Object]:
        """Those that another has the size of, by lot."""
        select = "SELECT place, key, lot, size, content FROM object JOIN shared USING (size) ORDER BY lot, place, key"
        cursor = self._database.execute(select)
        while rows := cursor.fetchmany(_BATCH):
            yield from (Object(*row) for row in rows)

    def first(self, each: Object, content: str) -> Object | None:
        """The first object that was asked about with the same size and content; None where it is *each*."""
        select = "SELECT place, key, lot FROM original WHERE size = ? AND content = ?"
        found = self._database.execute(select, (each.size, content)).fetchone()
        if found:
            place, key, lot = found
            return Object(place, key, lot, each.size, content)
        row = (each.size, content, each.place, each.key, each.lot)
        self._database.execute("INSERT INTO original VALUES (?, ?, ?, ?, ?)", row)
        return None

    def _flush(self) -> None:
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO object VALUES (?, ?, ?, ?, ?)", self._waiting)
        self._database.execute("COMMIT")
        self._waiting.clear()
