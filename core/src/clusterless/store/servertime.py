"""A service's own time, from the answers that it gives anyway."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SLOW = timedelta(seconds=60)  # that an answer may be late


class ServerTime:
    """The time of the latest answers; they tell it in whole seconds, so that it may be one behind."""

    def __init__(self) -> None:
        self._ahead: timedelta | None = None  # of the monotonic clock

    def heard(self, http_response: Any, *_: Any, **__: Any) -> None:
        """There was an answer just now, which has `headers` (a handler of SDKs' events)."""
        if told := http_response.headers.get("Date"):
            self.saw(parsedate_to_datetime(told))

    def saw(self, moment: datetime) -> None:
        """It was *moment* by an answer that came just now."""
        ahead = moment - _ticks()
        # The answer that took the least time is the nearest to the truth; one far behind tells of a clock set back.
        if self._ahead is None or not -_SLOW < ahead - self._ahead <= timedelta():
            self._ahead = ahead

    def now(self) -> datetime | None:
        """None before the first answer."""
        return None if self._ahead is None else _ticks() + self._ahead


def _ticks() -> datetime:
    return _EPOCH + timedelta(microseconds=time.monotonic_ns() // 1000)
