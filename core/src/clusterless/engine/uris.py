"""URIs as text: slashes, keys, and moving what lies below one location below another (FORMATS 11)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from clusterless.errors import InvalidValueError, cut

_SLASHES = re.compile(r"(?<!:)/{2,}")


def collapsed(text: str) -> str:
    """*text* with runs of slashes made one, except those after a scheme's colon."""
    return _SLASHES.sub("/", text)


def parts(uri: str) -> SplitResult:
    """What *uri* is made of.

    Raises:
        InvalidValueError: it is none, such as ``s3://[``.
    """
    try:
        return urlsplit(uri)
    except ValueError as error:
        msg = f"{cut(uri, 100)!r} is no URI: {error}"
        raise InvalidValueError(msg) from None


def key_of(uri: str) -> str | None:
    """The path of *uri* without its leading slash; None for a root."""
    return collapsed(parts(uri).path).removeprefix("/") or None


def key_path_of(uri: str) -> str | None:
    """The path of the location *uri*, with a slash at its end and none at its beginning; None for a root."""
    key = key_of(uri)
    return key.removesuffix("/") + "/" if key else None


def appended(location: str, last: str) -> str:
    """*last* below *location*; a slash at its end stays."""
    return location.removesuffix("/") + "/" + collapsed(last).removeprefix("/")


def rebased(uri: str, source: str, target: str) -> str:
    """The *uri*, which lies below the location *source*, below *target* instead.

    Raises:
        InvalidValueError: *uri* does not lie below *source*.
    """
    below = source.removesuffix("/") + "/"
    if not uri.startswith(below):
        msg = f"{uri} does not lie below {below}"
        raise InvalidValueError(msg)
    return target.removesuffix("/") + "/" + uri[len(below) :]
