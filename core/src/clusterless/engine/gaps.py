"""Why a lot that should be there is not: one cause each, from what was seen of its maker and of what it needs."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import Factory, evolve, field, frozen

from clusterless.engine.lot_states import Acknowledge, Defer, GiveUp, Ledger, decide
from clusterless.engine.moments import lasting
from clusterless.engine.parts import heard, listed, role_of
from clusterless.engine.ranges import LotRange, ordinal
from clusterless.engine.schedule import Ticks
from clusterless.engine.sources import readiness
from clusterless.model.arc import Arc
from clusterless.model.boundary import Booking, EventArrival
from clusterless.model.ledger import Claim, Complete, Failed, Rollback
from clusterless.model.lot import Lot

R = TypeVar("R")


class Cause(enum.Enum):
    """Why there is no such lot: a *code* for scripts, and what it *means*."""

    NO_DATA = ("no-data", "Its boundary has looked there, and nothing had arrived.")
    NOBODY_LOOKED = ("nobody-looked", "Nobody has sealed it, or claimed it though all that it needs is there.")
    UPSTREAM = ("upstream-missing", "What it is made from is not there; the first ancestor that is blocked is named.")
    UNREACHED = ("unreached", "The placement that it is made from cannot be reached, and what is there is not known.")
    WAITING = ("waiting", "Some of the sources of a join, or parts of a larger lot, are there, and others are not.")
    DISABLED = ("disabled", "Whoever would make it is switched off, or excluded where it is declared.")
    FAILED = ("failed", "The last attempt failed; another is due.")
    OUT_OF_ATTEMPTS = ("out-of-attempts", "All attempts failed; it rests until a replay, or a newer source.")
    RUNNING = ("running", "It is being worked.")
    UNFINISHED = ("unfinished", "It is committed, and not yet announced: any run finishes it.")
    VANISHED = ("vanished", "It was committed, and its manifest is gone.")
    UNREADABLE = ("unreadable", "A record that says how it stands, or a manifest it is made from, cannot be read.")
    NOT_DEPLOYED = ("not-deployed", "Whoever makes it had not begun by then, or never has.")
    REMOVED = ("removed", "Retention has removed it, as was declared. This is no gap.")

    def __init__(self, code: str, meaning: str) -> None:
        self.code = code
        self.meaning = meaning

    @property
    def is_gap(self) -> bool:
        return self is not Cause.REMOVED


@frozen(kw_only=True)
class Reason:
    """Why *element* has nothing for a *lot*; *root* is the first ancestor that is blocked, where it is another.

    Reasons are equal that differ in what is another for each lot only: when, by whom, and where (below the
    folder of outputs of who ran it) it printed.
    """

    cause: Cause
    element: str
    text: str = field(eq=False)
    kind: str = ""
    root: Reason | None = None
    lot: Lot | None = field(default=None, eq=False)
    since: datetime | None = field(default=None, eq=False)
    by: str = field(default="", eq=False)
    output: str = field(default="", eq=False)

    @property
    def origin(self) -> Reason:
        return self.root or self


# ---- where data comes in ---------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Booked:
    """What was seen of a boundary: from its *first* lot on it has looked *through* another.

    *unannounced* are lots of a last seal that is committed and not announced; *waiting* those that something arrived
    for that is not sealed; *known*: its project is recorded.
    """

    element: str
    booking: Booking
    ticks: Ticks | None = None
    first: Lot | None = None
    through: Lot | None = None
    unannounced: frozenset[Lot] = frozenset()
    waiting: frozenset[Lot] = frozenset()
    known: bool = True
    disabled: str = ""
    unreadable: str = ""


def why_not_booked(seen: Booked, lot: Lot, now: datetime) -> Reason | None:
    """Why the boundary's *lot* has no manifest; None where none is due (yet)."""
    if seen.ticks and not _fires(seen.ticks, lot):
        return None
    if seen.unreadable:
        return _reason(Cause.UNREADABLE, seen.element, lot, seen.unreadable)
    if lot in seen.unannounced:
        return _reason(Cause.UNFINISHED, seen.element, lot, "sealed, and not yet announced")
    if seen.through and lot.start <= seen.through.start:
        return _late(seen, lot) if lot in seen.waiting else _passed(seen, lot)
    if now < lot.end + timedelta(seconds=seen.booking.grace):
        return None
    if not seen.known:
        return _reason(Cause.NOT_DEPLOYED, seen.element, lot, "its project was never run or deployed")
    if seen.disabled:
        return _reason(Cause.DISABLED, seen.element, lot, seen.disabled)
    text = f"it has sealed lots through {seen.through} only" if seen.through else "it has never sealed a lot"
    is_by_arrival = seen.booking.arrival is EventArrival.INFREQUENT or seen.booking.lot_source.is_key_time
    if is_by_arrival and not seen.ticks:
        text += ": nothing arrived since, or nobody looked"
    return _reason(Cause.NOBODY_LOOKED, seen.element, lot, text)


def _late(seen: Booked, lot: Lot) -> Reason:
    text = "what arrived late for it waits to be sealed"
    if seen.disabled:
        return _reason(Cause.DISABLED, seen.element, lot, f"{text}: {seen.disabled}")
    return _reason(Cause.NOBODY_LOOKED, seen.element, lot, text)


def _passed(seen: Booked, lot: Lot) -> Reason:
    if seen.first and lot.start < seen.first.start:
        return _reason(Cause.NOT_DEPLOYED, seen.element, lot, f"it began with lot {seen.first}")
    if seen.ticks or seen.booking.arrival is EventArrival.FREQUENT:
        return _reason(Cause.VANISHED, seen.element, lot, "it was sealed, and its manifest is gone")
    return _reason(Cause.NO_DATA, seen.element, lot, "nothing arrived")


def _fires(ticks: Ticks, lot: Lot) -> bool:
    tick = next(ticks.after(lot.previous), None)
    return tick is not None and tick.lot == lot


# ---- where lots are worked -------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Part:
    """A part that is not there: of which *dataset*, and why; no *reason* where it is not due."""

    dataset: str
    reason: Reason | None


@frozen(kw_only=True)
class Worked:
    """What was seen of an arc's lot: its *ledger*, the parts that are *present*, those that are *absent*.

    *starts* are the lots after which lots are owed, by role (None: all); None where it was never run. What attempts
    print lies below the path *outputs*.
    """

    element: str
    arc: Arc
    starts: Mapping[str, Lot | None] | None
    ledger: Ledger = Factory(Ledger)
    present: Collection[str] = ()
    absent: Mapping[str, Part] = Factory(dict)
    disabled: str = ""
    unreadable: str = ""
    outputs: str = ""

    def output(self, lot: Lot, attempt: str) -> str:
        return f"{self.outputs}{lot}/{attempt}.log"


def needs_parts(ledger: Ledger) -> bool:
    """Whether it hangs on its sources that the lot is not there, and not on what its ledger says."""
    return ledger.last is None or isinstance(ledger.last, Rollback)


def why_not_worked(seen: Worked, lot: Lot, now: datetime) -> Reason | None:
    """Why the arc's *lot* is not complete; None where none is due (yet)."""
    if seen.unreadable:
        return _reason(Cause.UNREADABLE, seen.element, lot, seen.unreadable)
    if not needs_parts(seen.ledger):
        return _as_recorded(seen, lot, now)
    waits = not readiness(seen.arc, seen.present, None, now).ready
    if waits and not any(part.reason for part in seen.absent.values()):
        return None
    if (begun := _not_begun(seen, lot)) and seen.ledger.last is None:
        return begun
    if waits:  # whoever is switched off would have nothing to do either
        return _waiting(seen, lot)
    return _reason(Cause.DISABLED, seen.element, lot, seen.disabled) if seen.disabled else _unclaimed(seen, lot)


def _not_begun(seen: Worked, lot: Lot) -> Reason | None:
    if seen.starts is None:
        return _reason(Cause.NOT_DEPLOYED, seen.element, lot, "it has never been run")
    after = max((each for each in seen.starts.values() if each), key=lambda each: each.start, default=None)
    if after and lot.start <= after.start:
        return _reason(Cause.NOT_DEPLOYED, seen.element, lot, f"it is owed lots after {after} only")
    return None


_COMPOUND = re.compile(r"\w[/._:-]+\w")


def _unnamed(text: str) -> str:
    """*text* without what names one object or moment among many, such as ``2024-01-31T05.txt``.

    Numbers that stand alone, such as an exit code, stay: they tell causes apart.
    """
    words = text.split()
    return " ".join("NAME" if any(map(str.isdigit, word)) and _COMPOUND.search(word) else word for word in words)


def _as_recorded(seen: Worked, lot: Lot, now: datetime) -> Reason:
    """What the ledger's last entry says, and what would be done about it."""
    last, then = seen.ledger.last, decide(seen.arc, evolve(seen.ledger, marked=True), {}, now)
    match last:
        case Complete() if not seen.ledger.marked:
            reason = _reason(Cause.UNFINISHED, seen.element, lot, "committed, and not yet announced")
        case Complete():
            reason = _reason(Cause.VANISHED, seen.element, lot, "it was committed, and its manifest is gone")
        case Claim() if isinstance(then, Defer):
            reason = _reason(Cause.RUNNING, seen.element, lot, "it is being worked")
        case Claim():
            reason = _ended(seen, lot, "the attempt ended without an outcome", is_over=isinstance(then, GiveUp))
        case Failed() if last.error.type == "MalformedError":
            reason = _reason(Cause.UNREADABLE, seen.element, lot, last.error.message)
        case Failed():
            text = f"{last.error.type}: {last.error.message}"
            reason = _ended(seen, lot, text, is_over=isinstance(then, Acknowledge))
        case _:
            msg = f"no cause for {last!r}"
            raise AssertionError(msg)
    steady = _unnamed(reason.text.replace(last.attempt, "ATTEMPT").replace(str(lot), "LOT"))
    output = "" if isinstance(last, Complete) else seen.output(lot, last.attempt)
    return evolve(reason, kind=steady, since=last.at, by=last.by, output=output)


def _ended(seen: Worked, lot: Lot, text: str, *, is_over: bool) -> Reason:
    if seen.disabled and not is_over:
        return _reason(Cause.DISABLED, seen.element, lot, f"{seen.disabled}; {text}")
    return _reason(Cause.OUT_OF_ATTEMPTS if is_over else Cause.FAILED, seen.element, lot, text)


def _unclaimed(seen: Worked, lot: Lot) -> Reason:
    last = seen.ledger.last
    if not isinstance(last, Rollback):
        return _reason(Cause.NOBODY_LOOKED, seen.element, lot, "nobody claimed it")
    why = f" ({last.why})" if last.why else ""
    return _reason(Cause.NOBODY_LOOKED, seen.element, lot, f"rolled back{why}, and not claimed since")


def _waiting(seen: Worked, lot: Lot) -> Reason:
    """For whom it waits, and why those are not there."""
    blocked = [part for part in seen.absent.values() if part.reason]
    assert blocked[0].reason
    names = ", ".join(dict.fromkeys(part.dataset for part in seen.absent.values()))
    root = blocked[0].reason.origin
    there = heard(seen.arc, seen.present)
    if not there:
        return evolve(_reason(Cause.UPSTREAM, seen.element, lot, f"needs {names}"), root=root)
    text = f"has {listed(seen.arc, there)}, waits for {names}"
    if seen.arc.wait.deadline_sec is not None:
        text += f", for at most {lasting(seen.arc.wait.deadline_sec)}"
    roles = ",".join(sorted({role_of(seen.arc, part) for part in there}))
    return evolve(_reason(Cause.WAITING, seen.element, lot, text), root=root, kind=f"{roles}<{names}")


def _reason(cause: Cause, element: str, lot: Lot, text: str) -> Reason:
    return Reason(cause=cause, element=element, lot=lot, text=text, kind=text)


# ---- collapsed -------------------------------------------------------------------------------------------------


def collapsed(found: Iterable[tuple[Lot, R]]) -> Iterator[tuple[LotRange, R]]:
    """Neighbours in *found* (lots in order) with equal reasons, as one range with the first one's reason."""
    last: tuple[LotRange, R] | None = None
    for lot, reason in found:
        if last and last[1] == reason and ordinal(lot) == ordinal(last[0].last) + 1:
            last = LotRange(last[0].first, lot), last[1]
            continue
        if last:
            yield last
        last = LotRange(lot, lot), reason
    if last:
        yield last


def stretches(lots: Iterable[Lot], near: int) -> Iterator[LotRange]:
    """*lots* (in order) as ranges that join those fewer than *near* lots apart: what is listed in one go."""
    first: Lot | None = None
    last = first
    for lot in lots:
        if first and last and ordinal(lot) - ordinal(last) < near:
            last = lot
            continue
        if first and last:
            yield LotRange(first, last)
        first = last = lot
    if first and last:
        yield LotRange(first, last)
