"""A folder kept in view: watched, and scanned where a watch does not reach."""

from __future__ import annotations

import logging
import os
import stat
import threading

from watchfiles import Change

from clusterless.builtin.folder_backlog import Backlog
from clusterless.builtin.folder_scan import is_key, scan
from clusterless.builtin.folder_time import FolderTime
from clusterless.builtin.folder_watch import Changes, Watch
from clusterless.engine.strays import is_passed_over

_log = logging.getLogger(__name__)

_SECOND = 1_000_000_000
_OVERLAP = 5 * _SECOND
_MANY = 1_000  # changes at a time: the system's queue (16,384) may have overflowed, which no one is told of
_SCAN_AGAIN = 2  # beats until a watch on a new folder is up; what was put there before that is found by scanning
_SURE = 2 + _SCAN_AGAIN  # beats until a change is in the backlog, in a new folder too
_SCAN_EVERY = 60 * _SECOND  # on network disks a watch does not see what other machines do
_RETRY = 0.1  # seconds until a folder that is not there, or could not be watched, is looked for again
_SCAN_SHARE = 20  # scanning takes a twentieth of the time at most


class FolderView:
    """Notes in *backlog* what files are new or changed below *folder* (a real path).

    Begins with those changed since *since* (less an overlap; None: all). Times are nanoseconds since 1970.
    """

    def __init__(self, folder: str, since: int | None, backlog: Backlog, time: FolderTime) -> None:
        self.complete: int | None = None
        """No change before it is missing from the backlog."""

        self._folder = folder
        self._backlog = backlog
        self._time = time
        self._cutoff = since if since is None else since - _OVERLAP  # where the next scan begins
        self._next_scan = 0
        self._is_scan_owed = True
        self._watch: Watch | None = None
        self._identity: tuple[int, int] | None = None
        self._new_folders: list[tuple[int, str]] = []  # the beat at which each was noticed, its key
        self._probe: tuple[int, int] | None = None  # a time, and the beat it was at
        self._closing = threading.Event()

    def look(self) -> None:
        """Bring the backlog up to date.

        Raises:
            OSError: the folder cannot be read or watched; the next look begins anew.
        """
        try:
            watch = self._watch or self._begin()
            if watch is not None:
                self._follow(watch)
        except BaseException:
            self._lose_watch()
            raise

    def wait(self, seconds: float) -> None:
        """Wait until there may be something new, at most *seconds*."""
        if self._watch is None:
            self._closing.wait(min(seconds, _RETRY))
        else:
            self._watch.wait(seconds)

    def close(self) -> None:
        self._closing.set()
        self._lose_watch()

    def _follow(self, watch: Watch) -> None:
        changes, beats = watch.take()
        if (Change.deleted, self._folder) in changes or self._identity != _identity(self._folder):
            _log.warning("the folder %s was removed or replaced; it is read anew when it is there", self._folder)
            self._lose_watch()
            self._cutoff = None  # what is there next may have been made long ago
            return
        self._note(changes, beats)
        self._scan_new_folders(beats)
        if len(changes) >= _MANY:
            self._is_scan_owed = True
        elif self._is_scan_owed or self._time.now() >= self._next_scan:
            self._scan()
        self._advance(beats)

    # ---- the watch

    def _begin(self) -> Watch | None:
        self._identity = _identity(self._folder)
        if self._identity is None:
            return None
        self._watch = Watch(self._folder)
        self._is_scan_owed = True
        return self._watch

    def _lose_watch(self) -> None:
        self._new_folders.clear()
        self._probe = None
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _note(self, changes: Changes, beats: int) -> None:
        direct: dict[str, bool] = {}  # folder → no link leads there
        for change, path in changes:
            key = path[len(self._folder) + 1 :]
            if not key or any(map(is_passed_over, key.split("/"))):
                continue
            above = os.path.dirname(path)
            if above not in direct:
                direct[above] = os.path.realpath(above) == above
            if direct[above]:
                self._note_one(key, path, change, beats)

    def _note_one(self, key: str, path: str, change: Change, beats: int) -> None:
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            self._backlog.forget(key)
            return
        if stat.S_ISREG(found.st_mode) and is_key(key):
            self._backlog.note(key, found.st_ctime_ns)
        elif stat.S_ISDIR(found.st_mode) and change is not Change.modified:
            self._new_folders.append((beats, key))

    # ---- scans

    def _scan_new_folders(self, beats: int) -> None:
        ripe = [key for noticed, key in self._new_folders if beats >= noticed + _SCAN_AGAIN]
        self._new_folders = [(noticed, key) for noticed, key in self._new_folders if beats < noticed + _SCAN_AGAIN]
        for key in ripe:
            for found, changed in scan(self._folder, key):
                self._backlog.note(found, changed)

    def _scan(self) -> None:
        start = self._time.now()
        for key, changed in scan(self._folder, since=self._cutoff):
            self._backlog.note(key, changed)
        took = self._time.now() - start
        self._next_scan = start + max(_SCAN_EVERY, _SCAN_SHARE * took)
        self._cutoff = start - _OVERLAP
        self._backlog.prune(self._cutoff)
        self._is_scan_owed = False
        self._probe = None
        self._completed(start)

    def _advance(self, beats: int) -> None:
        if self._is_scan_owed:
            self._probe = None
        elif self._probe is None:
            self._probe = (self._time.now(), beats)
        elif beats >= self._probe[1] + _SURE:
            self._completed(self._probe[0])
            self._probe = None

    def _completed(self, time: int) -> None:
        self.complete = time if self.complete is None else max(self.complete, time)


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None
