"""What a message about blobs says, read without trust."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from cls_azure.messages import GridEvent, grid_events
from clusterless.errors import InvalidValueError, cut
from clusterless.runtime.noticed import Notice

CREATED = "Microsoft.Storage.BlobCreated"

_OTHERS = ("Microsoft.Storage.", "Microsoft.EventGrid.")  # deletions, renames; that a subscription is tried
_SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)", re.DOTALL)
_BEGUN = "CreateFile"  # of a data lake: its bytes come later, and are told of when they are all there
_SHOWN = 200  # characters of an event that cannot be read


def read(message: str) -> Sequence[Notice]:
    """The blobs that a *message* says were put; none for a deletion, a validation and the like.

    Where it is not plain whether a name is percent-encoded, a notice of each reading: there is a blob of one of them.

    Raises:
        InvalidValueError: it is no message of Event Grid's about storage.
    """
    return [notice for event in grid_events(message) for notice in _notices(event)]


def _notices(event: GridEvent) -> Sequence[Notice]:
    if event.type.startswith(_OTHERS) and event.type != CREATED:
        return ()
    try:
        data: Mapping[str, Any] = event.data or {}
        matched = _SUBJECT.fullmatch(event.subject)
        if event.type != CREATED or matched is None or not isinstance(data, Mapping):
            raise ValueError("it is about no blob")  # noqa: TRY301 -- it is worded like the others
        if data.get("api") == _BEGUN:
            return ()
        time, keys = _time(event.time), _keys(matched[2], str(data.get("url", "")))
    except ValueError as error:
        msg = f"{cut(repr(event), _SHOWN)} tells of no blob: {error}"
        raise InvalidValueError(msg) from error
    return [Notice(matched[1], key, time) for key in keys]


def _keys(subject: str, url: str) -> Sequence[str]:
    """The keys that may be meant: *subject* has been seen as it is and encoded, and the *url* tells which it is."""
    if unquote(urlsplit(url).path).endswith(f"/{subject}"):
        return [subject]
    return list(dict.fromkeys([subject, unquote(subject)]))


def _time(text: str) -> datetime:
    """With ticks of 100 nanoseconds, of which the last digit is left out."""
    time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return time if time.tzinfo else time.replace(tzinfo=UTC)
