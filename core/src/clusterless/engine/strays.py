"""What to think of an object that no lot lists: it may be about to be in one, or be left over."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import frozen

from clusterless.engine.audit import Fault, Kind, Present
from clusterless.model.boundary import Booking
from clusterless.model.lot import Lot

ATTEMPT = re.compile(r"\d+-\d+-[0-9a-f]{16}")
"""An attempt's id, wherever it occurs in a key."""

BY_HAND = re.compile(r"\d+-0-[0-9a-f]{16}")
"""Such an id, as `cls local` makes it up: claims are counted from one."""

PATIENCE = timedelta(minutes=10)
"""What is not done since then may be what somebody is at."""

LEFT_BY_HAND = "left by a script that cls local made"

_UNFINISHED = (".tmp", ".part")


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of that name is none that arrives in a folder: hidden, or being written."""
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


@frozen(kw_only=True)
class Arriving:
    """A boundary, which has looked *through* that lot (None: it never has), at *now*."""

    booking: Booking
    through: Lot | None
    now: datetime

    def judge(self, present: Present, uri: str) -> Fault | None:
        """What is wrong; None while it may yet be booked in time."""
        lot = Lot.containing(present.time, self.booking.unit)
        passed = self.through is not None and lot <= self.through and not self.booking.lot_source.is_key_time
        due = lot.end + timedelta(seconds=self.booking.grace + self.booking.settle)
        if self.now < (due if passed else due + PATIENCE):
            return None
        note = f"lot {lot} was sealed without it" if passed else "it was never booked"
        return Fault(Kind.STRAY, "", uri, present.size, note)


@frozen
class Trace:
    """An attempt at *lot*: *state* is that of its ledger's last entry; it *lives* while its claim holds.

    *settled*: the lot is complete and announced, so that a sweep may remove what nothing names.
    """

    attempt: str
    lot: str
    state: str
    lives: bool = False
    settled: bool = False


@frozen(kw_only=True)
class Written:
    """An arc, whose attempts are looked up by *trace*; *since*: what was written later may be of one under way."""

    trace: Callable[[str], Trace | None]
    since: datetime

    def judge(self, present: Present, uri: str) -> Fault | None:
        """What is wrong; None while an attempt may be about to name it."""
        traces = [trace for each in ATTEMPT.findall(present.key) if (trace := self.trace(each))]
        if any(trace.lives for trace in traces):
            return None
        if traces and all(trace.settled for trace in traces):
            left = f"left by attempt {traces[0].attempt}, which nothing names"
            return Fault(Kind.DISOWNED, traces[0].lot, uri, present.size, left)
        if traces:
            held = next(trace for trace in traces if not trace.settled)
            note = f"left by attempt {held.attempt}; its lot is {held.state}"
            return Fault(Kind.STRAY, held.lot, uri, present.size, note)
        if present.time >= self.since:
            return None
        if BY_HAND.search(present.key):
            return Fault(Kind.DISOWNED, "", uri, present.size, LEFT_BY_HAND)
        return Fault(Kind.STRAY, "", uri, present.size, "no lot lists it, nor does an attempt at one")
