"""Queues of services that hand out a few messages a request: asked again and again, though each request costs."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Generic, TypeVar

from clusterless.errors import InvalidValueError
from clusterless.provider import Clock
from clusterless.runtime.noticed import Messages, Notice

_log = logging.getLogger(__name__)

_REST = timedelta(seconds=1)
_RESTLESS = 120.0  # seconds without a message after which nobody is taken to hold one
_EVERY = 1.0  # seconds between looks at how many messages there are

M = TypeVar("M")
"""A message as the service gives it."""
D = TypeVar("D")
"""What is made of it."""


class Polled(Generic[M, D]):
    """What *read* makes of a queue's messages; after an answer with nothing in it, the queue is let be for a second.

    *ask* is told how many messages are wanted, and may give fewer. A message that *read* makes None of was dealt with.
    """

    def __init__(self, ask: Callable[[int], Sequence[M]], read: Callable[[M], D | None], clock: Clock) -> None:
        self._ask = ask
        self._read = read
        self._clock = clock
        self._rests_until: datetime | None = None

    def receive(self, limit: int) -> list[D]:
        """Up to *limit* of them, without waiting."""
        if self._rests_until and self._clock.now() < self._rests_until:
            return []
        taken: list[D] = []
        while len(taken) < limit:
            messages = self._ask(limit - len(taken))
            taken += [made for message in messages if (made := self._read(message)) is not None]
            if not messages:
                self._rests_until = self._clock.now() + _REST
                break
        return taken


class PolledNotices(ABC, Generic[M]):
    """A `clusterless.runtime.noticed.NoticeQueue` called *name*, which any number of processes may share.

    A provider's says how messages are asked for, read and acknowledged.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._stirred = monotonic()
        self._counted: tuple[float, bool] | None = None

    def receive(self, limit: int, wait: int) -> Messages:
        """See `clusterless.runtime.noticed.NoticeQueue`."""
        notices: list[Notice] = []
        receipts: list[str] = []
        while len(receipts) < limit:
            found = self.ask(limit - len(receipts), 0 if receipts else wait)
            if not found:
                return Messages(notices, receipts, drained=True)
            self._stirred = monotonic()
            receipts += map(self.receipt, found)
            for message in found:
                notices += self._told(message)
        return Messages(notices, receipts, drained=False)

    @abstractmethod
    def acknowledge(self, messages: Messages) -> None:
        """Never hand them out again; those that cannot be removed now come again, and do no harm."""

    def has_more(self) -> bool:
        """Whether there were messages lately and some are left, which another holds or has not acknowledged."""
        now = monotonic()
        if now - self._stirred > _RESTLESS:
            return False
        if self._counted is None or now - self._counted[0] >= _EVERY:
            self._counted = now, self.is_any_left()
        return self._counted[1]

    def _told(self, message: M) -> Iterable[Notice]:
        try:
            return self.read(message)
        except InvalidValueError as error:
            # If it was about an object, a listing finds that.
            _log.error("a message in %s is passed over: %s", self._name, error)
            return ()

    # ---- what the service says ----

    @abstractmethod
    def ask(self, most: int, wait: int) -> Sequence[M]:
        """Some messages, about *most* of them, waiting up to *wait* seconds for the first.

        Raises:
            QueueMissingError: the queue was removed.
        """

    @abstractmethod
    def receipt(self, message: M) -> str:
        """What the *message* is acknowledged by."""

    @abstractmethod
    def read(self, message: M) -> Iterable[Notice]:
        """What the *message* tells.

        Raises:
            InvalidValueError: it is none of a notice.
        """

    def is_any_left(self) -> bool:
        """Whether there are messages, those included that somebody holds; no, where the service does not tell."""
        return False
