"""Actors that take turns, one request at a time, in an order and a time that a seed decides."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import define, field
from greenlet import getcurrent, greenlet

MOST_SKEW = 180.0  # seconds that a process's clock is off
START = datetime(2024, 1, 31, 12, tzinfo=UTC)


class Killed(BaseException):
    """The actor's process is gone: nothing may catch it."""


@define(eq=False)
class Actor:
    """One process: *skew* is how many seconds its clock is off; *requests* counts what it has asked of stores."""

    name: str
    run: Callable[[], None]
    skew: float = 0
    wake: float = 0
    requests: int = 0
    doomed: bool = False
    greenlet: greenlet | None = None


@define(eq=False)
class Scheduler:
    """Runs one actor at a time; *time* is in seconds since `START`."""

    random: random.Random
    time: float = 0
    actors: list[Actor] = field(factory=list)
    log: list[str] = field(factory=list)
    _main: greenlet = field(factory=getcurrent)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.time)

    def note(self, text: str) -> None:
        self.log.append(f"{self.time:9.2f} {text}")

    @property
    def current(self) -> Actor | None:
        here = getcurrent()
        return next((actor for actor in self.actors if actor.greenlet is here), None)

    def spawn(self, name: str, run: Callable[[], None], skew: float = 0) -> Actor:
        actor = Actor(name, run, skew, wake=self.time)
        actor.greenlet = greenlet(run, parent=self._main)
        self.actors.append(actor)
        return actor

    def pause(self, seconds: float = 0) -> None:
        """Let others run; called by an actor, which goes on after *seconds*, or dies here."""
        actor = self.current
        if actor is None:  # the test itself, when all is over
            return
        actor.wake = self.time + seconds
        self._main.switch()
        if actor.doomed:
            raise Killed

    def kill(self, actor: Actor) -> None:
        """It dies at the pause it is in."""
        self.note(f"{actor.name} is killed")
        actor.doomed, actor.wake = True, self.time

    def step(self) -> bool:
        """Let one actor run to its next pause; False when there is none left."""
        self.actors = [actor for actor in self.actors if actor.greenlet is not None and not actor.greenlet.dead]
        if not self.actors:
            return False
        ready = [actor for actor in self.actors if actor.wake <= self.time]
        if not ready:
            self.time = min(actor.wake for actor in self.actors)
            return True
        actor = self.random.choice(ready)
        assert actor.greenlet is not None
        try:
            actor.greenlet.switch()
        except Killed:
            self.note(f"{actor.name} has died")
        return True
