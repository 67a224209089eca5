"""The service's own time, from the answers that it gives anyway."""

from __future__ import annotations

from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from clusterless.store.servertime import ServerTime


def time_of(client: Any) -> ServerTime:
    """The time that is heard through *client*: the same one each time."""
    with _LOCK:
        if client not in _TIMES:
            _TIMES[client] = heard = ServerTime()
            client.meta.events.register("after-call", heard.heard)
        return _TIMES[client]


_TIMES: WeakKeyDictionary[Any, ServerTime] = WeakKeyDictionary()
_LOCK = Lock()
