"""Stretches of lots: between two moments, found and not found, and collapsed for people (FORMATS 3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from attrs import field, frozen

from clusterless.engine.moments import dated
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit


def ordinal(lot: Lot) -> int:
    """How many lots of its unit have been before it; neighbours differ by one."""
    return lot.day.toordinal() * lot.unit.per_day + lot.index


@frozen
class LotRange:
    """Lots of one unit, from *first* to *last*, both included."""

    first: Lot
    last: Lot = field()

    @last.validator
    def _is_not_before_the_first(self, _: object, last: Lot) -> None:
        if last < self.first:
            msg = f"{last} lies before {self.first}"
            raise InvalidValueError(msg)

    def __len__(self) -> int:
        return ordinal(self.last) - ordinal(self.first) + 1

    def __iter__(self) -> Iterator[Lot]:
        day, unit, per_day = self.first.day, self.first.unit, self.first.unit.per_day
        for number in range(ordinal(self.first), ordinal(self.last) + 1):
            days, index = divmod(number, per_day)
            if index == 0:
                day = date.fromordinal(days)
            yield Lot(day, unit, index)

    def __contains__(self, lot: object) -> bool:
        return isinstance(lot, Lot) and lot.unit is self.first.unit and self.first <= lot <= self.last

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"


def texts_of(lots: LotRange) -> list[str]:
    """The texts of *lots*, in order: for very many, since making the lots themselves takes twenty times as long."""
    unit, (first, last) = lots.first.unit, (lots.first, lots.last)
    ends = [f"{unit.literal}{index:0{unit.digits}}" for index in range(unit.per_day)]
    texts: list[str] = []
    for number in range(first.day.toordinal(), last.day.toordinal() + 1):
        day = date.fromordinal(number)
        text = f"{day.year:04}{day.month:02}{day.day:02}"
        begin, end = first.index if day == first.day else 0, last.index + 1 if day == last.day else unit.per_day
        texts += [text + each for each in ends[begin:end]]
    return texts


def between(earliest: datetime, latest: datetime, unit: LotUnit) -> LotRange:
    """The lots of *unit* from the one *earliest* falls in to the last before the one *latest* falls in.

    What falls in the same lot is that lot.

    Raises:
        InvalidValueError: *latest* lies before *earliest*.
    """
    if latest < earliest:
        msg = f"{dated(latest)} lies before {dated(earliest)}"
        raise InvalidValueError(msg, hint="give --earliest a moment before --latest")
    first, end = Lot.containing(earliest, unit), Lot.containing(latest, unit)
    return LotRange(first, first if first == end else end.previous)


@frozen(kw_only=True)
class Coverage:
    """Which of a range's lots were found: the summary columns of the status reports.

    Gaps count lots: *earliest_gap* before the first found, *latest_gap* after
    the last (None where none was found), *range_gap* all that were not found.
    """

    range: int
    total_found: int
    earliest_found: Lot | None
    latest_found: Lot | None
    earliest_gap: int | None
    latest_gap: int | None

    @property
    def range_gap(self) -> int:
        return self.range - self.total_found


def coverage(wanted: LotRange, found: Iterable[Lot]) -> Coverage:
    """What of *wanted* was *found*: each lot once, in order; those outside do not count."""
    total, first, last = 0, None, None
    for last in (lot for lot in found if lot in wanted):
        total, first = total + 1, first or last
    return Coverage(
        range=len(wanted),
        total_found=total,
        earliest_found=first,
        latest_found=last,
        earliest_gap=ordinal(first) - ordinal(wanted.first) if first else None,
        latest_gap=ordinal(wanted.last) - ordinal(last) if last else None,
    )


def runs(lots: Iterable[Lot]) -> tuple[LotRange, ...]:
    """Lots of one unit, in any order and with doubles, as the fewest ranges, in order."""
    collapsed: list[LotRange] = []
    for lot in sorted(set(lots)):
        if collapsed and ordinal(lot) == ordinal(collapsed[-1].last) + 1:
            collapsed[-1] = LotRange(collapsed[-1].first, lot)
        else:
            collapsed.append(LotRange(lot, lot))
    return tuple(collapsed)
