"""Rolling a lot back: what was committed stays readable until the new revision is."""

from __future__ import annotations

from clusterless.model.ledger import Claim, Complete, Failed, Rollback
from clusterless.model.lot import Lot
from clusterless.runtime.arc import RunningArc, roll_back
from clusterless.runtime.finish import finish


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
    if isinstance(last, Complete) and not ledger.is_marked(number, last.state):
        finish(arc, ledger, number, last)  # else it would never be seen
    revision = last.revision + 1 if isinstance(last, Complete) else last.revision
    return ledger.append(number + 1, roll_back(arc, revision, reason))
