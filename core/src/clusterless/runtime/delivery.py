"""An event is delivered to an arc: claim the lot, work it, commit what came of it, announce it.

The order of the steps, and who may take them, is the lot protocol's; what to do
about what a ledger says is decided in `clusterless.engine.lot_states`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import define, evolve, field, frozen

from clusterless.engine.lot_states import (
    Acknowledge,
    ClaimNext,
    Decision,
    Defer,
    Finish,
    GiveUp,
    Ledger,
    RollBack,
    decide,
)
from clusterless.engine.parts import heard, lot_of, role_of
from clusterless.engine.sources import readiness, waits_since
from clusterless.errors import ClsError
from clusterless.model.ledger import Claim, Complete, Entry, Failed, Failure, Missing, Pin, Rollback
from clusterless.model.lot import Lot
from clusterless.provider import Relying
from clusterless.runtime.arc import RunningArc, pins, roll_back
from clusterless.runtime.attempt import Outcome, work_lot
from clusterless.runtime.finish import finish
from clusterless.store.ledger import LotLedger
from clusterless.store.manifests import Found

DISABLED = "disabled"
_LOST = 1.0  # seconds until the winner of a slot is looked at again


@frozen
class Delivered:
    """What came of a delivery, and *why*; *seconds* until the lot is to be delivered again, if ever.

    *outcome* is the entry that this delivery brought the lot to; *finished*: it wrote what another had committed;
    *last* is the entry that was found at the ledger's end, where that decided. *is_open*: its deadline does not
    yet count, since the lot itself is not over. *is_stale*: what it came to is of an older source than there is.
    *until*: when it is worked whatever sources there are. The work *took* so many seconds, from its claim to its
    outcome: what is told to others afterwards is none of it.
    """

    why: str
    seconds: float | None = None
    outcome: Complete | Failed | None = None
    finished: bool = False
    last: Entry | None = field(default=None, eq=False)
    is_open: bool = False
    is_stale: bool = False
    until: datetime | None = field(default=None, eq=False)
    took: float | None = field(default=None, eq=False)

    @property
    def is_at_rest(self) -> bool:
        return self.seconds is None


def deliver(arc: RunningArc, lot: Lot) -> Delivered:
    """Bring *lot* of *arc*, or of one of its sources, as far as it can be now; safe to call any number of times.

    Raises:
        StoreUnavailableError: the store did not answer; call again.
        MalformedError: the lot's ledger cannot be read; the lot rests.
        ClsError: what the workload relies on is not there; nothing was claimed.
    """
    own = lot_of(arc.arc, lot)
    if not arc.is_owed(own) and not _is_asked_for(arc.ledger(own)):
        return Delivered("before the arc's start")
    return _Delivery(arc, own, arc.ledger(own)).run()


def _is_asked_for(ledger: LotLedger) -> bool:
    """Whether a back-fill has begun the lot, or asked that it be worked, and it is not completed since."""
    last = ledger.look().last
    return bool(last) and not isinstance(ledger.read(last), Complete)


@define
class _Delivery:
    arc: RunningArc
    lot: Lot
    ledger: LotLedger
    number: int = 0  # of the last entry we know of
    looked: bool = False  # at the ledger, which is new in the usual case
    outcome: Complete | Failed | None = None
    finished: bool = False

    def run(self) -> Delivered:
        state = Ledger()
        while True:
            found = self.arc.find_sources(self.lot)
            decision = decide(self.arc.arc, state, pins(self.arc, found), self.arc.now())
            end = self._act(decision, state.last, found)
            if end:
                return end
            state = self._read()

    def _waiting(self, found: Mapping[str, Found]) -> Delivered | None:
        declared, now = self.arc.arc, self.arc.now()
        first = min((self._committed(part, found[part], now) for part in heard(declared, found)), default=None)
        since = waits_since(declared, self.lot, first)
        judged = readiness(declared, found, since, now)
        if judged.ready:
            return None
        seconds = _seconds(judged.at, now) if judged.at else None
        return Delivered("waiting for its sources", seconds, is_open=bool(since and now < since), until=judged.at)

    def _committed(self, part: str, found: Found, now: datetime) -> datetime:
        """When the part was committed, by the arc's own store: another placement's clock may differ by minutes."""
        theirs = self.arc.sources[role_of(self.arc.arc, part)].manifests.store
        if self.arc.arc.wait.deadline_sec is None or theirs.root == self.arc.manifests.store.root:
            return found.time
        return found.time + (now - theirs.now())

    def _act(self, decision: Decision, last: Entry | None, found: Mapping[str, Found]) -> Delivered | None:
        """Take the step; None when the ledger is to be looked at again."""
        match decision:
            case Acknowledge(why, stale):
                return Delivered(why, None, self.outcome, self.finished, last, is_stale=stale)
            case Defer() if isinstance(last, Failed) and self.arc.switch.off():
                return Delivered(DISABLED, None, self.outcome, self.finished)
            case Defer(seconds, why):
                return Delivered(why, max(seconds, 0.01), self.outcome, self.finished, last)
            case Finish():
                assert isinstance(last, Complete | Failed)
                finish(self.arc, self.ledger, self.number, last)
                self.finished = True
            case ClaimNext() | RollBack() if self.arc.is_behind(self.lot):
                return self._leave(last)
            case ClaimNext() | RollBack() if why := self._held():
                return Delivered(why, None, self.outcome, self.finished) if self.looked else None
            case ClaimNext(revision, attempt):
                return self._waiting(found) or self._claim(revision, attempt, found)
            case RollBack(revision, reason):
                self._append(roll_back(self.arc, revision, reason))
            case GiveUp(claim):
                self._give_up(claim)
        return None

    def _give_up(self, claim: Claim) -> None:
        missing = _given_up(self.arc, claim)
        self.outcome = missing if self._append(missing) else None

    def _leave(self, last: Entry | None) -> Delivered | None:
        """Let the lot rest, whose sources retention has removed, or will; what was begun has come to nothing."""
        if not self.looked:
            return None
        if isinstance(last, Claim):
            self._give_up(last)
            return None
        return Delivered("removed by retention", None, self.outcome, self.finished, last)

    def _held(self) -> str:
        """Why the lot is not to be begun now; what was begun, or asked for, is left out by nobody."""
        if self.arc.switch.off():
            return DISABLED
        return "left out when the arc was enabled" if not self.number and self.arc.switch.skips(self.lot) else ""

    def _claim(self, revision: int, number: int, found: Mapping[str, Found]) -> Delivered | None:
        if not all(self.arc.tenure(sink).holds(self.lot) for sink in self.arc.arc.sinks.values()):
            return Delivered("a sink's dataset belongs to another project")
        if not self._is_ready():
            return None
        claim = _claim(self.arc, self.arc.new_attempt(revision, number), revision, pins(self.arc, found))
        if not self._append(claim):
            return None
        collected: list[str] = []
        outcome = self._worked(claim, found, collected)
        if not self._append(outcome):
            return Delivered("lost: another claimed the lot meanwhile", _LOST)
        if isinstance(outcome, Rollback):
            return Delivered("released", 0.01)
        self.outcome = outcome
        finish(self.arc, self.ledger, self.number, outcome)
        if isinstance(outcome, Complete):
            self._remove(collected)
        return evolve(self._rest(outcome), took=max((outcome.at - claim.at).total_seconds(), 0))

    def _is_ready(self) -> bool:
        """Whether the workload could run; as long as nobody has looked at the ledger, the lot may need none."""
        if not isinstance(self.arc.workload, Relying):
            return True
        try:
            self.arc.workload.check_ready()
        except ClsError:
            if self.looked:
                raise
            return False
        return True

    def _remove(self, staged: Sequence[str]) -> None:
        """Remove what the workload has staged, since the ledger has it now."""
        with suppress(ClsError):  # a sweep does it, where the store will not
            for key in staged:
                self.arc.manifests.store.delete(key)

    def _worked(self, claim: Claim, found: Mapping[str, Found], collected: list[str]) -> Outcome:
        earlier = self._earlier(claim)
        if self.arc.is_behind(self.lot):  # it took long to write the claim: retention may not have waited for it
            return roll_back(self.arc, claim.revision, "released: removed by retention")
        if self.arc.switch.off():
            return roll_back(self.arc, claim.revision, f"released: {DISABLED}")
        with self.arc.hold(self.ledger, claim, self.arc.arc.lease_sec):
            return work_lot(self.arc, self.lot, claim, found, earlier, collected)

    def _rest(self, outcome: Complete | Failed) -> Delivered:
        """What is left to do after our own outcome, known without another look."""
        decision = decide(self.arc.arc, Ledger(last=outcome, marked=True), outcome.sources, self.arc.now())
        if isinstance(decision, Defer):
            return Delivered(decision.why, max(decision.seconds, 0.01), outcome)
        return (
            Delivered(decision.why, None, outcome)
            if isinstance(decision, Acknowledge)
            else Delivered("", 0.01, outcome)
        )

    def _append(self, entry: Entry) -> bool:
        won = self.ledger.append(self.number + 1, entry)
        if won:
            self.number += 1
        return won

    def _read(self) -> Ledger:
        """The ledger as it now is: one list, the last entry, and what else the rules need."""
        picture = self.ledger.look()
        self.number, self.looked = picture.last, True
        if not self.number:
            return Ledger()
        last = self.ledger.read(self.number)
        if isinstance(last, Claim):
            return Ledger(last=last, expires=self._expires(last))
        if isinstance(last, Complete | Failed):
            marked = last.state.value in picture.markers and self.ledger.is_marked(self.number, last.state)
            return Ledger(last=last, marked=marked)
        return Ledger(last=last)

    def _expires(self, claim: Claim) -> datetime | None:
        if self.arc.writer.is_gone(claim.by):
            return None
        renewed = self.ledger.renewed(claim.attempt)
        return max(claim.expires, renewed) if renewed else claim.expires

    def _earlier(self, claim: Claim) -> list[Failed]:
        """What former attempts of this revision with the same pins came to, newest first."""
        earlier = []
        for number in range(self.number - 1, 0, -1):
            entry = self.ledger.read(number)
            if isinstance(entry, Complete):
                break
            if isinstance(entry, Failed) and entry.sources == claim.sources:
                earlier.append(entry)
        return earlier


def _claim(arc: RunningArc, attempt: str, revision: int, sources: Mapping[str, Pin]) -> Claim:
    now = arc.now()
    return Claim(
        put_id=arc.writer.new_id(),
        at=now,
        by=arc.writer.by,
        attempt=attempt,
        revision=revision,
        sources=sources,
        expires=now + timedelta(seconds=arc.arc.lease_sec),
        declaration=arc.declaration or None,
    )


def _given_up(arc: RunningArc, claim: Claim) -> Missing:
    return Missing(
        put_id=arc.writer.new_id(),
        at=arc.now(),
        by=arc.writer.by,
        attempt=claim.attempt,
        revision=claim.revision,
        sources=claim.sources,
        error=Failure(type="Expired", message=f"the attempt of {claim.by} ended without an outcome"),
    )


def _seconds(until: datetime, now: datetime) -> float:
    return max((until - now).total_seconds(), 0.01)
