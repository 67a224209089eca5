"""How the objects of a lot are copied: what every arc that copies is told."""

from __future__ import annotations

import re

from attrs import Factory, field, frozen
from attrs.validators import and_, ge, instance_of, le

from clusterless.errors import InvalidValueError
from clusterless.model.boundary import PathFilter

_FIELD = re.compile(r"\{([^{}]*)\}")

RENAME_FIELDS = ("dir", "name", "stem", "suffix", "lot")


def check_rename(_self: object, _: object, rename: str | None) -> None:
    """Refuse what makes no keys.

    Raises:
        InvalidValueError: *rename* is empty, or has a brace that is not part of one of `RENAME_FIELDS`.
    """
    fields = _FIELD.findall(rename or "")
    plain = _FIELD.sub("", rename or "")
    if rename == "" or "{" in plain or "}" in plain or not set(fields) <= set(RENAME_FIELDS):
        known = ", ".join(f"{{{name}}}" for name in RENAME_FIELDS)
        msg = f"{rename!r} is not a rename: use text and {known}"
        raise InvalidValueError(msg)


@frozen(kw_only=True)
class CopyProps:
    """``failArcOnPartialPercent`` is the fraction (0.1 is 10 %) of objects that may fail.

    ``rename`` makes an object's key below the sink from its key below the source: a text with
    ``{dir}`` (the folder), ``{name}`` (the last segment), ``{stem}`` and ``{suffix}`` (the name
    before its last dot, and from it on) and ``{lot}``. ``parallel`` objects are copied at a time.
    """

    filter: PathFilter = Factory(PathFilter)
    fail_arc_on_partial_percent: float = field(default=0.0, validator=and_(ge(0), le(1)))
    rename: str | None = field(default=None, validator=check_rename)
    parallel: int = field(default=8, validator=and_(instance_of(int), ge(1), le(256)))
