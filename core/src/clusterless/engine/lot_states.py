"""What to do about an arc's lot, from its ledger's last entry: every rule is here, and only here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import frozen

from clusterless.engine.parts import listed, role_of
from clusterless.model.arc import Arc
from clusterless.model.dataset import OnRevision
from clusterless.model.ledger import Claim, Complete, Entry, Failed, Pin, Rollback


@frozen
class Acknowledge:
    """Nothing is left to do for this event; *why* is for people. *stale*: its result stays, of an older source."""

    why: str
    stale: bool = False


@frozen
class Defer:
    """Look again after that many *seconds*; *why* is for people."""

    seconds: float
    why: str


@frozen
class Finish:
    """The last entry was committed but perhaps not announced: do that, then decide again."""


@frozen
class ClaimNext:
    """Append a claim: attempt number *attempt* (from 1) at *revision*."""

    revision: int
    attempt: int


@frozen
class RollBack:
    """Append a rollback to *revision*, then decide again."""

    revision: int
    reason: str


@frozen
class GiveUp:
    """Append `missing` for the expired *claim*: its attempts are used up."""

    claim: Claim


Decision = Acknowledge | Defer | Finish | ClaimNext | RollBack | GiveUp


@frozen(kw_only=True)
class Ledger:
    """A lot's ledger as it was read: the *last* entry, and whether a marker names it.

    *expires* is when the last entry, if a claim, may be followed by another:
    its own hint, as renewed; None where its claimant is known to be gone.
    """

    last: Entry | None = None
    marked: bool = False
    expires: datetime | None = None


def decide(arc: Arc, ledger: Ledger, pins: Mapping[str, Pin], now: datetime) -> Decision:
    """What an event for a lot leads to, given that its sources (*pins*, by part, as they are now) are there."""
    last = ledger.last
    match last:
        case None:
            return ClaimNext(0, 1)
        case Rollback():
            return ClaimNext(last.revision, 1)
        case Claim():
            return _after_claim(arc, ledger, last, now)
        case Complete() | Failed() if not ledger.marked:
            return Finish()
        case Complete():
            return _after_complete(arc, last, pins)
        case Failed():
            return _after_failure(arc, last, pins, now)
    msg = f"no rule for {last!r}"
    raise AssertionError(msg)


def attempt_id(revision: int, attempt: int, unique: str) -> str:
    """Names all that one attempt writes."""
    return f"{revision}-{attempt}-{unique}"


def attempt_number(attempt: str) -> int:
    """How many claims were made since the last complete or rollback, this one included."""
    return int(attempt.split("-")[1])


def changed(pinned: Mapping[str, Pin], revisions: Mapping[str, int]) -> list[str]:
    """The parts whose newest of *revisions* is newer than *pinned*, or was not there then."""
    return [part for part, newest in revisions.items() if part not in pinned or pinned[part].revision < newest]


def _newer(pinned: Mapping[str, Pin], pins: Mapping[str, Pin]) -> list[str]:
    return changed(pinned, {part: pin.revision for part, pin in pins.items()})


def _after_claim(arc: Arc, ledger: Ledger, claim: Claim, now: datetime) -> Decision:
    if ledger.expires is not None and now < ledger.expires:
        return Defer((ledger.expires - now).total_seconds(), f"claimed by {claim.by}")
    number = attempt_number(claim.attempt)
    if number >= arc.retry.attempts:
        return GiveUp(claim)
    return ClaimNext(claim.revision, number + 1)


def _after_complete(arc: Arc, complete: Complete, pins: Mapping[str, Pin]) -> Decision:
    newer = _newer(complete.sources, pins)
    rerun = [part for part in newer if arc.sources[role_of(arc, part)].on_revision is OnRevision.RERUN]
    if rerun:
        return RollBack(complete.revision + 1, f"newer source: {listed(arc, rerun)}")
    return Acknowledge(f"stale: newer source: {listed(arc, newer)}", stale=True) if newer else Acknowledge("complete")


def _after_failure(arc: Arc, failed: Failed, pins: Mapping[str, Pin], now: datetime) -> Decision:
    newer = _newer(failed.sources, pins)
    if newer:
        return RollBack(failed.revision, f"newer source: {listed(arc, newer)}")
    number = attempt_number(failed.attempt)
    if number >= arc.retry.attempts:
        return Acknowledge(f"{failed.kind}: {number} {'attempt' if number == 1 else 'attempts'} used up")
    due = failed.at + timedelta(seconds=arc.retry.delay(number))
    if now < due:
        return Defer((due - now).total_seconds(), f"{failed.kind}: attempt {number + 1} is due then")
    return ClaimNext(failed.revision, number + 1)
