"""How a lot stands: every rule is here, for arcs, boundaries and datasets alike."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from attrs import Factory, frozen

from clusterless.engine.lot_states import Ledger, changed
from clusterless.engine.sources import can_be_ready, may_change_after, readiness
from clusterless.model.arc import Arc
from clusterless.model.boundary import Booking
from clusterless.model.ledger import ArcState, Claim, Complete, Failed
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState


class Standing(enum.Enum):
    """How a lot stands, from what is well to what is worst."""

    EMPTY = "empty"  # committed, and nothing is in it
    COMPLETE = "complete"  # committed and announced
    REMOVED = "removed"  # retention has given it up
    RUNNING = "running"  # claimed, and the claim has not expired; or committed, and yet to be announced
    STALE = "stale"  # committed, but of an older revision of a source than there now is
    NEVER_STARTED = "never started"  # owed, its sources are there, and nobody has claimed it
    LATE = "late"  # begun or due, and by now it should be there: the claim has expired, the interval and grace are over
    PARTIAL = "partial"  # the last attempt failed, and left something
    MISSING = "missing"  # the last attempt failed and left nothing, it was rolled back, or what was committed is gone

    @property
    def is_behind(self) -> bool:
        """Whether something is to be done about it, now."""
        return self in _BEHIND

    @property
    def badness(self) -> int:
        """Higher is worse."""
        return _BADNESS[self]


_BADNESS = {standing: number for number, standing in enumerate(Standing)}
_BEHIND = {standing for standing in Standing if _BADNESS[standing] > _BADNESS[Standing.RUNNING]}


def worst(standings: Iterable[Standing]) -> Standing | None:
    """The worst of them; None where there is none."""
    return max(standings, key=lambda standing: standing.badness, default=None)


# ---- arcs, barriers, egress ------------------------------------------------------------------------------------

_FINAL = {
    ArcState.COMPLETE: Standing.COMPLETE,
    ArcState.PARTIAL: Standing.PARTIAL,
    ArcState.MISSING: Standing.MISSING,
    ArcState.RUNNING: Standing.RUNNING,
}


@frozen(kw_only=True)
class ArcLot:
    """What is known of an arc's lot.

    *final* is the state that its listing tells alone (`Picture.final`), *ledger* the last entry where it was read
    (`must_read`): without both nobody ever claimed the lot. *revisions* are the newest of its subscribed parts that
    are there, and *since* when the first of them was committed (needed only where the arc has a deadline).
    *is_owed*: the lot is after the arc's start, not before a source's horizon, and the arc may write it.
    """

    final: ArcState | None = None
    ledger: Ledger = Factory(Ledger)
    revisions: Mapping[str, int] = Factory(dict)
    since: datetime | None = None
    is_owed: bool = True


def must_read(arc: Arc, last: int, final: ArcState | None, revisions: Mapping[str, int]) -> bool:
    """Whether listings leave open how the lot stands: entry *last* is the ledger's last (0: none), *final* as above."""
    if last == 0:
        return False
    if final is ArcState.COMPLETE:
        # What was worked with all its sources at their first revision cannot have consumed less.
        return any(revisions.values()) or may_change_after(arc)
    return final is None


def must_date(arc: Arc, last: int, revisions: Mapping[str, int]) -> bool:
    """Whether it hangs on `ArcLot.since` how a lot without an entry stands."""
    return last == 0 and arc.wait.deadline_sec is not None and can_be_ready(arc, revisions)


def arc_standing(arc: Arc, lot: ArcLot, now: datetime) -> Standing | None:
    """How a lot of *arc* stands; None where nothing is due: not owed, or its sources are not there."""
    last = lot.ledger.last
    if last is None:
        return _FINAL[lot.final] if lot.final else _unclaimed(arc, lot, now)
    if isinstance(last, Claim):
        expires = lot.ledger.expires
        return Standing.RUNNING if expires and now < expires else Standing.LATE
    if isinstance(last, Complete | Failed) and not (lot.ledger.marked or lot.final):
        return Standing.RUNNING  # someone will finish it
    if isinstance(last, Complete):
        return Standing.STALE if changed(last.sources, lot.revisions) else Standing.COMPLETE
    return _FINAL[last.state] if isinstance(last, Failed) else Standing.MISSING


def _unclaimed(arc: Arc, lot: ArcLot, now: datetime) -> Standing | None:
    is_due = lot.is_owed and readiness(arc, lot.revisions, lot.since, now).ready
    return Standing.NEVER_STARTED if is_due else None


# ---- boundaries and datasets -----------------------------------------------------------------------------------

_MANIFEST = {
    ManifestState.COMPLETE: Standing.COMPLETE,
    ManifestState.EMPTY: Standing.EMPTY,
    ManifestState.PARTIAL: Standing.PARTIAL,
    ManifestState.REMOVED: Standing.REMOVED,
}


@frozen(kw_only=True)
class Looked:
    """How far a boundary has looked: from lot *first* *through* a lot (None: nothing was ever sealed).

    *waiting* are the lots that something in the intake was put under, and when the last of it was.
    """

    first: Lot | None = None
    through: Lot | None = None
    waiting: Mapping[Lot, datetime] = Factory(dict)


def boundary_standing(
    booking: Booking, lot: Lot, manifest: ManifestState | None, looked: Looked, now: datetime, *, is_regular: bool
) -> Standing | None:
    """How a boundary's lot stands; *is_regular*: it is committed whether or not anything arrives.

    None where nothing is due: its time has not come, or nothing arrived and nobody waits for it.
    """
    if manifest:
        return _MANIFEST[manifest]
    is_sealed = bool(looked.through and lot <= looked.through)
    if is_sealed and is_regular and looked.first and looked.first <= lot:
        return Standing.MISSING
    if now < _due(booking, lot, looked):
        return None
    is_next = bool(is_regular and looked.through and not is_sealed and not booking.lot_source.is_key_time)
    return Standing.LATE if lot in looked.waiting or is_next else None


def _due(booking: Booking, lot: Lot, looked: Looked) -> datetime:
    """When the lot is sealed at the latest: by key time that is once nothing more came for a while."""
    end = max([lot.end, *looked.waiting.values()]) if booking.lot_source.is_key_time else lot.end
    return end + timedelta(seconds=booking.grace + booking.settle)


def dataset_standing(manifest: ManifestState | None, maker: Standing | None) -> Standing | None:
    """How a dataset's lot stands, from its newest manifest and from how its *maker*'s lot stands, if known."""
    if manifest:
        return Standing.STALE if maker is Standing.STALE else _MANIFEST[manifest]
    if maker in _UNMADE:
        return _UNMADE[maker]
    return Standing.MISSING if maker else None


_UNMADE = {
    Standing.RUNNING: Standing.RUNNING,
    Standing.NEVER_STARTED: Standing.LATE,
    Standing.LATE: Standing.LATE,
    Standing.REMOVED: None,
}
