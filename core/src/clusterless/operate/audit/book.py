"""What an audit has read so far: on disk, since a dataset may have any number of lots and objects."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from attrs import frozen

from clusterless.engine.audit import Fault, Kind, Mention
from clusterless.engine.strays import Trace

_BATCH = 5000  # rows written, or read, at a time

_TABLES = """
CREATE TABLE mention (place INTEGER, key TEXT, standing INTEGER, lot TEXT, revision INTEGER, etag, size, at, attempt);
CREATE TABLE booked (lot TEXT, revision INTEGER, digest, bytes, at, PRIMARY KEY (lot, revision)) WITHOUT ROWID;
CREATE TABLE attempt (attempt TEXT PRIMARY KEY, lot, state, lives, settled) WITHOUT ROWID;
CREATE TABLE named (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE lost (lot TEXT);
CREATE TABLE held (lot TEXT, size INTEGER);
CREATE TABLE fault (kind INTEGER, lot TEXT, uri TEXT, size, note);
"""
_KINDS = tuple(Kind)


@frozen
class Committed:
    """What a ledger says of a lot's *revision*: its manifest's *digest*, and its objects' *bytes* where known."""

    lot: str
    revision: int
    digest: str
    bytes: int | None
    at: datetime


class Book:
    """Rows are written in batches; what is asked is of all that was written before the last `settle`."""

    def __init__(self) -> None:
        # SQLite removes a database without a name by itself, also when the process is killed.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_TABLES)
        self._waiting: defaultdict[str, list[Sequence[Any]]] = defaultdict(list)

    # ---- writing

    def mention(self, place: int, mention: Mention) -> None:
        """Note that *mention* is of a key below the location numbered *place*."""
        key, standing, lot, revision, etag, size, at, attempt = mention
        row = (place, key, int(standing), lot, revision, etag, size, at and at.isoformat(), attempt)
        self._write("mention VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def commit(self, committed: Committed) -> None:
        row = (committed.lot, committed.revision, committed.digest, committed.bytes, committed.at.timestamp())
        self._write("booked VALUES (?, ?, ?, ?, ?)", row)

    def trace(self, trace: Trace) -> None:
        row = (trace.attempt, trace.lot, trace.state, trace.lives, trace.settled)
        self._write("attempt VALUES (?, ?, ?, ?, ?)", row)

    def name(self, key: str) -> None:
        """Note that something names the staged object *key*."""
        self._write("named VALUES (?)", (key,))

    def hold(self, lot: str, size: int) -> None:
        """Note that an object of that size is there, in the lot."""
        self._write("held VALUES (?, ?)", (lot, size))

    def blame(self, fault: Fault) -> None:
        row = (_KINDS.index(fault.kind), fault.lot, fault.uri, fault.size, fault.note)
        self._write("fault VALUES (?, ?, ?, ?, ?)", row)

    # ---- reading

    def mentions(self, place: int) -> Iterator[Mention]:
        """Those of a place, in order of key."""
        select = (
            "SELECT key, standing, lot, revision, etag, size, at, attempt FROM mention WHERE place = ? ORDER BY key"
        )
        return map(_mention, self._rows(select, place))

    def count(self, place: int) -> int:
        """How many mentions there are of a place."""
        counted: int = self._one("SELECT count(*) FROM mention WHERE place = ?", place)[0]
        return counted

    def commits(self) -> Iterator[tuple[str, dict[int, Committed]]]:
        """Each lot, in order of its text, with what was committed as its revisions, the newest last."""
        rows = self._rows("SELECT lot, revision, digest, bytes, at FROM booked ORDER BY lot, revision")
        for lot, group in groupby(rows, itemgetter(0)):
            yield (
                lot,
                {
                    revision: Committed(lot, revision, digest, size, datetime.fromtimestamp(at, UTC))
                    for _, revision, digest, size, at in group
                },
            )

    def weighed(self) -> Iterator[tuple[str, int, int]]:
        """The lots that are otherwise sound: bytes that were committed, and other bytes that are there."""
        select = (
            "SELECT lot, committed, there "
            "FROM (SELECT lot, bytes AS committed, max(revision) FROM booked GROUP BY lot) "
            "JOIN (SELECT lot, sum(size) AS there FROM held GROUP BY lot) USING (lot) "
            "WHERE committed IS NOT NULL AND committed <> there "
            "AND lot NOT IN (SELECT lot FROM fault WHERE kind <> ?) ORDER BY lot"
        )
        yield from self._rows(select, _KINDS.index(Kind.KEPT))

    def lose(self, lot: str) -> None:
        """Note that a manifest of *lot* is gone, or not what was committed."""
        self._write("lost VALUES (?)", (lot,))

    def unsettle(self) -> None:
        """Take no attempt at a lost lot for one that nothing names: what is lost may have."""
        update = "UPDATE attempt SET settled = 0, state = ? WHERE settled AND lot IN (SELECT lot FROM lost)"
        self._database.execute(update, ("complete, and its manifest is gone",))

    def traced(self, attempt: str) -> Trace | None:
        found = self._one("SELECT lot, state, lives, settled FROM attempt WHERE attempt = ?", attempt)
        return Trace(attempt, found[0], found[1], bool(found[2]), bool(found[3])) if found else None

    def is_named(self, key: str) -> bool:
        return self._one("SELECT 1 FROM named WHERE key = ?", key) is not None

    def faults(self, kinds: Iterable[Kind] = _KINDS) -> Iterator[Fault]:
        """By kind, lot and URI."""
        numbers = ", ".join(str(_KINDS.index(kind)) for kind in kinds)
        select = f"SELECT * FROM fault WHERE kind IN ({numbers}) ORDER BY kind, lot, uri"  # noqa: S608  numbers
        for kind, lot, uri, size, note in self._rows(select):
            yield Fault(_KINDS[kind], lot, uri, size, note)

    def counts(self) -> dict[Kind, int]:
        rows = self._rows("SELECT kind, count(*) FROM fault GROUP BY kind ORDER BY kind")
        return {_KINDS[kind]: count for kind, count in rows}

    # ---- rows

    def _write(self, into: str, row: Sequence[Any]) -> None:
        rows = self._waiting[into]
        rows.append(row)
        if len(rows) >= _BATCH:
            self.settle()

    def settle(self) -> None:
        """Write what waits."""
        for into, rows in self._waiting.items():
            if rows:
                self._database.execute("BEGIN")
                self._database.executemany(f"INSERT OR REPLACE INTO {into}", rows)
                self._database.execute("COMMIT")
                rows.clear()

    def _one(self, select: str, *values: Any) -> Any:
        return self._database.execute(select, values).fetchone()

    def _rows(self, select: str, *values: Any) -> Iterator[Any]:
        cursor = self._database.execute(select, values)
        return chain.from_iterable(iter(partial(cursor.fetchmany, _BATCH), []))


_AT = Mention._fields.index("at")


def _mention(row: Sequence[Any]) -> Mention:
    mention = Mention._make(row)
    return mention._replace(at=datetime.fromisoformat(row[_AT])) if row[_AT] else mention


def said(error: Exception) -> str:
    """What went wrong, in a line."""
    return " ".join(str(error).split())
