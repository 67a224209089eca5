"""Stores as a simulated process sees them: slow, failing, losing answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import define

from clusterless.errors import ClsError, StoreUnavailableError
from clusterless.store.api import ObjectStore
from clusterless.testing.faults import ObservedStore
from clusterless.testing.simulation.scheduler import Actor, Killed, Scheduler

T = TypeVar("T")


@define
class Faults:
    """How likely things go wrong at one request; *crash_at* kills an actor at one request, before or after it."""

    before: float = 0.01
    lost: float = 0.01
    kill: float = 0.002
    stall: float = 0.002
    crash_at: tuple[str, int, bool] | None = None


class SimulatedStore(ObservedStore):
    """*store* as the current actor sees it; every request is a point where others may run, and where it may die."""

    def __init__(self, store: ObjectStore, scheduler: Scheduler, faults: Faults) -> None:
        super().__init__(store)
        self._scheduler = scheduler
        self._faults = faults

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        actor = self._scheduler.current
        if actor is None:
            return ask()
        actor.requests += 1
        number = actor.requests  # a copy makes another request while it is under way
        self._pass(actor, number, is_after=False)
        if self._happens(self._faults.before):
            raise StoreUnavailableError(f"no answer to {method} {key}")
        try:
            answer = ask()
        except ClsError:  # "there is none" is an answer as well
            self._pass(actor, number, is_after=True)
            raise
        self._pass(actor, number, is_after=True)
        if self._happens(self._faults.lost):
            self._scheduler.note(f"{actor.name}: the answer to {method} {key} is lost")
            raise StoreUnavailableError(f"the answer to {method} {key} is lost")
        return answer

    def now(self) -> datetime:
        actor = self._scheduler.current
        return self._scheduler.now() + timedelta(seconds=actor.skew if actor else 0)

    def _pass(self, actor: Actor, number: int, *, is_after: bool) -> None:
        if self._faults.crash_at == (actor.name, number, is_after):
            self._scheduler.note(f"{actor.name} crashes")
            raise Killed
        chance = self._scheduler.random
        stall = chance.uniform(60, 200) if self._happens(self._faults.stall) else 0
        self._scheduler.pause(stall or chance.uniform(0, 0.3))
        if actor.name != "feeder" and self._happens(self._faults.kill):
            self._scheduler.note(f"{actor.name} dies")
            raise Killed

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._scheduler.random.random() < probability
