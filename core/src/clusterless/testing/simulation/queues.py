"""Notices and events that are lost, doubled, late and out of order; handed out again until acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from attrs import define, field

from clusterless.model.arrival import Arrival
from clusterless.provider import Arrived
from clusterless.testing.simulation.scheduler import Scheduler

T = TypeVar("T")

LATEST_NOTICE = 120.0  # seconds that a message may be under way
_HIDDEN = 30.0  # seconds that a message is hidden from others once it was received


@define(eq=False)
class Message(Generic[T]):
    body: T
    due: float


@define(eq=False)
class Queue(Generic[T]):
    scheduler: Scheduler
    messages: list[Message[T]] = field(factory=list)
    loses: float = 0
    doubles: float = 0.1

    def send(self, body: T) -> None:
        chance = self.scheduler.random
        if chance.random() < self.loses:
            return
        copies = 2 if chance.random() < self.doubles else 1
        for _ in range(copies):
            delay = chance.choice((0, 0, chance.uniform(0, 5), chance.uniform(0, LATEST_NOTICE)))
            self.messages.append(Message(body, self.scheduler.time + delay))

    def receive(self, limit: int) -> list[Message[T]]:
        due = [message for message in self.messages if message.due <= self.scheduler.time]
        self.scheduler.random.shuffle(due)
        taken = due[:limit]
        for message in taken:
            message.due = self.scheduler.time + _HIDDEN
        return taken

    def acknowledge(self, messages: Sequence[Message[T]]) -> None:
        self.messages = [message for message in self.messages if message not in messages]


@define(eq=False)
class NoticeSource:
    """A boundary's arrivals, from a queue of notices that several receivers share."""

    queue: Queue[Arrival]
    pause: Callable[[float], None]

    def receive(self, wait: float, since: datetime | None) -> Arrived:
        messages = self.queue.receive(4)
        if not messages:
            self.pause(wait)
        return Arrived(
            arrivals=[message.body for message in messages],
            acknowledge=lambda: self.queue.acknowledge(messages),
        )

    def close(self) -> None:
        """Nothing is held."""
