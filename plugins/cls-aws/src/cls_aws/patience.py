"""Asking again what the SDK's client for S3 asks only once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from cls_aws.errors import asking
from clusterless.errors import StoreUnavailableError
from clusterless.provider import Clock

_log = logging.getLogger(__name__)

_TRIES = 5
_PAUSE = 0.5  # seconds before the second try, doubling

T = TypeVar("T")


def patiently(ask: Callable[[], T], what: str, clock: Clock) -> T:
    """What *ask* gives, who does the same however often; *what* is asked of is told of in errors.

    Raises:
        StoreUnavailableError: there was no answer, though it was asked several times.
        ClsError: as `asking` words what the SDK raises.
    """
    for attempt in range(_TRIES - 1):
        try:
            with asking(what):
                return ask()
        except StoreUnavailableError as error:
            _log.warning("%s", error)
            clock.sleep(_PAUSE * 2**attempt)
    with asking(what):
        return ask()
