"""The service's own time, from the answers that it gives anyway."""

from __future__ import annotations

from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from clusterless.store.servertime import ServerTime


def time_of(session: Any) -> ServerTime:
    """The time that is heard through a *session* of ``requests``: the same one each time."""
    with _LOCK:
        if session not in _TIMES:
            _TIMES[session] = heard = ServerTime()
            session.hooks["response"].append(heard.heard)
        return _TIMES[session]


_TIMES: WeakKeyDictionary[Any, ServerTime] = WeakKeyDictionary()
_LOCK = Lock()
