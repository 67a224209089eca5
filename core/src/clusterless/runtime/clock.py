"""The only module that reads the time of day, waits, and makes up ids."""

from __future__ import annotations

import os
import random
import secrets
import socket
import time
from datetime import UTC, datetime


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
    if os.name != "posix" or host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)  # signal 0 asks, and does nothing
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
