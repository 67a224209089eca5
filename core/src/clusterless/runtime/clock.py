"""The only module that reads the time of day, waits, and makes up ids."""

from __future__ import annotations

import os
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


def identity() -> str:
    """Who writes an entry: for people only."""
    return f"{socket.gethostname()}:{os.getpid()}"
