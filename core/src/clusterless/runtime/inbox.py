"""Inboxes: event objects that who writes a dataset puts where one reader of it looks, whatever store that is.

An object is a CloudEvents event or its data alone (FORMATS 5.1). It is a hint as any event is, so that the inbox needs
no care: who shares it with other processes may act on an event that these act on too, and what is gone was acted on.

Where the provider tells of objects, the inbox is heard by a queue of its notices, as a boundary is. A notice is
acknowledged before its event is acted on: what it told of lies there until then, and is found by the next list.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice

from attrs import define, field, frozen

from clusterless import layout
from clusterless.codec import read_record
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.event import Event
from clusterless.provider import Clock, SetAside
from clusterless.runtime.noticed import LEAST_POLL, Location, Notice, NoticeQueue, QueueMissingError
from clusterless.store.api import ObjectStore

_log = logging.getLogger(__name__)

_LOOK = timedelta(seconds=5)  # between lists of an inbox, which is empty most of the time
_NET = timedelta(seconds=60)  # the same, where notices tell what is put there
_HELD = timedelta(minutes=5)  # for how long an event that is being acted on is passed over
_MOST = 1000  # events that are remembered of one list
_UNREADABLE = "unreadable/"
_OF_OTHERS = "it is of {}, which nobody hears of here"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def key(event: Event) -> str:
    """The object's key: the same for every announcement of a revision, and another for another placement's."""
    told = hashlib.sha256(event.manifest.encode()).hexdigest()[:16]
    return f"{layout.lot_path(event.dataset, event.lot)}revision={event.revision}/{told}.json"


@frozen
class InboxDelivery:
    """An event, and the object that it was read from."""

    event: Event
    _key: str
    _inbox: Inbox = field(repr=False)

    def acknowledge(self) -> None:
        self._inbox.remove(self._key)

    def defer(self, seconds: float) -> None:
        self._inbox.hold(self._key, timedelta(seconds=seconds))


@define(eq=False)
class Inbox:
    """What is announced of *datasets* in the inbox that *store* is rooted at: a `Subscription` without a service.

    *wire* gives the queue of notices of what is put there, made if need be; None where nobody tells.
    What nobody can read, or is of another dataset, is set aside below ``unreadable/`` of it, and told once.
    """

    _store: ObjectStore
    _datasets: Sequence[Dataset]
    _clock: Clock
    _wire: Callable[[], NoticeQueue | None] = lambda: None
    _queue: NoticeQueue | None = field(default=None, init=False)
    _waiting: deque[str] = field(factory=deque, init=False)
    _held: dict[str, datetime] = field(factory=dict, init=False)  # keys, and until when they are passed over
    _next: datetime = field(default=_LONG_AGO, init=False)

    def __attrs_post_init__(self) -> None:
        self._queue = self._wire()

    def receive(self, limit: int) -> Sequence[InboxDelivery]:
        """Up to *limit* events.

        Raises:
            StoreUnavailableError, StoreRefusedError: the inbox, or the queue of its notices, cannot be read now.
        """
        now = self._clock.now()
        if not self._waiting and now >= self._next:
            self._look(now)
        if not self._waiting and self._queue:
            self._hear(self._queue, limit)
        taken: list[InboxDelivery] = []
        while self._waiting and len(taken) < limit:
            name = self._waiting.popleft()
            if event := self._read(name):
                self._held[name] = now + _HELD
                taken.append(InboxDelivery(event, name, self))
        return taken

    def remove(self, name: str) -> None:
        self._store.delete(name)
        self._held.pop(name, None)

    def hold(self, name: str, time: timedelta) -> None:
        self._held[name] = until = self._clock.now() + time
        self._next = min(self._next, until)

    def set_aside(self) -> Sequence[SetAside]:
        return [told for _, told in self._aside()]

    def redrive(self) -> int:
        again = [name for name, told in self._aside() if told.event]
        for name in again:
            with suppress(ObjectMissingError):  # another process has done it
                self._store.copy(name.removeprefix(_UNREADABLE), self._store, name)
            self._store.delete(name)
        return len(again)

    def close(self) -> None:
        """Nothing is held that another process could not have."""

    def _look(self, now: datetime) -> None:
        self._next = now + (_NET if self._queue else _LOOK)
        self._held = {name: until for name, until in self._held.items() if until > now}
        self._take_up(self._store.list_keys())

    def _hear(self, queue: NoticeQueue, limit: int) -> None:
        try:
            messages = queue.receive(limit, LEAST_POLL)
        except QueueMissingError as error:
            _log.warning("%s: it is made again, and %s is listed", error, self._store.root)
            self._queue, self._next = self._wire(), _LONG_AGO
            return
        self._take_up(filter(None, map(self._key, messages.notices)))
        queue.acknowledge(messages)

    def _key(self, notice: Notice) -> str:
        """The key below the inbox of what was put; none where that is elsewhere."""
        inbox = Location.of(self._store.root)
        if notice.bucket != inbox.bucket or not notice.key.startswith(inbox.prefix):
            return ""
        return notice.key.removeprefix(inbox.prefix)

    def _take_up(self, names: Iterable[str]) -> None:
        fresh = (name for name in names if name not in self._held and not name.startswith(_UNREADABLE))
        self._waiting.extend(dict.fromkeys(islice(fresh, _MOST)))

    def _read(self, name: str) -> Event | None:
        source = layout.uri(self._store.root, name)
        try:
            event = decode(self._store.get(name), source)
        except ObjectMissingError:
            return None  # another process has acted on it
        except MalformedError as error:
            self._set_aside(name, source, str(error))
            return None
        if event.dataset.id in self._wanted:
            return event
        self._set_aside(name, source, _OF_OTHERS.format(event.dataset.id))
        return None

    def _aside(self) -> Iterator[tuple[str, SetAside]]:
        """What was set aside, with its key; without an event where it is still of no use."""
        for key in self._store.list_keys(_UNREADABLE):
            try:
                yield key, self._judged(self._store.get(key), layout.uri(self._store.root, key))
            except ObjectMissingError:
                continue

    def _judged(self, body: bytes, source: str) -> SetAside:
        try:
            event = decode(body, source)
        except MalformedError as error:
            return SetAside(event=None, why=error.problem)
        if event.dataset.id in self._wanted:
            return SetAside(event=event, why="it could not be read before, or nobody heard of its dataset")
        return SetAside(event=None, why=_OF_OTHERS.format(event.dataset.id))

    @property
    def _wanted(self) -> set[str]:
        return {dataset.id for dataset in self._datasets}

    def _set_aside(self, name: str, source: str, why: str) -> None:
        with suppress(ObjectMissingError):  # another process has set it aside
            self._store.copy(_UNREADABLE + name, self._store, name)
        self._store.delete(name)
        _log.error("%s was set aside below %s%s: %s", source, self._store.root, _UNREADABLE, why)


def decode(body: bytes, source: str) -> Event:
    """The event in an object: a CloudEvents event in structured mode, or what that would have as its data.

    Raises:
        MalformedError: it holds neither.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError(source, [f"not JSON: {error}"]) from error
    if isinstance(told, dict) and "specversion" in told:
        told = told.get("data")
    return read_record(json.dumps(told).encode(), Event, source=source)
