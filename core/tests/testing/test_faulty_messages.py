"""Events that are lost, doubled, late and out of order, as often as they are said to be."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define, field

from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.testing.clock import START, JumpingClock, SettableClock
from clusterless.testing.messages import FaultyPublisher, FaultySubscription, Losses

DATASET = LocatedDataset(name="d", version="1", path_uri="memory://d/")
EVENTS = [Event(dataset=DATASET, lot=Lot.parse("20240131PT5M000").plus(n), manifest=f"m/{n}") for n in range(500)]


@define
class Heard:
    events: list[Event] = field(factory=list)

    def publish(self, event: Event) -> None:
        self.events.append(event)


def sent(losses: Losses, seed: int = 1) -> tuple[list[Event], Counter[str]]:
    heard = Heard()
    publisher = FaultyPublisher(heard, random.Random(seed), losses)
    for event in EVENTS:
        publisher.publish(event)
    publisher.settle()
    return heard.events, publisher.counted


def test_without_losses_everything_arrives_in_order() -> None:
    assert sent(Losses()) == (EVENTS, Counter(lost=0, doubled=0, late=0))


def test_lost_is_lost_and_counted() -> None:
    heard, counted = sent(Losses(lost=0.1))
    assert 20 < counted["lost"] == len(EVENTS) - len(heard) < 90
    assert heard == [event for event in EVENTS if event in heard]


def test_doubled_arrives_twice() -> None:
    heard, counted = sent(Losses(doubled=0.1))
    assert Counter(Counter(event.manifest for event in heard).values())[2] == counted["doubled"] > 20
    assert {event.manifest for event in heard} == {event.manifest for event in EVENTS}


def test_late_arrives_after_others_but_arrives() -> None:
    heard, counted = sent(Losses(late=0.2, turns=5))
    assert counted["late"] > 50
    assert heard != EVENTS
    assert sorted(heard, key=lambda event: event.lot) == EVENTS
    assert all(abs(heard.index(event) - at) <= 10 for at, event in enumerate(EVENTS))


def test_a_seed_gives_the_same_losses_again() -> None:
    every = Losses(lost=0.1, doubled=0.1, late=0.1)
    assert sent(every, 7) == sent(every, 7) != sent(every, 8)


@define
class Letters:
    """A subscription that hands out each once."""

    left: list[Any]

    def receive(self, limit: int) -> Sequence[Any]:
        taken, self.left = self.left[:limit], self.left[limit:]
        return taken

    def close(self) -> None:
        self.left = []


def test_deliveries_come_again_and_in_any_order() -> None:
    subscription = FaultySubscription(Letters(list(range(200))), random.Random(1), doubled=0.2)
    heard: list[Any] = []
    while some := subscription.receive(10):
        assert len(some) <= 10
        heard += some
    assert set(heard) == set(range(200))
    assert len(heard) == 200 + subscription.counted["doubled"] > 220
    assert heard != sorted(heard)


def test_a_clock_jumps_both_ways_and_no_further_than_it_may(settable_clock: SettableClock) -> None:
    clock = JumpingClock(settable_clock, random.Random(1), most=180, chance=0.5)
    wrong = [(clock.now() - START).total_seconds() for _ in range(200)]
    assert min(wrong) < -90
    assert max(wrong) > 90
    assert all(abs(each) <= 180 for each in wrong)
    clock.sleep(60)
    assert (settable_clock.now() - START).total_seconds() == pytest.approx(60)
