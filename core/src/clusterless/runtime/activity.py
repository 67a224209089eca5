"""An activity's turns: its ledger is looked at, and what is due is begun, run, and ended by one runner at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

from attrs import define, field, frozen

from clusterless import layout
from clusterless.engine.lot_states import attempt_id
from clusterless.engine.schedule import Begin, GiveUp, Rest, See, Ticks, Wait, decide
from clusterless.model.activity import Activity, Phase, Turn
from clusterless.model.ledger import Failure
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.provider import Occasion, RunnableActivity
from clusterless.runtime.arc import Writer
from clusterless.runtime.attempt import failure_of
from clusterless.runtime.switches import ON, Switch
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LongLedger, turns_of

MARGIN = timedelta(minutes=1)  # for ending what ran too long, and for writing that down
_OVERTIME = 5.0  # seconds until what does not watch the time itself is told to stop


@frozen
class Looked:
    """What one look at an activity came to.

    *ended* is the turn that was committed here, if any. It is to be looked at again in so many
    *seconds*, None where nothing will ever be due; *resting*: till then there is nothing to wait for.
    """

    seconds: float | None = 0.0
    ended: Turn | None = None
    resting: bool = False
    why: str = ""


@define(kw_only=True, slots=False)
class RunningActivity:
    """All that running an activity needs; used from one thread.

    *since*, the store's time, is when this runner began to look.
    """

    project: Project
    activity: Activity
    state: ObjectStore
    runnable: RunnableActivity
    ticks: Ticks
    writer: Writer
    outputs: Path
    stopping: Callable[[], bool]
    since: datetime
    switch: Switch = ON
    last: int = 0  # the number of the last entry known
    _begun: Turn | None = field(default=None, init=False)  # ours, begun and perhaps not ended
    _outcome: Turn | None = field(default=None, init=False)  # of the one begun, perhaps not written down
    label: str = ""

    @property
    def element(self) -> str:
        """What people are told of it by: *label*, else its project's name, and its own."""
        return f"{self.label or self.project.name}/{self.activity.name}"

    @cached_property
    def ledger(self) -> LongLedger[Turn]:
        return turns_of(self.state, layout.ActivityKeys(self.project, self.activity.name))

    def output(self, begun: Turn) -> Path:
        """Where what an attempt prints is kept."""
        return self.outputs / self.activity.name / str(begun.lot) / f"{begun.attempt}.log"

    def look(self, begun: Callable[[Turn], None] = lambda _: None) -> Looked:
        """Do what is to be done now, and run what is due, telling *begun* first; safe to call anywhere, any time.

        Raises:
            StoreUnavailableError: the store did not answer; call again.
            MalformedError: the ledger cannot be read, and nothing is run until it can.
        """
        self.last = self.ledger.end(self.last)
        last = self.ledger.read(self.last) if self.last else None
        if last and (known := self._resumed(last, begun)):
            return known
        now, gone = self.state.now(), bool(last and self.writer.is_gone(last.by))
        match decide(self.activity, last, self.ticks, now, since=self.since, gone=gone):
            case Rest(until):
                return Looked(_seconds(until, now), resting=True)
            case Wait(until, why):
                return Looked(_seconds(until, now), why=why)
            case See(lot):
                self._append(self._turn(Phase.SEEN, lot))
            case GiveUp(turn):
                error = Failure(type="Expired", message=f"the attempt of {turn.by} came to no end")
                self._outcome = self._turn(Phase.ENDED, turn.lot, attempt=turn.attempt, error=error)
                return self._end(self._outcome)
            case Begin() if self.switch.off():
                self.since = now  # nobody has looked until now
                return Looked(None, resting=True, why="disabled")
            case Begin(lot, 1) if skipped := self.switch.skips(lot):
                self._append(self._turn(Phase.SEEN, Lot.containing(skipped.until, lot.unit).previous))
            case Begin(lot, number):
                return self._begin(lot, attempt_id(0, number, self.writer.new_id()), begun)
        return Looked()

    def _resumed(self, last: Turn, begun: Callable[[Turn], None]) -> Looked | None:
        """What follows an entry of ours that was written, while the answer was lost."""
        if self._begun and last.put_id == self._begun.put_id and (self._outcome or self._has_time(self._begun)):
            return self._run(self._begun, begun)
        if self._outcome and last.put_id == self._outcome.put_id:
            ended, self._begun, self._outcome = self._outcome, None, None
            return Looked(ended=ended)
        return None

    def _has_time(self, begun: Turn) -> bool:
        """Whether it can be run before another takes it for dead."""
        assert begun.expires
        return self.state.now() + timedelta(seconds=self.activity.timeout_sec) < begun.expires

    # ---- one attempt ----

    def _begin(self, lot: Lot, attempt: str, told: Callable[[Turn], None]) -> Looked:
        expires = self.state.now() + timedelta(seconds=self.activity.timeout_sec) + MARGIN
        self._begun = self._turn(Phase.BEGAN, lot, attempt=attempt, expires=expires)
        self._outcome = None
        return self._run(self._begun, told) if self._append(self._begun) else Looked()

    def _run(self, begun: Turn, told: Callable[[Turn], None]) -> Looked:
        if self._outcome is None:
            told(begun)
            self._outcome = self._attempt(begun)
        return self._end(self._outcome)

    def _attempt(self, begun: Turn) -> Turn:
        """Whatever the work raises becomes an outcome; only what ends the process passes."""
        deadline = monotonic() + self.activity.timeout_sec + _OVERTIME
        output = self.output(begun)
        occasion = Occasion(
            activity=self.activity.name,
            lot=begun.lot,
            attempt=begun.attempt,
            token=f"{self.project.id}/{self.activity.name}/{begun.lot}",
            stopping=lambda: self.stopping() or monotonic() >= deadline,
            output=output,
        )
        ended: dict[str, Any] = {"lot": begun.lot, "attempt": begun.attempt, "output": str(output)}
        try:
            note = self.runnable.run(occasion)
        except Exception as error:  # noqa: BLE001  it is anybody's code
            if self.stopping():  # not its fault: the attempt does not count
                return self._turn(Phase.RELEASED, **ended)
            return self._turn(Phase.ENDED, **ended, error=failure_of(error))
        return self._turn(Phase.ENDED, **ended, note=note)

    def _end(self, turn: Turn) -> Looked:
        won = self._append(turn)
        self._begun = self._outcome = None
        return Looked(ended=turn) if won else Looked(why="lost: another took it meanwhile")

    # ---- entries ----

    def _append(self, turn: Turn) -> bool:
        won = self.ledger.append(self.last + 1, turn)
        if won:
            self.last += 1
            self.ledger.hint_at(self.last)
        return won

    def _turn(self, phase: Phase, lot: Lot, **others: Any) -> Turn:
        return Turn(put_id=self.writer.new_id(), at=self.state.now(), by=self.writer.by, phase=phase, lot=lot, **others)


def _seconds(until: datetime | None, now: datetime) -> float | None:
    return max((until - now).total_seconds(), 0.01) if until else None
