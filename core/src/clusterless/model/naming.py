"""Which names may be given to projects, datasets and elements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import Attribute

from clusterless.errors import InvalidValueError, cut

NAME_PATTERN = r"^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_NAME = re.compile(NAME_PATTERN)
_SHOWN = 60

_DEEPEST, _LONGEST_PART = 1000, 255  # bytes that every store and file system takes
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

LONGEST = 10 * 366 * 24 * 3600
"""Seconds: nothing that is declared waits or lasts longer than ten years."""


def check_name(_: object, attribute: Attribute[Any], value: object) -> None:
    """Refuse what could not be part of an object key, a URI and a resource name alike.

    Raises:
        InvalidValueError: *value* is not 1 to 100 of ``A-Z a-z 0-9 . _ -``, a letter or digit first.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        shown = cut(repr(value), _SHOWN)
        msg = f"{shown} is not a {attribute.name}: use up to 100 of A-Z a-z 0-9 . _ - and begin with a letter or digit"
        raise InvalidValueError(msg)


def check_path(path: str) -> None:
    """Refuse a folder's path that no file system could have.

    Raises:
        InvalidValueError: it is empty, or too long, or a part of it is.
    """
    if not path.strip():
        msg = "is empty: give a URI or a folder"
        raise InvalidValueError(msg)
    parts = path.encode(errors="surrogateescape").split(b"/")
    if max(map(len, parts)) > _LONGEST_PART or sum(map(len, parts)) + len(parts) > _DEEPEST:
        most = f"a name takes {_LONGEST_PART} bytes, and a whole path {_DEEPEST}"
        msg = f"{cut(repr(path), _SHOWN)} is too long: {most}"
        raise InvalidValueError(msg)


def check_environment(_: object, __: Attribute[Any], environment: Mapping[str, str]) -> None:
    """Refuse names that no environment variable can have.

    Raises:
        InvalidValueError: a name is not letters, digits and _, or begins with a digit.
    """
    wrong = [name for name in environment if not _VARIABLE.fullmatch(name)]
    if wrong:
        msg = f"{cut(repr(wrong[0]), _SHOWN)} is not the name of a variable: use letters, digits and _"
        raise InvalidValueError(msg)
