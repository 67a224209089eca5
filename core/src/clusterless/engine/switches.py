"""What is off, what was, and what is left out since: from the entries of a project's ledger of switches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from clusterless.model.lot import Lot
from clusterless.model.switch import WHOLE, Stretch, Switched


@frozen
class Off:
    """From *since* to *until* (None: it still is) something was off, by the entry *switched*."""

    since: datetime
    until: datetime | None
    switched: Switched

    @property
    def is_whole(self) -> bool:
        """Whether all of the project was, and not the element alone."""
        return self.switched.element == WHOLE


@frozen
class Switches:
    """All *entries* of a project, in order; an element is off by its own switch, or by that of the whole project."""

    entries: tuple[Switched, ...] = ()

    def off(self, element: str) -> Switched | None:
        """The entry by which *element* (`WHOLE`: all of the project) is off now, None where it is on."""
        return next((off for name in _names(element) if (off := self.turned_off(name))), None)

    def turned_off(self, name: str) -> Switched | None:
        """The entry by which the switch of that very *name* is off, whatever that of the project says."""
        off = None
        for entry in self._of(name):
            off = None if entry.on else off or entry
        return off

    def off_ranges(self, element: str) -> tuple[Off, ...]:
        """When it was off, by the earliest beginning; what the project's switch and its own say may overlap."""
        ranges = (off for name in _names(element) for off in self._ranges(name))
        return tuple(sorted(ranges, key=lambda off: off.since))

    def skips(self, element: str, lot: Lot) -> Switched | None:
        """The entry that leaves *lot* out, None where it is owed as any other."""
        names = _names(element)
        skipping = ((entry, entry.skipped) for entry in self.entries if entry.element in names)
        return next((entry for entry, skipped in skipping if skipped and lot in skipped), None)

    def _of(self, name: str) -> Iterator[Switched]:
        return (entry for entry in self.entries if entry.element == name)

    def _ranges(self, name: str) -> Iterator[Off]:
        off = None
        for entry in self._of(name):
            if off and entry.on:
                yield Off(off.at, max(off.at, entry.at), off)  # two machines' clocks need not agree
            off = None if entry.on else off or entry
        if off:
            yield Off(off.at, None, off)


def gap(off: Switched, start: datetime, first_owed: Lot | None = None) -> Stretch | None:
    """The lots to skip where what was turned *off* is to begin again with the lot of *start*; None: there are none.

    The gap begins with the first lot that had not ended by then, or with *first_owed*, where that is earlier.
    """
    after = min(off.at, first_owed.start) if first_owed else off.at
    return Stretch(after, start) if after < start else None


def _names(element: str) -> tuple[str, ...]:
    return (WHOLE,) if element == WHOLE else (WHOLE, element)
