"""In the process under test, when a soak says so: refusing disks, events that are lost or doubled, clocks that jump."""

from __future__ import annotations

import errno
import os
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clusterless.errors import StoreRefusedError, StoreUnavailableError
from clusterless.runtime.clock import SystemClock
from clusterless.testing.clock import JumpingClock
from clusterless.testing.messages import FaultyPublisher, FaultySubscription, Losses

if TYPE_CHECKING:
    from clusterless.model.event import Event
    from clusterless.provider import Publisher, Subscription

SEED = "CLS_TEST_WEATHER"
"""The seed of all chance in one process; not set: the weather is fair."""

JOURNAL = "misfortunes.txt"
"""In the working directory: what befell any process, a word a line."""

FULL = "disk-is-full"
READ_ONLY = "disk-is-read-only"
"""While a file of that name is in the working directory, writes are refused."""

WRONG = 120.0  # seconds that a clock may be wrong, either way
_UNANSWERED = 0.002  # of requests
_LOSSES = Losses(lost=0.05, doubled=0.1, late=0.1)
_WRITES = {"put", "create", "copy", "delete"}

_random: random.Random | None = None


def break_out() -> None:
    """Begin, where the process was told to: from now on its clock is wrong, too."""
    global _random  # noqa: PLW0603  one weather a process
    if seed := os.environ.get(SEED):
        _random = random.Random(seed)
        _set_clocks(_random)


def _set_clocks(chance: random.Random) -> None:
    wrong = JumpingClock(_Machine(), chance, most=WRONG, chance=0.05)
    SystemClock.now = lambda _: wrong.now()  # type: ignore[assignment, method-assign]


class _Machine:
    """The clock as it was before it was made to jump."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def suffer(method: str, where: str) -> None:
    """Refuse, or lose, a request to the store at *where* as the weather is.

    Raises:
        StoreRefusedError: the disk is full or read-only.
        StoreUnavailableError: no answer, by chance; the request was not made.
    """
    if _random is None:
        return
    if method in _WRITES:
        for flag, number in ((FULL, errno.ENOSPC), (READ_ONLY, errno.EROFS)):
            if Path(flag).exists():
                _note("refused")
                msg = f"{where}: {os.strerror(number)} (on purpose)"
                raise StoreRefusedError(msg, hint="wait until the test is over")
    if _random.random() < _UNANSWERED:
        _note("unanswered")
        msg = f"{method} at {where} got no answer (on purpose)"
        raise StoreUnavailableError(msg)


def publisher(plain: Publisher) -> Publisher:
    return plain if _random is None else _Noting(plain, _random, _LOSSES)


def subscription(plain: Subscription) -> Subscription:
    return plain if _random is None else FaultySubscription(plain, _random)


class _Noting(FaultyPublisher):
    """A faulty publisher that writes down each fault."""

    def publish(self, event: Event) -> None:
        before = self.counted.copy()
        super().publish(event)
        for what, number in (self.counted - before).items():
            _note(f"event {what}", number)


def _note(what: str, times: int = 1) -> None:
    with Path(JOURNAL).open("a") as journal:
        journal.write(f"{what}\n" * times)
