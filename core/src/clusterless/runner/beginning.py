"""Beginning while a service asks for fewer requests: again and again, for as long as that takes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from clusterless.errors import StoreBusyError
from clusterless.runner.patience import Patience
from clusterless.runtime.clock import jitter

_FIRST = 2.0  # seconds before the second try

_log = logging.getLogger(__name__)

T = TypeVar("T")


def begun(begin: Callable[[], T], stop: threading.Event) -> T | None:
    """What *begin* gives, which may be called any number of times; None once *stop* is set.

    Raises:
        ClsError: what waiting does not mend.
    """
    patience = Patience(_FIRST)
    while not stop.is_set():
        try:
            return begin()
        except StoreBusyError as error:
            seconds = patience.lost(error) * (1 + jitter()) / 2
            _log.warning("%s; nothing is begun before it answers, and it is asked again in %.0f s", error, seconds)
            stop.wait(seconds)
    return None
