"""The only module that reads the time of day, waits, and makes up ids."""

from __future__ import annotations

import os
import secrets
import socket
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time, as it is handed to whatever needs it."""

    def now(self) -> datetime:
        """This machine's time; where it matters, a store's own `now` is asked instead."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def random_id() -> str:
    """Sixteen hexadecimal digits that nobody else has."""
    return secrets.token_hex(8)


def identity() -> str:
    """Who writes an entry: for people only."""
    return f"{socket.gethostname()}:{os.getpid()}"
