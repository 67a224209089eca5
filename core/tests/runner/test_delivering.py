"""`Delivering`: who is heard, and what is looked for, in one placement's turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import pytest
from attrs import define, field
from commands import until

from clusterless.model.dataset import Dataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import StoreRoots
from clusterless.runner import delivering as module
from clusterless.runner import lots
from clusterless.runner.delivering import Delivering
from clusterless.runner.happenings import Happening, Trouble
from clusterless.runner.opening import Opened
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.delivery import Delivered
from clusterless.store.manifests import encode

OWED = Lot.parse("20240131PT5M100")
HEARD = Lot.parse("20240201PT5M000")
PATIENCE = 30
STORES = StoreRoots(metadata="memory:///d/", arc_state="memory:///s/", manifest="memory:///m/")


@define
class Message:
    event: Event

    def acknowledge(self) -> None:
        """It never comes again; others do."""

    def defer(self, seconds: float) -> None:
        """Neither does this one."""


@define
class Busy:
    """A queue that has as many messages as are asked for, at any time, each of another lot."""

    last: Lot = HEARD

    def receive(self, limit: int) -> Sequence[Message]:
        messages = []
        for _ in range(limit):
            self.last = self.last.next
            event = Event(dataset=Dataset(name="in", version="1"), lot=self.last, manifest="memory:///m/x", revision=0)
            messages.append(Message(event))
        return messages

    def close(self) -> None:
        """Nothing is held."""


@define(eq=False)
class Place:
    arc: RunningArc
    worked: list[Lot] = field(factory=list)
    told: list[Happening] = field(factory=list)
    rested: threading.Event = field(factory=threading.Event)

    @contextmanager
    def delivering(self, queue: Any) -> Iterator[Delivering]:
        stop = threading.Event()
        made = Delivering(
            "here",
            1,
            self.told.append,
            stop,
            lambda *_: nullcontext(),
            changes=lambda: 0,
            at_rest=lambda: True,
            rested=self.rested.set,
        )
        made.add(Opened("here", STORES, arcs=[(self.arc, queue)], closing=ExitStack()))
        made.start()
        try:
            yield made
        finally:
            stop.set()
            made.wake.set()
            made.join(PATIENCE)


@pytest.fixture
def place(an_arc: Callable[..., RunningArc], monkeypatch: pytest.MonkeyPatch) -> Place:
    """An arc that one lot is owed to, which takes no time to work."""
    place = Place(an_arc())
    source = place.arc.sources["main"].dataset
    with encode(Manifest(state=ManifestState.EMPTY, lot=OWED)).open() as body:
        place.arc.manifests.publish(source, OWED, ManifestState.EMPTY, 0, body)

    def deliver(_: RunningArc, lot: Lot) -> Delivered:
        place.worked.append(lot)
        time.sleep(0.001)
        return Delivered("complete")

    monkeypatch.setattr(lots, "deliver", deliver)
    return place


def test_what_is_owed_is_worked_though_the_queue_is_never_empty(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FAIR", 0.2)
    with place.delivering(Busy()):
        until(lambda: len(place.worked) > 5)
        until(lambda: OWED in place.worked)
        count = len(place.worked)
        until(lambda: len(place.worked) > count)
    assert not [each for each in place.told if isinstance(each, Trouble)]


def test_what_fails_as_nothing_should_is_kept_for_who_runs_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def look(self) -> bool:
            msg = "no such board"
            raise KeyError(msg)

    monkeypatch.setattr(module, "Switchboard", lambda *_: Broken())
    with place.delivering(Busy()) as made:
        until(lambda: made.error)
    assert isinstance(made.error, KeyError)
    assert not place.rested.is_set()
