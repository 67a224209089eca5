"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from clusterless.provider import Clock

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


class JumpingClock:
    """*clock*, wrong by up to *most* seconds, fast or slow: by how much changes at any look, by chance."""

    def __init__(self, clock: Clock, random: random.Random, most: float = 180.0, chance: float = 0.1) -> None:
        self._clock = clock
        self._random = random
        self._most = most
        self._chance = chance
        self._wrong = timedelta()
        self._lock = Lock()

    def now(self) -> datetime:
        with self._lock:
            if self._random.random() < self._chance:
                self._wrong = timedelta(seconds=self._random.uniform(-self._most, self._most))
            return self._clock.now() + self._wrong

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
