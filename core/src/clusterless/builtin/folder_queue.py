"""Events, kept as files: a folder for each subscriber, a file for each message.

A message is named ``<due>-<id>.json``: *due* is when it may be handed out, in
milliseconds since 1970, so that names sort by it. Whoever takes a message renames it to a
later due time, and of several renamers of one name the file system lets one win. What a taker
does not acknowledge is due again when its time has come.
"""

from __future__ import annotations

import logging
import os
import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from attrs import field, frozen

from clusterless.builtin.folder_errors import explained
from clusterless.codec import read_record, record_bytes
from clusterless.errors import InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.event import Event
from clusterless.provider import Clock
from clusterless.store import litter
from clusterless.store.files import FileStore

_log = logging.getLogger(__name__)

VISIBILITY = timedelta(seconds=60)
_FRESH = timedelta(seconds=2)  # for how long the subscriptions that were read are believed
_SUBSCRIPTION = "subscription.json"
_DEAD = "dead"
_MESSAGE = re.compile(r"[0-9]{15}-(?P<id>[^.]+)\.json")
_SUBSCRIBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@frozen(kw_only=True)
class Subscribed:
    """``subscription.json``: which datasets' events are put in a queue."""

    datasets: tuple[Dataset, ...]


class FolderPublisher:
    """Puts each event in the queue of every subscriber to its dataset, whole and durably.

    *new_id* names messages; *clock* should agree roughly with the subscribers': an event is due by it.
    """

    def __init__(self, queues: Path, clock: Clock, new_id: Callable[[], str]) -> None:
        self._queues = queues
        self._clock = clock
        self._new_id = new_id
        self._subscribed: dict[str, frozenset[str]] = {}  # subscriber → dataset ids
        self._read: tuple[int, datetime] | None = None  # the folder's change, and when we read it
        self._stores: dict[str, FileStore] = {}

    def publish(self, event: Event) -> None:
        """Announce durably.

        Raises:
            StoreRefusedError, StoreUnavailableError: a queue did not take the event; publish it again.
        """
        self._refresh()
        body = record_bytes(event)
        for subscriber, datasets in self._subscribed.items():
            if event.dataset.id in datasets:
                self._store(subscriber).put(_message_name(self._clock.now(), self._new_id()), body)

    def _refresh(self) -> None:
        with explained(str(self._queues)):
            try:
                changed = self._queues.stat().st_mtime_ns
            except FileNotFoundError:
                self._subscribed = {}
                return
            now = self._clock.now()
            if self._read and self._read[0] == changed and abs(now - self._read[1]) < _FRESH:
                return
            self._subscribed = dict(filter(None, map(self._subscription, os.listdir(self._queues))))
            self._read = (changed, now)

    def _subscription(self, subscriber: str) -> tuple[str, frozenset[str]] | None:
        if not _SUBSCRIBER.fullmatch(subscriber):
            return None
        try:
            body = self._store(subscriber).get(_SUBSCRIPTION)
            found = read_record(body, Subscribed, source=str(self._queues / subscriber / _SUBSCRIPTION))
        except ObjectMissingError:
            return None
        except MalformedError as error:
            _log.error("the subscriber hears nothing until this is put right: %s", error)
            return None
        return subscriber, frozenset(dataset.id for dataset in found.datasets)

    def _store(self, subscriber: str) -> FileStore:
        if subscriber not in self._stores:
            self._stores[subscriber] = _store(self._queues / subscriber)
        return self._stores[subscriber]


@frozen
class FolderDelivery:
    """An event whose message *path* is hidden from others until its due time."""

    event: Event
    _path: Path
    _clock: Clock = field(repr=False)

    def acknowledge(self) -> None:
        # Not there: its time ran out and another has it, or has acknowledged it.
        with explained(str(self._path.parent)), suppress(FileNotFoundError):
            self._path.unlink()

    def defer(self, seconds: float) -> None:
        with explained(str(self._path.parent)), suppress(FileNotFoundError):
            self._path.rename(_renamed(self._path, self._clock.now() + timedelta(seconds=seconds)))


class FolderSubscription:
    """The queue of *subscriber* below *queues*; any number of processes may receive from it.

    Raises:
        InvalidValueError: *subscriber* is no name for a folder.
    """

    def __init__(self, queues: Path, subscriber: str, datasets: Sequence[Dataset], clock: Clock) -> None:
        _check_subscriber(subscriber)
        self._queues = queues
        self._folder = queues / subscriber
        self._store = _store(self._folder)
        self._subscribed = record_bytes(Subscribed(datasets=tuple(datasets)))
        self._clock = clock
        self._waiting: deque[str] = deque()  # names as of the latest look into the folder, by due time
        self._subscribe()

    def receive(self, limit: int) -> Sequence[FolderDelivery]:
        with explained(str(self._folder)):
            if not self._is_due():
                self._look()
            taken: list[FolderDelivery] = []
            while len(taken) < limit and self._is_due():
                if delivery := self._take(self._folder / self._waiting.popleft()):
                    taken.append(delivery)
            return taken

    def close(self) -> None:
        """Nothing is held."""

    def _is_due(self) -> bool:
        return bool(self._waiting) and self._waiting[0] < _due(self._clock.now() + timedelta(milliseconds=1))

    def _look(self) -> None:
        try:
            names = os.listdir(self._folder)
            self._waiting = deque(sorted(filter(_MESSAGE.fullmatch, names)))
            for name in filter(litter.is_temporary, names):
                litter.remove_if_left(str(self._folder / name))
        except FileNotFoundError:
            self._waiting.clear()
            self._subscribe()

    def _take(self, waiting: Path) -> FolderDelivery | None:
        path = _renamed(waiting, self._clock.now() + VISIBILITY)
        try:
            waiting.rename(path)
            event = read_record(path.read_bytes(), Event, source=str(path))
        except FileNotFoundError:
            return None  # another was quicker
        except (MalformedError, PermissionError, IsADirectoryError) as error:
            self._set_aside(path, error)
            return None
        return FolderDelivery(event, path, self._clock)

    def _set_aside(self, path: Path, error: Exception) -> None:
        dead = self._folder / _DEAD
        dead.mkdir(exist_ok=True)
        (dead / f"{path.stem}.reason.txt").write_text(f"{error}\n", encoding="utf-8")
        with suppress(FileNotFoundError):
            path.rename(dead / path.name)
        _log.error("an event that cannot be read was set aside in %s: %s", dead, error)

    def _subscribe(self) -> None:
        with suppress(ObjectMissingError):
            if self._store.get(_SUBSCRIPTION) == self._subscribed:
                return
        self._store.put(_SUBSCRIPTION, self._subscribed)
        with explained(str(self._queues)):
            os.utime(self._queues)  # publishers look at this folder's time


def _check_subscriber(subscriber: str) -> None:
    if not _SUBSCRIBER.fullmatch(subscriber):
        msg = f"{subscriber!r} cannot be a queue's name"
        raise InvalidValueError(msg, hint="use up to 200 of A-Z a-z 0-9 . _ - and begin with a letter or digit")


def _store(folder: Path) -> FileStore:
    return FileStore(f"{folder.as_uri()}/")


def _due(moment: datetime) -> str:
    return f"{round(moment.timestamp() * 1000):015}"


def _message_name(due: datetime, message_id: str) -> str:
    return f"{_due(due)}-{message_id}.json"


def _renamed(path: Path, due: datetime) -> Path:
    return path.with_name(_message_name(due, path.stem.partition("-")[2]))
