"""Locations: whether they lie within each other, what they share, and which of them an object is of."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from clusterless.engine.uris import parts
from clusterless.errors import InvalidValueError


def overlap(one: str, other: str) -> bool:
    """Whether one of two location URIs is, or lies within, the other, however it is spelled."""
    return within(one, other) or within(other, one)


def within(inner: str, outer: str) -> bool:
    """Whether the location *inner* is, or lies within, *outer*."""
    return _normal(inner).startswith(_normal(outer))


_NEAREST = 3  # enclosing locations that a location is paired with: were all in one, all pairs would be too many


def overlapping(locations: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The pairs that overlap, by their positions, in order; of many within each other the nearest only."""
    spelled = [_normal(each) for each in locations]
    enclosing: list[int] = []
    pairs = []
    for position in sorted(range(len(spelled)), key=lambda each: (spelled[each], each)):
        # What lies within a location follows it in this order.
        while enclosing and not spelled[position].startswith(spelled[enclosing[-1]]):
            enclosing.pop()
        pairs += [(min(other, position), max(other, position)) for other in enclosing[-_NEAREST:]]
        enclosing.append(position)
    return iter(sorted(pairs))


def shared(locations: Sequence[str]) -> str:
    """The deepest location that all of *locations* are, or lie within; none for two buckets, nor for a whole disk."""
    together = posixpath.commonprefix([each.split("/") for each in locations])
    if len(together) < 3 or not any(together[2:]):  # the scheme, nothing, the host, and what is below it
        return ""
    return "/".join(together).removesuffix("/") + "/"


def home(roots: Sequence[str], uri: str) -> str:
    """The longest of the locations *roots* that the object *uri* lies below.

    Raises:
        InvalidValueError: it lies below none of them.
    """
    found = max((root for root in roots if root and uri.startswith(root)), key=len, default="")
    if not found or uri == found:
        msg = f"{uri} is not below {' or '.join(roots)}"
        raise InvalidValueError(msg)
    return found


def _normal(uri: str) -> str:
    split = parts(uri)
    host = "" if split.netloc == "localhost" else split.netloc
    path = posixpath.normpath("/" + unquote(split.path)).lstrip("/")
    return f"{split.scheme}://{host}/{path}/" if path else f"{split.scheme}://{host}/"
