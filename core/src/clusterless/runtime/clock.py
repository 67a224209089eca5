"""The only module that reads the time of day, waits, and makes up ids."""

from __future__ import annotations

import os
import random
import secrets
import socket
import time
from datetime import UTC, datetime

from clusterless.store import processes


class SystemClock:
    """The machine's `Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def random_id() -> str:
    """Sixteen hexadecimal digits that nobody else has."""
    return secrets.token_hex(8)


def jitter() -> float:
    """Some number from 0 to 1, so that those who wait do not all wait alike."""
    return random.random()  # noqa: S311  nothing secret hangs on it


def identity() -> str:
    """Who writes an entry: for people only."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_gone(by: str) -> bool:
    """Whether *by* was a process of this machine that surely runs no more."""
    host, _, pid = by.rpartition(":")
    return host == socket.gethostname() and processes.is_gone(pid)
