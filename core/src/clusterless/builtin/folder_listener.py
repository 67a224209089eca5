"""`local:core:putListenerBoundary`: the files that are put in a folder, as arrivals."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from urllib.parse import unquote, urlsplit

from clusterless import layout
from clusterless.builtin.folder_backlog import Backlog
from clusterless.builtin.folder_components import PutListenerBoundary
from clusterless.builtin.folder_errors import explained
from clusterless.builtin.folder_time import FolderTime, nanoseconds
from clusterless.builtin.folder_view import FolderView
from clusterless.errors import InvalidValueError, ObjectMissingError, StoreRefusedError
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import LotSource
from clusterless.provider import Arrived, Surroundings
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.filetime import from_ns

_log = logging.getLogger(__name__)

CHUNK = 10_000  # arrivals at a time
_SECOND = 1_000_000_000


def open_listener(boundary: PutListenerBoundary, surroundings: Surroundings) -> FolderListener:
    """Listen to the folder of the boundary's dataset.

    Raises:
        InvalidValueError: the dataset is no folder of this machine.
    """
    uri = boundary.dataset.path_uri
    if layout.scheme(uri) != "file":
        msg = f"boundary {boundary.name} cannot listen to {uri}: it is no folder of this machine"
        raise InvalidValueError(msg, hint="give a pathURI like file:///data/in/, or another provider's boundary")
    return FolderListener(boundary, surroundings.open_store(uri))


class FolderListener:
    """The `ArrivalSource` of a folder, which is made if it is not there.

    The folder is watched from the first `receive` until `close`, and scanned once then, and again
    whenever the watch may have missed something.
    """

    def __init__(self, boundary: PutListenerBoundary, store: ObjectStore) -> None:
        self._uri = boundary.dataset.path_uri
        self._folder = os.path.realpath(unquote(urlsplit(self._uri).path))
        self._settle = round(boundary.settle_sec * _SECOND)
        self._is_by_event = boundary.lot_source is LotSource.EVENT_TIME
        self._store = store
        self._time = FolderTime(self._folder)
        self._backlog = Backlog()
        self._view: FolderView | None = None
        self._unacknowledged: dict[tuple[str, str], Arrival] = {}
        self._looked: int | None = None
        self._is_behind = True

    def receive(self, wait: float, since: datetime | None) -> Arrived:
        """What has arrived, oldest change first; see `clusterless.provider.ArrivalSource`.

        Raises:
            StoreRefusedError: the folder cannot be read.
            StoreUnavailableError: the folder cannot be watched now.
        """
        with explained(self._folder):
            view = self._view = self._view or self._open(since)
            end = self._time.now() + round(wait * _SECOND)
            if not self._is_behind:
                view.wait(wait)  # for what comes together to be handed over together
            while True:
                view.look()
                arrived = self._arrived(view.complete)
                left = end - self._time.now()
                if arrived.arrivals or left <= 0:
                    return arrived
                view.wait(left / _SECOND)

    def close(self) -> None:
        if self._view is not None:
            self._view.close()
            self._view = None

    def _open(self, since: datetime | None) -> FolderView:
        os.makedirs(self._folder, exist_ok=True)
        start = None if since is None else nanoseconds(since)
        return FolderView(self._folder, start, self._backlog, self._time)

    def _arrived(self, complete: int | None) -> Arrived:
        again = list(self._unacknowledged.values())
        now = self._time.now()
        arrivals = [*again, *self._hand_over(CHUNK - len(again), now)]
        looked = self._look_back(complete)
        self._is_behind = bool(self._backlog.rested(now - self._settle, 1))
        return Arrived(
            arrivals=arrivals,
            acknowledge=partial(self._acknowledge, arrivals),
            looked=None if looked is None else from_ns(looked),
            backlog=self._is_behind,
            unsettled=self._backlog.oldest is not None,
        )

    def _hand_over(self, limit: int, now: int) -> list[Arrival]:
        noted = self._backlog.rested(now - self._settle, limit)
        arrivals = [arrival for key in noted if (arrival := self._arrival(key, now))]
        self._unacknowledged.update(((arrival.uri, arrival.etag), arrival) for arrival in arrivals)
        return arrivals

    def _arrival(self, key: str, now: int) -> Arrival | None:
        info = self._rested(key, now - self._settle)
        if info is None:
            return None
        self._backlog.done(key, now)
        time = from_ns(now) if self._is_by_event else info.time
        return Arrival(layout.uri(self._uri, key), info.etag, info.size, time)

    def _rested(self, key: str, until: int) -> ObjectInfo | None:
        """The file as it has been since *until*, or None, if it has changed since or is gone."""
        try:
            info = self._store.head(key)
            found = os.lstat(f"{self._folder}/{key}")  # after the head, so that what that saw has rested
        except (ObjectMissingError, FileNotFoundError, NotADirectoryError):
            self._backlog.forget(key)
            return None
        except StoreRefusedError as error:
            _log.warning("%s does not arrive: %s", key, error)
            self._backlog.forget(key)
            return None
        if not stat.S_ISREG(found.st_mode):
            self._backlog.forget(key)
            return None
        self._backlog.note(key, found.st_ctime_ns)
        return info if found.st_ctime_ns <= until else None

    def _look_back(self, complete: int | None) -> int | None:
        """Before when everything that has rested is handed over by now."""
        if complete is not None:
            oldest = self._backlog.oldest
            until = complete - self._settle if oldest is None else min(complete - self._settle, oldest)
            # Not back, for the sake of old files in a folder moved in: they are late already.
            self._looked = until if self._looked is None else max(self._looked, until)
        return self._looked

    def _acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            self._unacknowledged.pop((arrival.uri, arrival.etag), None)
