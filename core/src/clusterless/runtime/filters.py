"""Which objects a `PathFilter` keeps: Ant-style patterns (FORMATS 2.9).

``?`` is one character and ``*`` any run of them within a segment, ``**`` any number of segments;
``{name}`` is as ``*``, and ``{name:regex}`` what the regular expression matches in a segment.
Time is the product of both lengths at worst, whatever the pattern: which a translation of the
whole pattern into one regular expression does not give.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from urllib.parse import unquote

from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.boundary import PathFilter

# ``{name}`` or ``{name:regex}``; a regex may have braces of its own, as in [0-9]{4}
_TEMPLATE = re.compile(r"\{[^{}:]+(?::((?:\\[{}]|\{[^{}]*\}|[^{}])+))?\}")

_Segment = re.Pattern[str] | None  # None is ``**``


def matcher(filter: PathFilter, path_uri: str) -> Callable[[str], bool]:
    """Whether an object's URI is kept, for objects below *path_uri*.

    A pattern that begins with the separator is matched with the whole path of the URI, any other
    with the path below *path_uri*; both without percent-encoding.

    Raises:
        InvalidValueError: a regular expression in *filter* is none; or, of the matcher, a URI is not below *path_uri*.
    """
    includes = [_Pattern(text, filter) for text in filter.includes if text]
    excludes = [_Pattern(text, filter) for text in filter.excludes if text]

    def keeps(uri: str) -> bool:
        below = layout.key(path_uri, uri)
        whole = _path(path_uri) + below
        included = not includes or any(pattern.matches(whole, below) for pattern in includes)
        return included and not any(pattern.matches(whole, below) for pattern in excludes)

    return keeps


class _Pattern:
    def __init__(self, text: str, filter: PathFilter) -> None:
        self._separator = filter.path_separator
        self._is_absolute = text.startswith(self._separator)
        flags = re.IGNORECASE if filter.ignore_case else re.NOFLAG
        self._segments = [_segment(segment, text, flags) for segment in text.split(self._separator) if segment]

    def matches(self, whole: str, below: str) -> bool:
        path = whole if self._is_absolute else below
        if path.startswith(self._separator) is not self._is_absolute:
            return False
        return _match(self._segments, [part for part in path.split(self._separator) if part])


def _segment(text: str, pattern: str, flags: re.RegexFlag) -> _Segment:
    if text == "**":
        return None
    literals = _TEMPLATE.split(_TEMPLATE.sub(lambda found: found[0] if found[1] else "*", text))
    try:  # literals have a regex at every odd place
        if len(literals) == 1:  # fnmatch takes brackets for a set of characters
            return re.compile(fnmatch.translate(literals[0].replace("[", "[[]")), flags)
        return re.compile("".join(_piece(*each) for each in enumerate(literals)), flags | re.DOTALL)
    except re.error as error:
        msg = f"{pattern!r} is not a pattern: {error}"
        raise InvalidValueError(msg) from error


def _piece(place: int, text: str) -> str:
    if place % 2:
        return f"(?:{text})"
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _match(segments: Sequence[_Segment], parts: Sequence[str]) -> bool:
    """Glob matching with segments for characters: only the last ``**`` is ever taken back."""
    at = part = 0
    star, resumed = -1, 0
    while part < len(parts):
        segment = segments[at] if at < len(segments) else None
        if at < len(segments) and segment is None:
            star, resumed = at, part
            at += 1
        elif segment is not None and segment.fullmatch(parts[part]):
            at, part = at + 1, part + 1
        elif star >= 0:
            resumed += 1
            at, part = star + 1, resumed
        else:
            return False
    return all(segment is None for segment in segments[at:])


def _path(path_uri: str) -> str:
    """The path of a location's URI, from its leading slash on, without percent-encoding."""
    return "/" + unquote(path_uri.partition("://")[2].partition("/")[2])
