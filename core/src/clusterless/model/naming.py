"""Which names may be given to projects, datasets and elements."""

from __future__ import annotations

import re
from typing import Any

from attrs import Attribute

from clusterless.errors import InvalidValueError

NAME_PATTERN = r"^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_NAME = re.compile(NAME_PATTERN)
_SHOWN = 60

LONGEST = 10 * 366 * 24 * 3600
"""Seconds: nothing that is declared waits or lasts longer than ten years."""


def check_name(_: object, attribute: Attribute[Any], value: object) -> None:
    """Refuse what could not be part of an object key, a URI and a resource name alike.

    Raises:
        InvalidValueError: *value* is not 1 to 100 of ``A-Z a-z 0-9 . _ -``, a letter or digit first.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        shown = repr(value) if len(repr(value)) <= _SHOWN else f"{repr(value)[:_SHOWN]}…"
        msg = f"{shown} is not a {attribute.name}: use up to 100 of A-Z a-z 0-9 . _ - and begin with a letter or digit"
        raise InvalidValueError(msg)
