"""Time as files tell it, for stores that keep none of their own."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000


def from_ns(nanoseconds: int) -> datetime:
    """The moment of a file time (nanoseconds since 1970), to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


class FileTime:
    """The time of whatever stamps the files, as of the latest one seen.

    One temporary file is made if the time is asked for before any file was seen.
    """

    def __init__(self) -> None:
        self._ahead: int | None = None  # of the monotonic clock, in nanoseconds

    def saw(self, mtime_ns: int) -> None:
        """A file was stamped just now."""
        ahead = mtime_ns - time.monotonic_ns()
        # File times tick every few milliseconds only: a small step back is the tick, a large one is a clock set back.
        if self._ahead is None or not -_SECOND < ahead - self._ahead <= 0:
            self._ahead = ahead

    def now(self) -> datetime:
        if self._ahead is None:
            with tempfile.TemporaryFile() as file:
                self.saw(os.fstat(file.fileno()).st_mtime_ns)
        return from_ns(time.monotonic_ns() + (self._ahead or 0))
