"""What is in a message of a queue: texts as they stand or in base64, and the events of Event Grid, in either schema."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from clusterless.errors import InvalidValueError, cut

_SHOWN = 200  # characters of a message that cannot be read


def written(content: bytes) -> str:
    """*content* as a message: in base64, as Event Grid puts it there and triggers of functions expect it."""
    return b64encode(content).decode()


def plain(message: str) -> bytes:
    """The content of a *message*, whoever wrote it: base64 is undone, as no JSON is spelled like it."""
    try:
        return b64decode(message, validate=True)
    except (binascii.Error, ValueError):
        return message.encode(errors="replace")


@frozen
class GridEvent:
    """An event of Event Grid, its *time* as it was written."""

    type: str
    subject: str
    time: str
    data: Any


def grid_events(message: str) -> Sequence[GridEvent]:
    """The events in a *message*, as CloudEvents 1.0 or in Event Grid's own schema.

    Raises:
        InvalidValueError: it holds something else.
    """
    try:
        value = json.loads(plain(message))
        return [_event(each) for each in (value if isinstance(value, list) else [value])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{cut(repr(message), _SHOWN)} is no event of Event Grid's: {type(error).__name__} {error}"
        raise InvalidValueError(msg) from error


def _event(value: Mapping[str, Any]) -> GridEvent:
    own = "eventType" in value
    type_, time = ("eventType", "eventTime") if own else ("type", "time")
    if not own and value["specversion"] != "1.0":
        msg = f"CloudEvents of version {value['specversion']}"
        raise ValueError(msg)
    data = value.get("data")
    if "data_base64" in value:
        data = json.loads(b64decode(value["data_base64"]))
    told = GridEvent(value[type_], value.get("subject", ""), value.get(time, ""), data)
    if not all(isinstance(each, str) for each in (told.type, told.subject, told.time)):
        msg = "its attributes are no texts"
        raise TypeError(msg)
    return told
