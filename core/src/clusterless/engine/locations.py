"""Whether locations lie within each other."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote, urlsplit


def overlap(one: str, other: str) -> bool:
    """Whether one of two location URIs is, or lies within, the other, however it is spelled."""
    return within(one, other) or within(other, one)


def within(inner: str, outer: str) -> bool:
    """Whether the location *inner* is, or lies within, *outer*."""
    return _normal(inner).startswith(_normal(outer))


def _normal(uri: str) -> str:
    parts = urlsplit(uri)
    host = "" if parts.netloc == "localhost" else parts.netloc
    path = posixpath.normpath("/" + unquote(parts.path)).lstrip("/")
    return f"{parts.scheme}://{host}/{path}/" if path else f"{parts.scheme}://{host}/"
