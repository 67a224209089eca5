"""Ledgers: numbered, immutable entries, each written create-if-absent by whoever acted on the one before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

from attrs import field, frozen

from clusterless import codec, layout
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.activity import Turn
from clusterless.model.ledger import ArcState, Entry
from clusterless.model.lot import Lot
from clusterless.model.seal import Seal
from clusterless.store.api import ObjectStore
from clusterless.store.retrying import create_once

T = TypeVar("T")

_LOT_WIDTH = 6
_LONG_WIDTH = 9
_HINT_EVERY = 64  # entries; the end is then found by a listing of at most a page


@frozen
class Picture:
    """What one listing of a lot's folder shows.

    Entry *numbers* in order, which *markers* are there, and the last entry after which it was *swept* (0: never).
    """

    numbers: tuple[int, ...] = ()
    markers: frozenset[str] = frozenset()
    swept: int = 0

    @property
    def last(self) -> int:
        """The last entry's number; 0 before the first."""
        return self.numbers[-1] if self.numbers else 0

    @property
    def final(self) -> ArcState | None:
        """The state that needs no reading: entries 1 and 2 with exactly one marker."""
        if self.numbers == (1, 2) and len(self.markers) == 1:
            return ArcState(next(iter(self.markers)))
        return None


_ENTRY = re.compile(rf"([0-9]{{{_LOT_WIDTH}}})\.json")
_LONG_ENTRY = re.compile(rf"([0-9]{{{_LONG_WIDTH}}})\.json")
_MARKER = re.compile(r"(complete|partial|missing)\.arc")
_SWEPT = re.compile(rf"([0-9]{{{_LOT_WIDTH}}})\.swept")


def picture(names: Iterable[str]) -> Picture:
    """From the names below a lot's folder; others' objects there are passed over."""
    numbers, markers, swept = [], set(), 0
    for name in names:
        if entry := _ENTRY.fullmatch(name):
            numbers.append(int(entry[1]))
        elif marker := _MARKER.fullmatch(name):
            markers.add(marker[1])
        elif sweep := _SWEPT.fullmatch(name):
            swept = max(swept, int(sweep[1]))
    return Picture(tuple(sorted(numbers)), frozenset(markers), swept)


_MEND = "put it back as it was; or take it away, if it is the lot's last entry: cls run goes on from the one before"


@frozen
class LotLedger:
    """The ledger of one lot of an arc, in its arc-state store."""

    store: ObjectStore
    keys: layout.ArcKeys
    lot: Lot
    path: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "path", self.keys.lot(self.lot))

    def look(self) -> Picture:
        return picture(key.removeprefix(self.path) for key in self.store.list_keys(self.path))

    def read(self, number: int) -> Entry:
        """Entry *number*.

        Raises:
            MalformedError: it is not an entry; the lot rests until someone looks at it.
        """
        key = self._key(number)
        try:
            return codec.read_ledger_entry(self.store.get(key), source=layout.uri(self.store.root, key))
        except MalformedError as error:
            error.hint = error.hint or _MEND
            raise

    def append(self, number: int, entry: Entry) -> bool:
        """Whether the slot was won; a lost answer is settled by reading the slot back."""
        return create_once(self.store, self._key(number), codec.ledger_entry_bytes(entry))

    def mark(self, number: int, state: ArcState) -> None:
        """Say that entry *number*, of that state, is committed and announced."""
        body = json.dumps({"entry": number}, separators=(",", ":")).encode()
        key = self.keys.marker(self.lot, state.value)
        if not create_once(self.store, key, body) and self._marked(state) < number:
            self.store.put(key, body)  # never by a stale worker over a later one's

    def is_marked(self, number: int, state: ArcState) -> bool:
        return self._marked(state) == number

    def _marked(self, state: ArcState) -> int:
        """The entry that the marker of *state* names; 0 where it names none, and is written again, whole."""
        try:
            marked = json.loads(self.store.get(self.keys.marker(self.lot, state.value)))["entry"]
            return marked if isinstance(marked, int) else 0
        except (ObjectMissingError, ValueError, TypeError, KeyError, RecursionError):
            return 0

    def mark_swept(self, number: int) -> None:
        """Say that nothing is left of the attempts up to entry *number* but what is committed."""
        self.store.put(f"{self.path}{number:0{_LOT_WIDTH}}.swept", b"")

    def renew(self, attempt: str, expires: datetime) -> None:
        body = json.dumps({"attempt": attempt, "expires": expires.isoformat()}, separators=(",", ":"))
        self.store.put(self.keys.alive(self.lot), body.encode())

    def renewed(self, attempt: str) -> datetime | None:
        """Until when *attempt*'s claim was last renewed, if it was: a hint."""
        try:
            alive = json.loads(self.store.get(self.keys.alive(self.lot)))
            expires = datetime.fromisoformat(alive["expires"])
            return expires if alive["attempt"] == attempt and expires.tzinfo else None
        except (ObjectMissingError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def _key(self, number: int) -> str:
        return f"{self.path}{number:0{_LOT_WIDTH}}.json"


@frozen
class LongLedger(Generic[T]):
    """A ledger that goes on without end: entries of class *record* below *path*; *hint* (a key) names a recent one."""

    store: ObjectStore
    record: type[T]
    path: str
    hint: str

    def end(self, known: int = 0) -> int:
        """The number of the last entry, 0 if there is none; at or after the *known* one, which is there.

        From a *known* one it is searched for by a few heads, the more the further others have come: a folder is
        listed whole, however short the list. From none, it is found by one short list from the hinted one.
        """
        if known:
            return self._searched(known)
        start = self._hinted()
        numbers = self._numbers(start)
        if start and not numbers:  # the hint was wrong
            numbers = self._numbers(0)
        return max(numbers, default=0)

    def _searched(self, there: int) -> int:
        step = 1
        while self._has(self.key(there + step)):
            there, step = there + step, 2 * step
        absent = there + step
        while absent - there > 1:
            middle = (there + absent) // 2
            there, absent = (middle, absent) if self._has(self.key(middle)) else (there, middle)
        return there

    def read(self, number: int) -> T:
        """Entry *number*.

        Raises:
            MalformedError: it is none.
        """
        key = self.key(number)
        return codec.read_record(self.store.get(key), self.record, source=layout.uri(self.store.root, key))

    def append(self, number: int, entry: T) -> bool:
        """Whether the slot was won."""
        return create_once(self.store, self.key(number), codec.record_bytes(entry))

    def hint_at(self, number: int) -> None:
        """Have the end found by a short list, from entry *number* on; most numbers are passed over."""
        if number % _HINT_EVERY == 0:
            self.store.put(self.hint, json.dumps({"entry": number}).encode())

    def key(self, number: int, suffix: str = "json") -> str:
        return f"{self.path}{number:0{_LONG_WIDTH}}.{suffix}"

    def _has(self, key: str) -> bool:
        try:
            self.store.head(key)
        except ObjectMissingError:
            return False
        return True

    def _hinted(self) -> int:
        try:
            hint = json.loads(self.store.get(self.hint))["entry"]
            return hint if isinstance(hint, int) else 0
        except (ObjectMissingError, ValueError, TypeError, KeyError, RecursionError):
            return 0

    def _numbers(self, start: int) -> list[int]:
        after = f"{self.path}{start:0{_LONG_WIDTH}}"
        names = (key.removeprefix(self.path) for key in self.store.list_keys(self.path, after))
        return [int(entry[1]) for name in names if (entry := _LONG_ENTRY.fullmatch(name))]


def turns_of(store: ObjectStore, keys: layout.ActivityKeys) -> LongLedger[Turn]:
    """The ledger of an activity, in its arc-state store."""
    return LongLedger(store, Turn, keys.path, keys.hint)


@frozen
class SealLedger(LongLedger[Seal]):
    """The ledger of a boundary's seals, each marked when it is committed and announced."""

    def mark(self, number: int) -> None:
        self.store.put(self.key(number, "done"), b"")
        self.hint_at(number)

    def is_marked(self, number: int) -> bool:
        return self._has(self.key(number, "done"))


def seals_of(store: ObjectStore, keys: layout.BoundaryKeys) -> SealLedger:
    """The ledger of a boundary's seals, in its arc-state store."""
    return SealLedger(store, Seal, keys.seals, keys.hint)
