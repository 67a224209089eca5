"""What comes due on a clock, and what to do about an activity, from its ledger's last entry: every rule is here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

from attrs import frozen

from clusterless.engine.lot_states import attempt_number
from clusterless.model.activity import Activity, CatchUp, Phase, Turn
from clusterless.model.lot import Lot, LotUnit


@frozen
class Tick:
    """A lot, and the moment from which on it is due."""

    lot: Lot
    due: datetime


class Ticks(Protocol):
    """What comes due by a schedule."""

    def after(self, lot: Lot) -> Iterator[Tick]:
        """The ticks of all lots after *lot*, in order; they may end."""

    def newest(self, now: datetime) -> Tick | None:
        """The last that is due."""


@frozen
class EachLot:
    """Every lot of *unit*, when it has ended."""

    unit: LotUnit

    def after(self, lot: Lot) -> Iterator[Tick]:
        for following in count(1):
            each = lot.plus(following)
            yield Tick(each, each.end)

    def newest(self, now: datetime) -> Tick | None:
        ended = Lot.containing(now, self.unit).previous
        return Tick(ended, ended.end)


@frozen
class Begin:
    """Append `began`, and run for *lot*: attempt number *attempt* (from 1)."""

    lot: Lot
    attempt: int


@frozen
class See:
    """Append `seen`: what comes due after *lot* is to be run, since the activity is met for the first time."""

    lot: Lot


@frozen
class GiveUp:
    """Append `ended` for the expired *turn*: its attempts are used up."""

    turn: Turn


@frozen
class Wait:
    """Look again at *until*: a run is under way elsewhere, or is tried again then; *why* is for people."""

    until: datetime
    why: str


@frozen
class Rest:
    """Nothing is due before *until*, None where nothing ever will be."""

    until: datetime | None


Decision = Begin | See | GiveUp | Wait | Rest


def decide(
    activity: Activity, last: Turn | None, ticks: Ticks, now: datetime, *, since: datetime, gone: bool = False
) -> Decision:
    """What is to be done now.

    *now* and *since*, when this runner began to look, are the store's time; *gone* says
    that whoever wrote *last* surely runs no more.
    """
    if last is None:
        return See(_first(activity, now))
    if last.phase is Phase.RELEASED:
        return Begin(last.lot, attempt_number(last.attempt))
    if last.phase is Phase.BEGAN:
        return _after_begun(activity, last, now, gone=gone)
    if last.error and attempt_number(last.attempt) < activity.retry.attempts:
        number = attempt_number(last.attempt)
        due = last.at + timedelta(seconds=activity.retry.delay(number))
        return Wait(due, "failed") if now < due else Begin(last.lot, number + 1)
    tick = _due(activity.catch_up, ticks, last.lot, now, since)
    if tick:
        return Begin(tick.lot, 1)
    following = next((tick for tick in ticks.after(last.lot) if tick.due > now), None)
    return Rest(following.due if following else None)


def _first(activity: Activity, now: datetime) -> Lot:
    """The lot before those that are its concern: the current one has yet to end, but what fired in it is past."""
    current = Lot.containing(now, activity.schedule.unit)
    return current if activity.cron else current.previous


def _after_begun(activity: Activity, begun: Turn, now: datetime, *, gone: bool) -> Decision:
    if not gone and begun.expires and now < begun.expires:
        return Wait(begun.expires, f"being run by {begun.by}")
    number = attempt_number(begun.attempt)
    return Begin(begun.lot, number + 1) if number < activity.retry.attempts else GiveUp(begun)


def _due(catch_up: CatchUp, ticks: Ticks, done: Lot, now: datetime, since: datetime) -> Tick | None:
    """The tick whose turn it is, of those after *done* that are due."""
    if catch_up is CatchUp.ALL:
        tick = next(ticks.after(done), None)
        return tick if tick and tick.due <= now else None
    newest = ticks.newest(now)
    if newest is None or newest.lot <= done:
        return None
    return newest if catch_up is CatchUp.LAST or newest.due >= since else None
