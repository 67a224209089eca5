"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock

START = datetime(2024, 1, 31, 12, tzinfo=UTC)


class SettableClock:
    """A `clusterless.provider.Clock`: whoever sleeps moves it on, and nobody waits."""

    def __init__(self, moment: datetime = START) -> None:
        self._moment = moment
        self._lock = Lock()

    def now(self) -> datetime:
        return self._moment

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._moment += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        with self._lock:
            self._moment = moment
