"""What a message of Cloud Storage says, read without trust."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from clusterless.errors import InvalidValueError, cut
from clusterless.runtime.noticed import Notice

FINALIZE = "OBJECT_FINALIZE"

_SHOWN = 200  # characters of a message that cannot be read


def read(attributes: Mapping[str, str]) -> Notice | None:
    """The object that a message with these *attributes* says was put; none for a deletion and the like.

    Raises:
        InvalidValueError: it is no message of Cloud Storage's.
    """
    if attributes.get("eventType", "").startswith("OBJECT_") and attributes["eventType"] != FINALIZE:
        return None
    try:
        if attributes["eventType"] != FINALIZE:
            raise KeyError("eventType")  # noqa: TRY301 -- it is worded like the others
        key = attributes["objectId"]
        return Notice(attributes["bucketId"], key, _time(attributes["eventTime"]))
    except (KeyError, ValueError) as error:
        shown = cut(repr(dict(attributes)), _SHOWN)
        msg = f"{shown} are no attributes of a message of Cloud Storage's: {type(error).__name__} {error}"
        raise InvalidValueError(msg) from error


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
