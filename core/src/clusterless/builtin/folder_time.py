"""The time of a folder's file system."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from clusterless.store.filetime import FileTime

_STAMP_EVERY = timedelta(seconds=5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FolderTime:
    """Now, as the file system of *folder* stamps its files, which it is asked every few seconds.

    A store's `now` will not do here: one that writes nothing never learns that the clock was set.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._time = FileTime()
        self._stamped: datetime | None = None

    def now(self) -> int:
        """Nanoseconds since 1970, as in a file's times."""
        if self._stamped is None or self._time.now() - self._stamped >= _STAMP_EVERY:
            self._time.saw(_stamp(self._folder))
            self._stamped = self._time.now()
        return nanoseconds(self._time.now())


def nanoseconds(moment: datetime) -> int:
    """*moment* as a file's times have it: since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _stamp(folder: str) -> int:
    # A folder that is only read from is taken to be on a disk that agrees with this machine's.
    with suppress(OSError), tempfile.TemporaryFile(prefix=".tmp-", dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime_ns
    with tempfile.TemporaryFile() as file:
        return os.fstat(file.fileno()).st_mtime_ns
