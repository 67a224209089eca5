"""No event is lost between a failed publish and its letter, nor between its letter and whoever is told in the end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusterless import layout
from clusterless.errors import NotifyError, NotifyRefusedError, StoreUnavailableError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.notifier import Notifier, PublishRetry
from clusterless.model.project import Project
from clusterless.runtime.announcing import PatientPublisher
from clusterless.runtime.letters import LetterBox
from clusterless.store.api import ObjectStore
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import SettableClock
from clusterless.testing.faults import CountingStore, Moment, ScriptedStore

KEYS = layout.NotifierKeys(Project(name="p", version="1"), "hook")
FIRST = Lot.parse("20240131PT5M000")
DAY = 24 * 3600


def lots(number: int) -> list[Lot]:
    found = [FIRST]
    while len(found) < number:
        found.append(found[-1].next)
    return found


def event(lot: Lot = FIRST, name: str = "a") -> Event:
    dataset = LocatedDataset(name=name, version="1", path_uri="file:///a/")
    return Event(dataset=dataset, lot=lot, manifest=f"file:///m/{lot}")


class CrashError(BaseException):
    """The process is gone: nobody catches it."""


class Receiver:
    """Hears what it is told while *mood* raises nothing."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.asked = 0
        self.mood: Callable[[Event], None] = lambda _: None

    def publish(self, event: Event) -> None:
        self.asked += 1
        self.mood(event)
        self.heard.append(str(event.lot))


def down(_: Event) -> None:
    msg = "nobody is there"
    raise NotifyError(msg)


def refuses(_: Event) -> None:
    msg = "answered 401"
    raise NotifyRefusedError(msg)


class World:
    """One notifier's receiver and letters; each process that announces is a `patient` of its own."""

    def __init__(self, **declared: Any) -> None:
        self.clock = SettableClock()
        self.store = MemoryStore(now=self.clock.now)
        self.receiver = Receiver()
        self.notifier = Notifier(type="cls:core:x", name="hook", **declared)
        self._ids = count()

    def box(self, store: ObjectStore | None = None) -> LetterBox:
        return LetterBox(store or self.store, KEYS, lambda: f"id{next(self._ids)}")

    def patient(self, store: ObjectStore | None = None, stopping: Callable[[], bool] = lambda: False) -> Any:
        return PatientPublisher("p/hook", self.notifier, self.receiver, self.box(store), self.clock, stopping)

    @property
    def pending(self) -> list[str]:
        return [info.key for info in self.store.list(KEYS.pending)]

    @property
    def dead(self) -> list[str]:
        return [info.key for info in self.store.list(KEYS.dead)]

    def pass_time(self, patient: Any, seconds: float = 3600, step: float = 30) -> None:
        for _ in range(int(seconds / step)):
            self.clock.advance(step)
            patient.send_due()


@pytest.fixture
def world() -> World:
    return World()


# ---- announcing ------------------------------------------------------------------------------------------------


def test_what_can_be_announced_asks_nothing_of_the_store() -> None:
    world = World()
    counting = CountingStore(world.store)
    patient = world.patient(counting)
    patient.publish(event())
    assert world.receiver.heard == [str(FIRST)]
    assert not counting.requests


def test_a_passing_failure_is_tried_again_at_once(world: World) -> None:
    begun = world.clock.now()
    world.receiver.mood = lambda event: down(event) if world.receiver.asked < 3 else None
    world.patient().publish(event())
    assert (world.receiver.heard, world.pending) == ([str(FIRST)], [])
    assert (world.clock.now() - begun).total_seconds() == 1 + 2


def test_a_failure_is_kept_and_announced_when_the_receiver_is_back(world: World) -> None:
    patient = world.patient()
    world.receiver.mood = down
    patient.publish(event())
    assert (len(world.pending), world.receiver.asked) == (1, 3)
    world.receiver.mood = lambda _: None
    world.pass_time(patient)
    assert (world.receiver.heard, world.pending) == ([str(FIRST)], [])


def test_whatever_a_plugin_raises_is_kept(world: World) -> None:
    def broken(_: Event) -> None:
        msg = "a bug"
        raise ZeroDivisionError(msg)

    world.receiver.mood = broken
    world.patient().publish(event())
    letter = world.box().read(world.pending[0])
    assert letter
    assert (letter.event, letter.attempts, letter.last_error) == (event(), 3, "ZeroDivisionError: a bug")


def test_a_letter_does_not_keep_a_whole_page_of_an_error(world: World) -> None:
    def talkative(_: Event) -> None:
        raise NotifyError("x" * 5000)

    world.receiver.mood = talkative
    world.patient().publish(event())
    letter = world.box().read(world.pending[0])
    assert letter
    assert len(letter.last_error) == 601


def test_while_a_receiver_is_down_no_lot_waits_for_it(world: World) -> None:
    """One event is tried; those that follow are kept, and sent in the order in which they came."""
    patient = world.patient()
    world.receiver.mood = down
    for lot in lots(50):
        patient.publish(event(lot))
    assert (world.receiver.asked, len(world.pending)) == (3, 50)
    world.receiver.mood = lambda _: None
    world.pass_time(patient)
    assert world.receiver.heard == [str(lot) for lot in lots(50)]


def test_a_round_stops_at_its_first_failure_and_rounds_grow_rarer(world: World) -> None:
    patient = world.patient()
    world.receiver.mood = down
    for lot in lots(20):
        patient.publish(event(lot))
    world.receiver.asked = 0
    world.pass_time(patient, seconds=6 * 3600, step=1)
    # 1, 2, 4 … seconds at first, ten minutes in the end: about 6 an hour.
    assert 6 * 5 < world.receiver.asked < 6 * 8 + 10


def test_one_event_that_always_fails_does_not_hold_up_the_others(world: World) -> None:
    bad = lots(5)[2]
    world.receiver.mood = lambda event: down(event) if event.lot == bad else None
    patient = world.patient()
    for lot in lots(5):
        patient.publish(event(lot))
    world.pass_time(patient, step=1)
    assert sorted(world.receiver.heard) == sorted(str(lot) for lot in lots(5) if lot != bad)
    assert len(world.pending) == 1


def test_a_receiver_that_asks_for_time_gets_it(world: World) -> None:
    def busy(_: Event) -> None:
        msg = "answered 429"
        raise NotifyError(msg, after=500)

    world.receiver.mood = busy
    patient = world.patient()
    patient.publish(event())
    assert world.receiver.asked == 1, "asking again at once would be rude"
    world.pass_time(patient, seconds=480)
    assert world.receiver.asked == 1
    world.pass_time(patient, seconds=60)
    assert world.receiver.asked == 2


def test_nobody_can_have_us_wait_for_longer_than_an_hour(world: World) -> None:
    def forever(_: Event) -> None:
        msg = "answered 429"
        raise NotifyError(msg, after=1e9)

    world.receiver.mood = forever
    patient = world.patient()
    patient.publish(event())
    world.pass_time(patient, seconds=3630)
    assert world.receiver.asked == 2


def test_a_refusal_is_dead_at_once_and_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.receiver.mood = refuses
    patient = world.patient()
    patient.publish(event())
    assert (world.receiver.asked, world.pending, len(world.dead)) == (1, [], 1)
    assert [(record.levelno, "answered 401" in record.message) for record in caplog.records] == [(logging.ERROR, True)]
    world.receiver.mood = lambda _: None
    patient.publish(event(lots(2)[1]))
    assert world.receiver.heard == [str(lots(2)[1])], "the next is not held back"


def test_what_cannot_be_announced_for_a_day_is_dead_and_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    patient = world.patient()
    world.receiver.mood = down
    patient.publish(event())
    world.pass_time(patient, seconds=DAY - 600)
    assert (len(world.pending), world.dead) == (1, [])
    world.pass_time(patient, seconds=1800)
    assert (world.pending, len(world.dead)) == ([], 1)
    assert caplog.records[-1].levelno == logging.ERROR
    letter = world.box().read(world.dead[0])
    assert letter
    assert letter.first_failure <= world.clock.now()
    assert letter.last_error == "nobody is there"


def test_only_the_datasets_that_it_wants_are_heard_of() -> None:
    world = World(datasets=(Dataset(name="b", version="1"),))
    patient = world.patient()
    patient.publish(event(name="a"))
    patient.publish(event(name="b"))
    assert world.receiver.asked == 1


def test_told_to_stop_it_does_not_linger(world: World) -> None:
    world.receiver.mood = down
    begun = world.clock.now()
    world.patient(stopping=lambda: True).publish(event())
    assert (world.receiver.asked, len(world.pending), world.clock.now()) == (1, 1, begun)


def test_the_tries_at_once_are_those_that_are_declared() -> None:
    world = World(retry=PublishRetry(attempts=5, backoff_sec=0.5))
    world.receiver.mood = down
    world.patient().publish(event())
    assert world.receiver.asked == 5


# ---- letters ---------------------------------------------------------------------------------------------------


def test_letters_of_a_run_that_is_over_are_sent_by_the_next(world: World) -> None:
    world.receiver.mood = down
    world.patient().publish(event())
    world.receiver.mood = lambda _: None
    world.clock.advance(3600)
    later = world.patient()
    assert not later.quiet, "it has not looked yet"
    later.send_due()
    assert later.quiet
    assert (world.receiver.heard, world.pending) == ([str(FIRST)], [])


def test_nothing_is_asked_of_the_store_until_something_is_due(world: World) -> None:
    counting = CountingStore(world.store)
    patient = world.patient(counting)
    for _ in range(600):
        patient.send_due()
        world.clock.advance(1)
    assert counting.requests == {"list": 10}


def test_of_several_processes_one_has_a_letter(world: World) -> None:
    world.receiver.mood = down
    world.patient().publish(event())
    world.clock.advance(3600)
    ours, theirs = world.box(), world.box()
    [envelope] = list(ours.pending())
    assert ours.take(envelope, world.clock.now())
    assert theirs.take(envelope, world.clock.now()) is None


def test_two_who_take_a_letter_at_once_do_not_both_get_it(world: World) -> None:
    """The other comes between the reading and the moving."""
    world.receiver.mood = down
    world.patient().publish(event())
    world.clock.advance(3600)
    [envelope] = list(world.box().pending())
    taken: list[object] = []

    def other(moment: Moment) -> None:
        if moment.method == "get" and moment.done:
            taken.append(world.box().take(envelope, world.clock.now()))

    assert world.box(ScriptedStore(world.store, other)).take(envelope, world.clock.now()) is None
    assert [each is not None for each in taken] == [True]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"event": 1}', b"\xff"])
def test_a_letter_that_cannot_be_read_is_set_aside_and_told(
    world: World, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    patient = world.patient()
    key = KEYS.pending + KEYS.name(world.clock.now(), "bad")
    world.store.put(key, body)
    world.store.put(f"{KEYS.pending}notes.txt", b"")
    world.receiver.mood = down
    patient.publish(event())
    world.receiver.mood = lambda _: None
    world.pass_time(patient)
    assert (world.receiver.heard, world.pending) == ([str(FIRST)], [])
    assert world.store.get(KEYS.unreadable(key)) == body
    assert "set aside" in caplog.text


def test_where_the_letter_cannot_be_written_either_the_lot_is_told_so(world: World) -> None:
    def fails(moment: Moment) -> None:
        if moment.method == "create" and not moment.done:
            msg = "the store is away"
            raise StoreUnavailableError(msg)

    world.receiver.mood = down
    with pytest.raises(StoreUnavailableError):
        world.patient(ScriptedStore(world.store, fails)).publish(event())


def test_the_dead_are_sent_on_demand(world: World) -> None:
    world.receiver.mood = refuses
    patient = world.patient()
    for lot in lots(3):
        patient.publish(event(lot))
    assert [str(error) for _, error in patient.redrive()] == ["answered 401"] * 3
    letter = world.box().read(world.dead[0])
    assert letter
    assert letter.attempts == 2
    world.receiver.mood = lambda _: None
    assert [error for _, error in patient.redrive()] == [None] * 3
    assert (world.receiver.heard, world.dead) == ([str(lot) for lot in lots(3)], [])


def test_the_dead_are_not_all_sent_to_a_receiver_that_is_down(world: World) -> None:
    world.receiver.mood = refuses
    patient = world.patient()
    for lot in lots(3):
        patient.publish(event(lot))
    world.receiver.mood = down
    assert len(list(patient.redrive())) == 1
    assert len(world.dead) == 3


# ---- crashes ---------------------------------------------------------------------------------------------------


def life(world: World, store: ObjectStore, owed: list[Event]) -> None:
    """A process: what is owed is announced (as whoever finishes an unmarked entry does), then letters are sent."""
    patient = world.patient(store)
    while owed:
        patient.publish(owed[0])
        owed.pop(0)  # the marker: committed and announced, or kept
    world.pass_time(patient, seconds=4000, step=200)


def moments() -> range:
    """As many as a life without a crash makes requests, twice: before and after each."""
    world = World()
    counting = CountingStore(world.store)
    world.receiver.mood = lambda event: down(event) if world.receiver.asked < 12 else None
    life(world, counting, [event(lot) for lot in lots(2)])
    return range(2 * sum(counting.requests.values()))


@pytest.mark.parametrize("crash", moments())
def test_a_crash_between_any_two_requests_loses_no_event(crash: int) -> None:
    world = World()
    world.receiver.mood = lambda event: down(event) if world.receiver.asked < 12 else None
    owed = [event(lot) for lot in lots(2)]

    def dies(moment: Moment) -> None:
        if (moment.number - 1) * 2 + moment.done == crash:
            raise CrashError

    try:
        life(world, ScriptedStore(world.store, dies), owed)
    except CrashError:
        world.clock.advance(600)
        life(world, world.store, owed)
    assert {*world.receiver.heard} == {str(lot) for lot in lots(2)}
    assert (world.pending, world.dead) == ([], [])


faults = st.lists(st.sampled_from(["ok", "down", "down", "refuses", "busy"]), max_size=60)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 8), faults, st.lists(st.integers(0, 120), max_size=4))
def test_whatever_a_receiver_does_and_whoever_dies_each_event_is_heard_or_dead(
    number: int, answers: list[str], deaths: list[int]
) -> None:
    """The law: what was committed is heard at least once, or lies with the dead, from where it can be sent."""
    world = World(give_up_sec=1800)
    left = iter(answers)

    def mood(event: Event) -> None:
        answer = next(left, "ok")
        if answer == "busy":
            msg = "busy"
            raise NotifyError(msg, after=50)
        {"ok": lambda _: None, "down": down, "refuses": refuses}[answer](event)

    world.receiver.mood = mood
    owed = [event(lot) for lot in lots(number)]
    for death in [*deaths, None]:

        def dies(moment: Moment, death: int | None = death) -> None:
            if moment.number == death:
                raise CrashError

        try:
            life(world, ScriptedStore(world.store, dies), owed)
        except CrashError:
            world.clock.advance(601)
    assert world.pending == []
    letters = [world.box().read(key) for key in world.dead]
    dead = Counter(str(letter.event.lot) for letter in letters if letter)
    assert {*world.receiver.heard} | {*dead} == {str(lot) for lot in lots(number)}
