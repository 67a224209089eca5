"""Large manifests, read as a stream: what they say of themselves, and one URI after the other.

Whatever lies there, and whoever wrote it, little of it is held at a time.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any

from clusterless.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = frozenset({"state", "comment", "lotId", "uriType"})
"""The keys beside the URIs: our own writers put them first, others perhaps last."""

_KNOWN = HEAD | {"uris"}
_DEEPEST = 64
_WINDOW = 1024 * 1024  # bytes, in which a text must begin or end: no URI is so long
_QUOTE = re.compile(rb'(?<!\\)"')  # one that is not in a text
_STARTS, _ENDS = frozenset({"start_map", "start_array"}), frozenset({"end_map", "end_array"})


def head(stream: IO[bytes]) -> dict[str, Any]:
    """The values of `HEAD`'s keys, as far as there are any; the URIs are passed over.

    Raises:
        InvalidValueError: it is no manifest.
        ijson.JSONError: it is no JSON.
    """
    found: dict[str, Any] = {}
    for key, value in _top(_events(stream)):
        if key in HEAD:
            found[key] = value
        elif value is not None:
            if found.keys() == HEAD:
                break
            for _ in value:
                pass
    return found


def uris(stream: IO[bytes]) -> Iterator[str]:
    """The URIs, as they come.

    Raises:
        InvalidValueError: as `head` does; one is no text.
        ijson.JSONError: it is no JSON.
    """
    for key, value in _top(_events(stream)):
        if key == "uris" and value is not None:
            yield from value


def _events(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    import ijson  # type: ignore[import-untyped]

    return ijson.basic_parse(_Bounded(stream), use_float=True)  # type: ignore[no-any-return]


def _top(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The keys that a manifest has, each with its value; what is nested is passed over.

    The value of ``uris`` is an iterator, to be gone through before the next key is asked for.
    """
    depth, key = 0, ""
    given: set[str] = set()
    for event, value in events:
        if event == "map_key":
            if depth == 1:
                key = _once(value, given)
        elif event in _ENDS:
            depth -= 1
        elif key == "uris" and depth == 1:
            yield key, _listed(event, events)
        elif event in _STARTS:
            depth += 1
            _check(depth, event)
        elif depth == 1 and key in HEAD:
            yield key, value


def _once(key: str, given: set[str]) -> str:
    if key in given:
        msg = f"{key!r} is given twice"
        raise InvalidValueError(msg)
    given |= {key} & _KNOWN
    return key


def _check(depth: int, event: str) -> None:
    if depth == 1 and event != "start_map":
        msg = "not a JSON object"
        raise InvalidValueError(msg)
    if depth > _DEEPEST:
        msg = f"nested more than {_DEEPEST} deep"
        raise InvalidValueError(msg)


def _listed(event: str, events: Iterator[tuple[str, Any]]) -> Iterator[str] | None:
    if event == "null":
        return None
    if event != "start_array":
        msg = "uris: not a list"
        raise InvalidValueError(msg)
    return _texts(events)


def _texts(events: Iterator[tuple[str, Any]]) -> Iterator[str]:
    for event, value in events:
        if event == "string":
            yield value
        elif event == "end_array":
            return
        else:
            msg = f"uris: {str(value)[:40]!r} is not a text"
            raise InvalidValueError(msg)


class _Bounded:
    """A stream that is given up when the parser would have to hold much of it: a parser holds the text it is in."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._last = b""
        self._since = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if not data:
            return data
        self._since = 0 if _QUOTE.search(self._last + data, len(self._last)) else self._since + len(data)
        self._last = data[-1:]
        if self._since > _WINDOW:
            msg = f"more than {_WINDOW // 1024} KiB without the end of a text"
            raise InvalidValueError(msg)
        return data
