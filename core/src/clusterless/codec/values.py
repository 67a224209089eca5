"""Single JSON values in and out: text, numbers, times, lots, words of an enumeration.

Nothing is coerced: ``"5"`` is no number, and ``true`` is not 1.
"""

from __future__ import annotations

import enum
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from clusterless.errors import InvalidValueError, closest, cut
from clusterless.model.lot import Lot, LotUnit

if TYPE_CHECKING:
    from collections.abc import Callable

E = TypeVar("E", bound=enum.Enum)

_SHOWN = 60
CLOSE = 0.75  # as lotunit is to lotUnit, and comment is to nothing
_KINDS = {str: "text", int: "the number", float: "the number"}
_PLAIN = {str, int, type(None)}
_WHOLE = {None: "null", True: "true", False: "false"}


def shown(value: object) -> str:
    """What *value* is, in a reader's words, and short."""
    if value is None or isinstance(value, bool):
        return _WHOLE[value]
    if isinstance(value, list | tuple | dict):
        return "an object" if isinstance(value, dict) else "a list"
    return f"{_KINDS.get(type(value), '')} {cut(repr(value), _SHOWN)}".strip()


def refused(value: object, wanted: str) -> InvalidValueError:
    """The error that says what was *wanted* where *value* stands."""
    return InvalidValueError(f"must be {wanted}, not {shown(value)}")


def suggestion(word: str, known: list[str]) -> str:
    """The end of a sentence about *word*: the one of *known* that was probably meant."""
    close = closest(word, known, CLOSE)
    return f"; did you mean {close!r}?" if close else ""


def text(value: object, _: Any = str) -> str:
    """Text, as it is."""
    if type(value) is int:
        msg = f'{refused(value, "text").problem}: write "{value}"'
        raise InvalidValueError(msg)
    if type(value) is not str:
        raise refused(value, "text")
    return value


def typed_text(value: object, _: Any = str) -> str:
    """Text that a person typed: a NUL in it would end a command, a name or a path before its time."""
    if "\0" in (typed := text(value)):
        msg = f"{shown(typed)} holds a NUL, which no name, path or argument can have"
        raise InvalidValueError(msg)
    return typed


def whole_number(value: object, _: Any = int) -> int:
    """An integer; 5.0 is none."""
    if type(value) is not int:
        raise refused(value, "a whole number")
    return value


def number(value: object, _: Any = float) -> float:
    """An int stays one, so that what is printed is what was written."""
    if type(value) not in {int, float}:
        raise refused(value, "a number")
    try:
        finite = math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:
        finite = False
    if not finite:
        raise refused(value, "a finite number")
    return value  # type: ignore[return-value]


def boolean(value: object, _: Any = bool) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise refused(value, "true or false")
    return value


def moment(value: object, _: Any = datetime) -> datetime:
    """A time with its zone, in ISO 8601."""
    try:
        read = datetime.fromisoformat(text(value))
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise refused(value, "a time such as '2024-01-31T12:00:00Z'")
    return read.astimezone(UTC)


def moment_text(value: datetime) -> str:
    """ISO 8601 in UTC, with a ``Z``."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def lot(value: object, _: Any = Lot) -> Lot:
    """A lot, by its text."""
    return Lot.parse(text(value))


def lot_unit(value: object, _: Any = LotUnit) -> LotUnit:
    """A lot unit, by its label in any case."""
    return LotUnit.named(text(value))


def word_of(kind: type[E]) -> Callable[[object, Any], E]:
    """Reads the members of the enumeration *kind* by their value."""
    members = {member.value: member for member in kind}
    known = ", ".join(repr(value) for value in members)

    def read(value: object, _: Any) -> E:
        # A list is not hashable, True would be found as 1.
        if type(value) in _PLAIN and value in members:
            return members[value]
        hint = suggestion(value, [word for word in members if isinstance(word, str)]) if isinstance(value, str) else ""
        msg = f"must be one of {known}, not {shown(value)}{hint}"
        raise InvalidValueError(msg)

    return read
