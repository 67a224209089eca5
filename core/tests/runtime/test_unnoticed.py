"""Where events tell the time: what no event told of is booked by a listing, and nothing is booked by both."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusterless.model.lot import Lot
from clusterless.runtime import noticed
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.intake import Intake
from clusterless.runtime.noticed import Messages, Notice, NoticedSource
from clusterless.runtime.seal import seal_next
from clusterless.store.manifests import Manifests, decode
from clusterless.store.memory import MemoryStore

ROOT = "memory:///data/in/"  # whose bucket, as URIs go, has no name
LATE = noticed._LATE.total_seconds()


@define
class Queue:
    """Notices that were sent, and how many others hold."""

    sent: list[Notice] = field(factory=list)
    held: int = 0

    def receive(self, limit: int, wait: int) -> Messages:
        taken, self.sent = self.sent[:limit], self.sent[limit:]
        return Messages(taken, [each.key for each in taken], drained=len(taken) < limit)

    def acknowledge(self, messages: Messages) -> None:
        pass

    def has_more(self) -> bool:
        return self.held > 0


@define
class Scene:
    """A bucket, its queue, and as many receivers of one boundary as are asked for."""

    bench: Any
    store: MemoryStore
    queue: Queue = field(factory=Queue)
    opened: list[NoticedSource] = field(factory=list)
    boundaries: list[RunningBoundary] = field(factory=list)

    def put(self, key: str, *, told: float | None = 0) -> None:
        """An object, of which a notice comes, so many seconds after it is there, or none."""
        self.store.put(key, b"x")
        if told is not None:
            self.queue.sent.append(self.notice(key, told))

    def notice(self, key: str, after: float = 0) -> Notice:
        return Notice("", f"data/in/{key}", self.bench.clock.now() + timedelta(seconds=after))

    def receiver(self) -> Intake:
        source = NoticedSource(self.store, lambda: self.queue, by_event=True, poll=0)
        self.opened.append(source)
        self.boundaries.append(self.bench.boundary(source=source))
        return Intake(self.boundaries[-1])

    def take(self, intake: Intake) -> int:
        """Until there is no more; how much was booked."""
        taken = intake.take(0)
        return taken.booked + (self.take(intake) if taken.backlog else 0)

    def hour_later(self) -> None:
        """By all clocks."""
        self.bench.clock.advance(noticed.RECONCILE)
        for source in self.opened:
            source._reconcile = 0  # the machine's own clock stands still

    def seal(self, number: int = 0) -> None:
        while (sealed := seal_next(self.boundaries[number])).seal or sealed.lost:
            pass

    def lots(self) -> dict[str, list[Lot]]:
        """The lots of each object."""
        found: dict[str, list[Lot]] = {}
        for each in self._newest():
            for uri in decode(self.bench.manifest, each.key).uris:
                found.setdefault(uri.rpartition("/")[2], []).append(each.lot)
        return found

    def _newest(self) -> Iterator[Any]:
        manifests = Manifests(self.bench.manifest)
        lot = self.bench.lot
        for _ in range(60):
            if each := manifests.newest(self.bench.sink("in"), lot):
                yield each
            lot = lot.next


@pytest.fixture
def scene(bench: Any) -> Iterator[Scene]:
    scene = Scene(bench, MemoryStore(ROOT, bench.clock.now))
    yield scene
    for source in scene.opened:
        source.close()


def test_what_was_there_before_its_queue_is_booked_by_its_own_time(scene: Scene) -> None:
    scene.put("a", told=None)
    intake = scene.receiver()
    assert scene.take(intake) == 1
    scene.bench.clock.advance(600)
    scene.take(intake)
    scene.seal()
    assert scene.lots() == {"a": [scene.bench.lot.next]}


def test_an_object_is_booked_by_its_event(scene: Scene) -> None:
    intake = scene.receiver()
    scene.take(intake)
    scene.put("a", told=400)
    assert scene.take(intake) == 1
    scene.bench.clock.advance(3000)
    scene.take(intake)
    scene.seal()
    assert scene.lots() == {"a": [scene.bench.lot.next.next]}


def test_what_no_notice_told_of_is_booked_once_its_notice_is_late_and_that_is_told(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    intake = scene.receiver()
    scene.take(intake)
    scene.put("told")
    scene.put("lost", told=None)
    assert scene.take(intake) == 1
    scene.bench.clock.advance(3600 - LATE / 2)
    scene.put("fresh", told=None)
    scene.bench.clock.advance(LATE / 2)
    for source in scene.opened:
        source._reconcile = 0
    with caplog.at_level(logging.WARNING):
        assert scene.take(intake) == 1
    assert "no notice came of 1 of its objects, which are booked by the time of their last change" in caplog.text
    assert f"{ROOT}lost" in caplog.text
    scene.hour_later()
    assert scene.take(intake) == 1, "what was fresh then"
    scene.bench.clock.advance(600)
    scene.seal()
    assert {key: len(lots) for key, lots in scene.lots().items()} == {"told": 1, "lost": 1, "fresh": 1}


def test_nothing_is_listed_while_others_hold_notices_but_not_for_ever(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.put("a", told=None)
    scene.queue.held = 1
    intake = scene.receiver()
    taken = intake.take(0)
    assert (taken.booked, taken.backlog) == (0, True), "nor is anything sealed meanwhile"
    monkeypatch.setattr(noticed, "_HELD", 0.0)
    assert scene.take(intake) == 1


def test_a_notice_of_what_was_listed_tells_nothing_new(scene: Scene) -> None:
    scene.put("a", told=None)
    intake = scene.receiver()
    assert scene.take(intake) == 1
    scene.queue.sent.append(scene.notice("a", 400))
    assert scene.take(intake) == 0


@pytest.mark.parametrize("sealed", [False, True])
def test_what_another_has_booked_by_its_event_is_not_booked_again(scene: Scene, sealed: bool) -> None:
    one, other = scene.receiver(), scene.receiver()
    assert (scene.take(one), scene.take(other)) == (0, 0)
    scene.bench.clock.set(scene.bench.lot.next.end - timedelta(seconds=1))
    scene.put("a", told=2)  # its event is in the next lot
    assert scene.take(one) == 1
    if sealed:
        scene.bench.clock.advance(900)
        scene.seal()
    scene.hour_later()
    assert scene.take(other) == 0
    scene.seal(1)
    assert scene.lots() == {"a": [scene.bench.lot.next.next]}


def test_a_notice_that_comes_after_all_is_dropped_where_its_object_was_booked_without_it(scene: Scene) -> None:
    one, other = scene.receiver(), scene.receiver()
    assert (scene.take(one), scene.take(other)) == (0, 0)
    scene.bench.clock.set(scene.bench.lot.next.end - timedelta(seconds=1))
    late = scene.notice("a", 2)
    scene.put("a", told=None)
    scene.hour_later()
    assert scene.take(one) == 1
    scene.seal()
    scene.seal(1)
    scene.queue.sent.append(late)
    assert scene.take(other) == 0
    assert scene.lots() == {"a": [scene.bench.lot.next]}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    uploads=st.lists(
        st.tuples(st.integers(0, 500), st.sampled_from([None, 0, 1, 2, 200, 299])), min_size=1, max_size=12
    ),
    seals=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_every_object_is_in_one_lot_however_notices_are_lost(
    bench: Any, uploads: Sequence[tuple[int, int | None]], seals: Sequence[bool]
) -> None:
    """Two receivers, of whom each gets the notices of every other object; seals come at any time."""
    for store in (bench.state, bench.manifest):
        for info in list(store.list()):
            store.delete(info.key)
    bench.clock.set(datetime.fromisoformat("2024-01-31T08:25:00+00:00"))
    scene = Scene(bench, MemoryStore(ROOT, bench.clock.now))
    intakes = [scene.receiver(), scene.receiver()]
    for intake in intakes:
        scene.take(intake)
    for number, ((pause, told), is_sealed) in enumerate(zip(uploads, seals, strict=False)):
        bench.clock.advance(pause)
        scene.put(str(number), told=told)
        scene.take(intakes[number % 2])
        if is_sealed:
            scene.seal(number % 2)
    for _ in range(2):
        scene.hour_later()
        for intake in intakes:
            scene.take(intake)
        scene.seal(0)
    bench.clock.advance(900)
    scene.seal(1)
    for source in scene.opened:
        source.close()
    assert {key: len(lots) for key, lots in scene.lots().items()} == {str(n): 1 for n in range(len(uploads))}
