"""Events that are lost, doubled, late and out of order on their way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from clusterless.model.event import Event

if TYPE_CHECKING:
    from clusterless.provider import Delivery, Publisher, Subscription


@frozen(kw_only=True)
class Losses:
    """How likely each is for one event (0 to 1): it is *lost*, *doubled*, or held back (*late*) for some turns.

    Those held back come out of order, each after up to *turns* others.
    """

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    turns: int = 10


@define(eq=False)
class _Way:
    """What is under way: each turn is one event more."""

    losses: Losses
    random: random.Random
    counted: Counter[str] = field(factory=Counter)
    _held: list[tuple[int, Event]] = field(factory=list)
    _turn: int = 0
    _lock: Lock = field(factory=Lock)

    def pass_on(self, event: Event) -> Sequence[Event]:
        """What arrives when *event* is sent: it, nothing, it twice, or others that were held back."""
        with self._lock:
            self._turn += 1
            for _ in range(self._copies()):
                late = self.random.random() < self.losses.late
                self.counted["late"] += late
                self._held.append((self._turn + (self.random.randint(1, self.losses.turns) if late else 0), event))
            return self._due(self._turn)

    def rest(self) -> Sequence[Event]:
        with self._lock:
            return self._due(self._turn + self.losses.turns)

    def _copies(self) -> int:
        if self.random.random() < self.losses.lost:
            self.counted["lost"] += 1
            return 0
        doubled = self.random.random() < self.losses.doubled
        self.counted["doubled"] += doubled
        return 1 + doubled

    def _due(self, turn: int) -> Sequence[Event]:
        due = [event for when, event in self._held if when <= turn]
        self._held = [held for held in self._held if held[0] > turn]
        self.random.shuffle(due)
        return due


class FaultyPublisher:
    """*publisher*, whose events suffer *losses*; `settle` announces what is held back. *counted* says what befell."""

    def __init__(self, publisher: Publisher, random: random.Random, losses: Losses) -> None:
        self._publisher = publisher
        self._way = _Way(losses, random)

    @property
    def counted(self) -> Counter[str]:
        return self._way.counted

    def publish(self, event: Event) -> None:
        for each in self._way.pass_on(event):
            self._publisher.publish(each)

    def settle(self) -> None:
        for each in self._way.rest():
            self._publisher.publish(each)


class FaultySubscription:
    """*subscription*, whose deliveries are handed out once more by chance (*doubled*), and in any order.

    *counted* says what befell.
    """

    def __init__(self, subscription: Subscription, random: random.Random, doubled: float = 0.1) -> None:
        self._subscription = subscription
        self._random = random
        self._doubled = doubled
        self._again: list[Delivery] = []
        self.counted: Counter[str] = Counter()

    def receive(self, limit: int) -> Sequence[Delivery]:
        again, self._again = self._again[:limit], self._again[limit:]
        deliveries = [*again, *self._subscription.receive(limit - len(again))] if len(again) < limit else again
        doubled = [each for each in deliveries if self._random.random() < self._doubled]
        self._again += doubled
        self.counted["doubled"] += len(doubled)
        self._random.shuffle(deliveries)
        return deliveries

    def close(self) -> None:
        self._subscription.close()
