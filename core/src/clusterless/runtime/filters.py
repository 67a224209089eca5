"""Which objects a `PathFilter` keeps: Ant-style patterns (FORMATS 2.9).

``?`` is one character and ``*`` any run of them within a segment, ``**`` any number of segments;
``{name}`` is as ``*``, and ``{name:regex}`` what the regular expression matches in a segment.
Time is the product of both lengths at worst, whatever the pattern (`clusterless.runtime.patterns`): which a
translation of the whole pattern into one regular expression of Python's does not give.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from urllib.parse import unquote

from clusterless import layout
from clusterless.errors import InvalidValueError, cut
from clusterless.model.boundary import PathFilter
from clusterless.runtime.patterns import literal, pattern

# ``{name}`` or ``{name:regex}``; a regex may have braces of its own, as in [0-9]{4}
_SHOWN = 60
_LONGEST = 128 * 1024  # characters of a pattern
_TEMPLATE = re.compile(r"\{[^{}:]+(?::((?:\\[{}]|\{[^{}]*\}|[^{}])+))?\}")

_Segment = Callable[[str], bool] | None  # whether a part of a path is matched; None is ``**``


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
        if len(text) > _LONGEST:
            msg = f"{cut(text, _SHOWN)!r} is not a pattern: it has more than {_LONGEST} characters"
            raise InvalidValueError(msg)
        parts = [part for part in text.split(self._separator) if part]
        self._segments = [_segment(part, text, filter.ignore_case) for part in parts]

    def matches(self, whole: str, below: str) -> bool:
        path = whole if self._is_absolute else below
        if path.startswith(self._separator) is not self._is_absolute:
            return False
        return _match(self._segments, [part for part in path.split(self._separator) if part])


def _segment(text: str, whole: str, ignore_case: bool) -> _Segment:
    if text == "**":
        return None
    if not any(found[1] for found in _TEMPLATE.finditer(text)):
        return _wildcard(_TEMPLATE.sub("*", text), ignore_case)
    pieces, end = "", 0
    for found in _TEMPLATE.finditer(text):
        pieces += _translated(text[end : found.start()]) + (_checked(found[1], whole) if found[1] else ".*")
        end = found.end()
    return pattern(pieces + _translated(text[end:]), ignore_case=ignore_case).is_all_of


def _wildcard(text: str, ignore_case: bool) -> Callable[[str], bool]:
    # Most patterns are no more than that: fnmatch's translation does not go back, and takes brackets for a set.
    compiled = re.compile(fnmatch.translate(text.replace("[", "[[]")), re.IGNORECASE if ignore_case else re.NOFLAG)
    return lambda part: compiled.fullmatch(part) is not None


def _checked(regex: str, whole: str) -> str:
    try:
        pattern(regex)
    except InvalidValueError as error:
        msg = f"{whole!r} is not a pattern: {error.problem}"
        raise InvalidValueError(msg, hint=error.hint) from None
    return f"(?:{regex})"


def _translated(text: str) -> str:
    return literal(text).replace(r"\*", ".*").replace(r"\?", ".")


def _match(segments: Sequence[_Segment], parts: Sequence[str]) -> bool:
    """Glob matching with segments for characters: only the last ``**`` is ever taken back."""
    at = part = 0
    star, resumed = -1, 0
    while part < len(parts):
        segment = segments[at] if at < len(segments) else None
        if at < len(segments) and segment is None:
            star, resumed = at, part
            at += 1
        elif segment is not None and segment(parts[part]):
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
