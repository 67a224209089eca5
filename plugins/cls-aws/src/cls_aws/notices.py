"""What a message of S3 says: both forms of it, read without trust.

S3 writes to a queue by itself, or EventBridge forwards S3's events to it. The first percent-encodes keys as forms do
(a blank is ``+``), the second writes them as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from clusterless.errors import InvalidValueError, cut
from clusterless.runtime.noticed import Notice

_SHOWN = 200  # characters of a message that cannot be read


def read(body: str) -> tuple[Notice, ...]:
    """The objects that the message *body* says were put; none for a test message, a deletion and the like.

    Raises:
        InvalidValueError: it is no message of S3's.
    """
    try:
        message = json.loads(body)
        return tuple(_read(message))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{cut(repr(body), _SHOWN)} is no message of S3's: {type(error).__name__} {error}"
        raise InvalidValueError(msg) from error


def _read(message: Any) -> Iterator[Notice]:
    if "Records" in message:
        yield from _records(message["Records"])
    elif message.get("source") == "aws.s3":
        if message["detail-type"] == "Object Created":
            detail = message["detail"]
            yield Notice(_text(detail["bucket"], "name"), _text(detail["object"], "key"), _time(message["time"]))
    elif message.get("Event") != "s3:TestEvent":
        msg = "neither 'Records', nor an event with source 'aws.s3'"
        raise ValueError(msg)


def _records(records: Iterable[Mapping[str, Any]]) -> Iterator[Notice]:
    for record in records:
        if record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
            s3 = record["s3"]
            key = unquote_plus(_text(s3["object"], "key"), errors="strict")
            yield Notice(_text(s3["bucket"], "name"), key, _time(record["eventTime"]))


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values[name]
    if not isinstance(value, str) or not value:
        msg = f"{name} is {value!r}"
        raise ValueError(msg)
    return value


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
