"""Letters: events that a notifier could not announce, kept in the arc-state store until it can.

A pending letter's key says when it is due. Whoever takes one moves it to a later time, which is the same for all who
take it at about the same time, so that one of them has it. What replaces a letter is written before it
is removed: a crash leaves it twice, or to be taken later, never not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from attrs import frozen

from clusterless import codec, layout
from clusterless.errors import MalformedError, ObjectExistsError, ObjectMissingError
from clusterless.model.event import Event
from clusterless.store.api import ObjectStore

_log = logging.getLogger(__name__)

_HELD = timedelta(minutes=5)  # for how long, at least, a letter is its taker's
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class Letter:
    """An event, and what became of it so far; *last_error* holds no secret, as long as the notifier tells none."""

    event: Event
    attempts: int
    first_failure: datetime
    last_error: str


@frozen
class Envelope:
    """A letter without its content: *due* is when it is tried, or when it was given up."""

    key: str
    due: datetime


class LetterBox:
    """The letters of one notifier; any number of processes may use it. *new_id* names letters."""

    def __init__(self, store: ObjectStore, keys: layout.NotifierKeys, new_id: Callable[[], str]) -> None:
        self._store = store
        self._keys = keys
        self._new_id = new_id

    def pending(self) -> Iterator[Envelope]:
        """The letters that are tried again, by when they are due."""
        return self._envelopes(self._keys.pending)

    def dead(self) -> Iterator[Envelope]:
        """The letters that were given up, by when they were."""
        return self._envelopes(self._keys.dead)

    def read(self, key: str) -> Letter | None:
        """The letter; None where it is gone, or cannot be read and was set aside."""
        try:
            return codec.read_record(self._store.get(key), Letter, source=layout.uri(self._store.root, key))
        except ObjectMissingError:
            return None
        except MalformedError as error:
            self._set_aside(key, error)
            return None

    def keep(self, letter: Letter, due: datetime) -> None:
        """Have the letter tried again at *due*."""
        self._write(self._keys.pending, letter, due)

    def bury(self, letter: Letter, now: datetime) -> None:
        """Give the letter up."""
        self._write(self._keys.dead, letter, now)

    def replace(self, key: str, letter: Letter) -> None:
        """Say more of a letter, where it is."""
        self._store.put(key, codec.record_bytes(letter))

    def take(self, envelope: Envelope, now: datetime) -> tuple[str, Letter] | None:
        """The letter, at another key until it is removed; None where another has it, or nobody can read it."""
        letter = self.read(envelope.key)
        if letter is None:
            return None
        held = self._keys.pending + self._keys.name(_held_until(now), _id(envelope.key))
        try:
            self._store.create(held, codec.record_bytes(letter))
        except ObjectExistsError:
            return None
        self._store.delete(envelope.key)
        return held, letter

    def remove(self, key: str) -> None:
        self._store.delete(key)

    def _write(self, path: str, letter: Letter, moment: datetime) -> None:
        self._store.create(path + self._keys.name(moment, self._new_id()), codec.record_bytes(letter))

    def _envelopes(self, path: str) -> Iterator[Envelope]:
        for info in self._store.list(path):
            if named := layout.parse_letter(info.key):
                yield Envelope(info.key, named[0])
            else:
                self._set_aside(info.key, "its name is no letter's")

    def _set_aside(self, key: str, why: object) -> None:
        aside = self._keys.unreadable(key)
        self._store.copy(aside, self._store, key)
        self._store.delete(key)
        _log.error("a letter that cannot be read was set aside as %s: %s", layout.uri(self._store.root, aside), why)


def _held_until(now: datetime) -> datetime:
    return _EPOCH + ((now - _EPOCH) // _HELD + 2) * _HELD


def _id(key: str) -> str:
    named = layout.parse_letter(key)
    assert named is not None
    return named[1]
