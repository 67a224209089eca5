"""The service's own time, from the answers that it gives anyway."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SLOW = timedelta(seconds=60)  # that an answer may be late


class ServerTime:
    """The time of the latest answers; they tell it in whole seconds, so that it may be one behind."""

    def __init__(self) -> None:
        self._ahead: timedelta | None = None  # of the monotonic clock

    def heard(self, http_response: Any, **_: Any) -> None:
        """There was an answer just now (a handler of the SDK's ``after-call`` events)."""
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


def time_of(client: Any) -> ServerTime:
    """The time that is heard through *client*: the same one each time."""
    with _LOCK:
        if client not in _TIMES:
            _TIMES[client] = heard = ServerTime()
            client.meta.events.register("after-call", heard.heard)
        return _TIMES[client]


_TIMES: WeakKeyDictionary[Any, ServerTime] = WeakKeyDictionary()
_LOCK = Lock()


def _ticks() -> datetime:
    return _EPOCH + timedelta(microseconds=time.monotonic_ns() // 1000)
