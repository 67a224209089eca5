"""Lots: the named intervals that data arrives in."""

from __future__ import annotations

import enum
import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from attrs import field, frozen

from clusterless.errors import InvalidValueError

_LAST = 3  # digits of an ordinal; of the longer ones the first is left at what is before
_BEFORE = re.compile(r"(?P<day>[0-9]{8})(?P<literal>PT?[0-9]+[MHD])(?P<thousands>[0-9]?)")


class LotUnit(enum.Enum):
    """How long a lot is; named for how many make an hour (FORMATS 3.1, and three of our own)."""

    SIXTIETHS = ("Sixtieths", 1, "PT1M", 4)
    TWELFTHS = ("Twelfths", 5, "PT5M", 3)
    SIXTHS = ("Sixths", 10, "PT10M", 3)
    FOURTHS = ("Fourths", 15, "PT15M", 3)
    HOURS = ("Hours", 60, "PT1H", 3)
    DAYS = ("Days", 1440, "P1D", 3)

    def __init__(self, label: str, minutes: int, literal: str, digits: int) -> None:
        self.label = label
        self.minutes = minutes
        self.literal = literal
        self.digits = digits  # of the ordinal, zero padded, so that text sorts by time
        self.per_day = 24 * 60 // minutes
        self.length = timedelta(minutes=minutes)

    @classmethod
    def named(cls, name: str) -> LotUnit:
        """The unit of that name, in any case.

        Raises:
            InvalidValueError: there is none.
        """
        for unit in cls:
            if unit.label.lower() == name.lower():
                return unit
        known = ", ".join(unit.label for unit in cls)
        msg = f"{name!r} is not a lot unit: use one of {known}"
        raise InvalidValueError(msg)

    @classmethod
    def of_literal(cls, literal: str) -> LotUnit | None:
        return _BY_LITERAL.get(literal)


_BY_LITERAL = {unit.literal: unit for unit in LotUnit}


@frozen(order=False, cache_hash=True)  # many are looked up, again and again
class Lot:
    """One interval of one UTC day, such as ``20240131PT5M287``: its last five minutes.

    Lots of one unit sort by time, and so does their text, so that listing keys
    by prefix is already listing by time. Lots of two units do not compare.
    """

    day: date
    unit: LotUnit
    index: int = field()

    @index.validator
    def _is_within_the_day(self, _: object, index: int) -> None:
        if not 0 <= index < self.unit.per_day:
            msg = f"lot ordinal {index} is not in 0..{self.unit.per_day - 1} for {self.unit.literal}"
            raise InvalidValueError(msg)

    @classmethod
    def parse(cls, text: str) -> Lot:
        """Read the text form; ``str`` of the result is *text* again.

        Raises:
            InvalidValueError: it is not a lot: another unit, width, day or ordinal.
        """
        before, last = _before(text[:-_LAST]), text[-_LAST:]
        if not before or not (last.isascii() and last.isdigit()):
            raise _not_a_lot(text)
        day, unit, thousands = before
        return cls(day, unit, thousands + int(last))

    @classmethod
    def containing(cls, moment: datetime, unit: LotUnit) -> Lot:
        """The lot that *moment*, which must be aware, falls in."""
        utc = moment.astimezone(UTC)
        return cls(utc.date(), unit, (utc.hour * 60 + utc.minute) // unit.minutes)

    @property
    def start(self) -> datetime:
        return datetime.combine(self.day, time(), UTC) + self.index * self.unit.length

    @property
    def end(self) -> datetime:
        """The first moment that is no longer in the lot."""
        return self.start + self.unit.length

    @property
    def next(self) -> Lot:
        return self.plus(1)

    @property
    def previous(self) -> Lot:
        return self.plus(-1)

    def plus(self, lots: int) -> Lot:
        return Lot.containing(self.start + lots * self.unit.length, self.unit)

    def __lt__(self, other: Lot) -> bool:
        return self._position(other) < other._position(self)

    def __le__(self, other: Lot) -> bool:
        return self._position(other) <= other._position(self)

    def __gt__(self, other: Lot) -> bool:
        return other < self

    def __ge__(self, other: Lot) -> bool:
        return other <= self

    def __str__(self) -> str:
        day, unit = self.day, self.unit  # many are written: date's own format takes five times as long
        return f"{day.year:04}{day.month:02}{day.day:02}{unit.literal}{self.index:0{unit.digits}}"

    def _position(self, other: Lot) -> tuple[date, int]:
        if self.unit is not other.unit:
            msg = f"{self} and {other} are of different units and do not compare"
            hint = "where a lotUnit was changed, change it back, or give its dataset another version"
            raise InvalidValueError(msg, hint=hint)
        return self.day, self.index


@lru_cache(maxsize=1024)  # lots come by the day
def _before(text: str) -> tuple[date, LotUnit, int] | None:
    """What a lot's text says before the last digits of its ordinal; None where it is no lot's."""
    match = _BEFORE.fullmatch(text)
    unit = LotUnit.of_literal(match["literal"]) if match else None
    if not match or not unit or len(match["thousands"]) + _LAST != unit.digits:
        return None
    try:
        return date.fromisoformat(match["day"]), unit, int(match["thousands"] or 0) * 10**_LAST
    except ValueError:
        return None


def _not_a_lot(text: str) -> InvalidValueError:
    return InvalidValueError(f"{text[:40]!r} is not a lot, such as '20240131PT5M287'")
