"""Rolling a lot back: what was committed stays readable until the new revision is."""

from __future__ import annotations

from collections.abc import Callable

from clusterless.model.ledger import ArcState, Claim, Complete, Failed, Rollback
from clusterless.model.lot import Lot
from clusterless.runtime.arc import RunningArc, roll_back
from clusterless.runtime.finish import finish
from clusterless.store.ledger import LotLedger


def roll_back_lot(arc: RunningArc, lot: Lot, reason: str) -> bool:
    """Make *lot* be worked anew by its next delivery; False where there is nothing to roll back, or it is running.

    The revision rises only if the last was completed.
    """
    ledger = arc.ledger(lot)
    number = ledger.look().last
    last = ledger.read(number) if number else None
    if last is None or isinstance(last, Claim | Rollback):
        return False
    assert isinstance(last, Complete | Failed)
    return _append(arc, ledger, number, last, reason)


def roll_back_once(arc: RunningArc, lot: Lot, reason: str, wanted: Callable[[ArcState], bool]) -> bool:
    """As `roll_back_lot`, where the lot's last outcome is *wanted* gone, and no other than that of this very *reason*.

    So who was interrupted can do it again: a lot that was completed since it was rolled back is not once more.
    """
    ledger = arc.ledger(lot)
    seen = ledger.look()
    last = ledger.read(seen.last) if seen.last else None
    if not isinstance(last, Complete | Failed) or not wanted(last.state):
        return False
    if isinstance(last, Complete) and not seen.final and _is_result_of(ledger, seen.last, reason):
        return False
    return _append(arc, ledger, seen.last, last, reason)


def ask_for(arc: RunningArc, lot: Lot, reason: str) -> bool:
    """Have a lot that nobody has begun be worked by its next delivery, even if it lies before the arc's start."""
    ledger = arc.ledger(lot)
    return not ledger.look().last and ledger.append(1, roll_back(arc, 0, reason))


def _is_result_of(ledger: LotLedger, number: int, reason: str) -> bool:
    for earlier in range(number - 1, 0, -1):
        entry = ledger.read(earlier)
        if isinstance(entry, Complete):
            return False
        if isinstance(entry, Rollback) and entry.reason == reason:
            return True
    return False


def _append(arc: RunningArc, ledger: LotLedger, number: int, last: Complete | Failed, reason: str) -> bool:
    if isinstance(last, Complete) and not ledger.is_marked(number, last.state):
        finish(arc, ledger, number, last)  # else it would never be seen
    revision = last.revision + 1 if isinstance(last, Complete) else last.revision
    return ledger.append(number + 1, roll_back(arc, revision, reason))
