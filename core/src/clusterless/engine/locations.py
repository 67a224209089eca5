"""Locations: whether they lie within each other, what they share, and which of them an object is of."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from clusterless.errors import InvalidValueError


def overlap(one: str, other: str) -> bool:
    """Whether one of two location URIs is, or lies within, the other, however it is spelled."""
    return within(one, other) or within(other, one)


def within(inner: str, outer: str) -> bool:
    """Whether the location *inner* is, or lies within, *outer*."""
    return _normal(inner).startswith(_normal(outer))


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
    parts = urlsplit(uri)
    host = "" if parts.netloc == "localhost" else parts.netloc
    path = posixpath.normpath("/" + unquote(parts.path)).lstrip("/")
    return f"{parts.scheme}://{host}/{path}/" if path else f"{parts.scheme}://{host}/"
