"""What is to be copied and what was: on disk, since a lot may have any number of objects."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator

from attrs import frozen

_BATCH = 1000
_HELD = 20_000  # URIs given as a tuple; so every manifest that is small enough to be inline holds one


class CollisionError(Exception):
    """Two sources, *first* and *second*, come to one *key*."""

    def __init__(self, first: str, second: str, key: str) -> None:
        super().__init__(first, second, key)
        self.first = first
        self.second = second
        self.key = key


@frozen
class Planned:
    """One object to copy: *number* in order, *source* a URI, *origin* the role it came by, *key* below the sink."""

    number: int
    origin: str
    source: str
    key: str


class Tally:
    """Objects in order of planning, and which of them each sink has."""

    def __init__(self) -> None:
        # SQLite removes a database without a name by itself, also when the process is killed.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE planned (number INTEGER PRIMARY KEY, key TEXT UNIQUE, origin, source)")
        self._database.execute("CREATE TABLE done (sink, number INTEGER, PRIMARY KEY (sink, number)) WITHOUT ROWID")

    def __del__(self) -> None:
        self._database.close()  # what is read of it lazily, as a manifest's URIs, keeps it alive until then

    def __len__(self) -> int:
        """How many are planned."""
        count: int = self._database.execute("SELECT count(*) FROM planned").fetchone()[0]
        return count

    def plan(self, origin: str, source: str, key: str) -> None:
        """Note that *source* goes to *key*; the same once more is no news.

        Raises:
            CollisionError: another source goes there.
        """
        insert = "INSERT INTO planned (key, origin, source) VALUES (?, ?, ?)"
        try:
            self._database.execute(insert, (key, origin, source))
        except sqlite3.IntegrityError:
            there = self._database.execute("SELECT source FROM planned WHERE key = ?", (key,)).fetchone()[0]
            if there != source:
                raise CollisionError(there, source, key) from None

    def sources(self) -> Iterator[str]:
        """What is planned, in order."""
        for (source,) in self._database.execute("SELECT source FROM planned ORDER BY number"):
            yield source

    def mark(self, sink: str, key: str) -> None:
        """Note that *sink* has the object *key*, if it is planned."""
        self._database.execute("INSERT OR IGNORE INTO done SELECT ?, number FROM planned WHERE key = ?", (sink, key))

    def owed(self, sink: str) -> Iterator[Planned]:
        """What *sink* does not have yet; marking meanwhile is fine."""
        select = (
            "SELECT number, origin, source, key FROM planned WHERE number > ? AND NOT EXISTS "
            "(SELECT 1 FROM done WHERE sink = ? AND done.number = planned.number) ORDER BY number LIMIT ?"
        )
        last = 0
        while rows := self._database.execute(select, (last, sink, _BATCH)).fetchall():
            yield from (Planned(*row) for row in rows)
            last = rows[-1][0]

    def count(self, sink: str) -> int:
        """How many *sink* has."""
        count: int = self._database.execute("SELECT count(*) FROM done WHERE sink = ?", (sink,)).fetchone()[0]
        return count

    def keys(self, sink: str) -> Iterator[str]:
        """What *sink* has, in order of planning."""
        select = "SELECT key FROM planned JOIN done USING (number) WHERE sink = ? ORDER BY number"
        for (key,) in self._database.execute(select, (sink,)):
            yield key


@frozen
class _Listing:
    """What *read* gives, read anew each time."""

    read: Callable[[], Iterator[str]]

    def __iter__(self) -> Iterator[str]:
        return self.read()


def listing(count: int, read: Callable[[], Iterator[str]]) -> Iterable[str]:
    """The *count* URIs that *read* gives, which can be iterated any number of times and are held only if few."""
    return tuple(read()) if count <= _HELD else _Listing(read)
