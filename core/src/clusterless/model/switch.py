"""Switches: what a project's elements were turned off and on again by, while they run or are deployed."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from clusterless.model.lot import Lot

WHOLE = ""
"""What stands for an element's name where all of a project is switched."""


@frozen
class Stretch:
    """The lots, of whatever unit, that end later than *after*, and not later than *until*."""

    after: datetime
    until: datetime

    def __contains__(self, lot: object) -> bool:
        return isinstance(lot, Lot) and self.after < lot.end <= self.until


@frozen(kw_only=True)
class Switched:
    """One entry of a project's ledger of switches: *element* (or `WHOLE`) was turned *on*, or off.

    *skipped* (of what is turned on) are lots that are not worked until somebody asks for them.
    *put_id* settles a lost answer; *at*, *by* and *reason* are for people.
    """

    put_id: str
    at: datetime
    by: str
    element: str
    on: bool
    reason: str = ""
    skipped: Stretch | None = None
