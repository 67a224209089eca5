"""Requests that the SDK sends again, for the log."""

from __future__ import annotations

import logging
from typing import Any

_HEARD = "clusterless_heard"

_log = logging.getLogger(__name__)


def note_retries(client: Any) -> None:
    """Have each request that *client* sends again noted, with what the one before came to."""
    client.meta.events.register("needs-retry", _heard)
    client.meta.events.register("request-created", _sent)


def _heard(
    request_dict: dict[str, Any], response: tuple[Any, Any] | None, caught_exception: Exception | None, **_: Any
) -> None:
    answer = response[1] if response else {}
    request_dict["context"][_HEARD] = caught_exception or answer.get("Error", {}).get("Code")


def _sent(request: Any, operation_name: str, **_: Any) -> None:
    if heard := request.context.get(_HEARD):
        _log.info("AWS %s is asked again: %s", operation_name, heard)
