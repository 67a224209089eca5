"""Single JSON values in and out: text, numbers, times, lots, words of an enumeration.

Nothing is coerced: ``"5"`` is no number, and ``true`` is not 1.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit

E = TypeVar("E", bound=enum.Enum)

_SHOWN = 60
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}


def shown(value: object) -> str:
    """What *value* is, in a reader's words, and short."""
    if value is None:
        return "null"
    text = repr(value)
    kind = _KINDS.get(type(value), type(value).__name__)
    return kind if isinstance(value, list | dict) else f"{kind} ({text if len(text) <= _SHOWN else text[:_SHOWN] + '…'})"


def refuse(wanted: str, value: object) -> InvalidValueError:
    return InvalidValueError(f"must be {wanted}, not {shown(value)}")


def suggestion(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def text(value: object, _: Any = str) -> str:
    if type(value) is not str:
        raise refuse("text", value)
    return value


def whole_number(value: object, _: Any = int) -> int:
    if type(value) is not int:
        raise refuse("a whole number", value)
    return value


def number(value: object, _: Any = float) -> float:
    """An int stays one, so that what is printed is what was written."""
    if type(value) not in {int, float}:
        raise refuse("a number", value)
    try:
        finite = math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:
        finite = False
    if not finite:
        raise refuse("a finite number", value)
    return value  # type: ignore[return-value]


def boolean(value: object, _: Any = bool) -> bool:
    if type(value) is not bool:
        raise refuse("true or false", value)
    return value


def moment(value: object, _: Any = datetime) -> datetime:
    try:
        read = datetime.fromisoformat(text(value))
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise refuse("a time such as '2024-01-31T12:00:00Z'", value)
    return read.astimezone(UTC)


def moment_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def lot(value: object, _: Any = Lot) -> Lot:
    return Lot.parse(text(value))


def lot_unit(value: object, _: Any = LotUnit) -> LotUnit:
    return LotUnit.named(text(value))


def word_of(kind: type[E]) -> Callable[[object, Any], E]:
    """Reads the members of the enumeration *kind* by their value."""
    members = {member.value: member for member in kind}
    known = ", ".join(repr(value) for value in members)

    def read(value: object, _: Any) -> E:
        # A list is not hashable, True would be found as 1.
        if isinstance(value, str | int | None) and type(value) is not bool and value in members:
            return members[value]
        hint = suggestion(value, [word for word in members if isinstance(word, str)]) if isinstance(value, str) else ""
        raise InvalidValueError(f"must be one of {known}, not {shown(value)}{hint}")

    return read
