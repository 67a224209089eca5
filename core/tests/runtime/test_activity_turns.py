"""An activity's ledger: crashes and lost answers at every request, several runners, stores whose times differ."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from clusterless import layout
from clusterless.engine.lot_states import attempt_number
from clusterless.engine.schedule import EachLot
from clusterless.errors import MalformedError, StoreUnavailableError, WorkloadError
from clusterless.model.activity import Activity, CatchUp, Phase, Turn
from clusterless.model.arc import Retry
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.project import Project
from clusterless.provider import Occasion
from clusterless.runtime.activity import MARGIN, Looked, RunningActivity
from clusterless.runtime.arc import Writer
from clusterless.store.ledger import turns_of
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import SettableClock
from clusterless.testing.faults import CountingStore, Moment, ScriptedStore

START = datetime(2024, 1, 31, 12, 2, tzinfo=UTC)
PROJECT = Project(name="demo", version="1")
KEYS = layout.ActivityKeys(PROJECT, "tick")
UNIT = LotUnit.TWELFTHS
LOTS = [Lot.containing(START + timedelta(minutes=minutes), UNIT) for minutes in (0, 5, 10)]


class Crashed(BaseException):
    """Nobody catches it: the runner is dead."""


class SkewedStore(MemoryStore):
    """A view of *store* whose time is off."""

    def __init__(self, store: MemoryStore, off: timedelta) -> None:
        super().__init__(now=lambda: store.now() + off)
        self._objects, self._keys, self._lock = store._objects, store._keys, store._lock


@define
class World:
    """One activity, its ledger, and those who run it; *ran* is what was done, by whom."""

    catch_up: CatchUp = CatchUp.ALL
    attempts: int = 3
    clock: SettableClock = field(factory=lambda: SettableClock(START))
    ran: list[tuple[str, str]] = field(factory=list)
    do: Callable[[Occasion], str] = lambda _: "did it"
    stopping: Callable[[], bool] = lambda: False
    ids: int = 0
    store: MemoryStore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = MemoryStore(now=self.clock.now)

    def runner(self, name: str, on_request: Callable[[Moment], None] = lambda _: None, **more: Any) -> RunningActivity:
        view = SkewedStore(self.store, timedelta(seconds=more.pop("off", 0)))
        return RunningActivity(
            project=PROJECT,
            activity=self.activity,
            state=ScriptedStore(view, on_request),
            runnable=Runs(self, name),
            ticks=EachLot(UNIT),
            writer=Writer(by=f"{name}:1", new_id=self._new_id, **more),
            outputs=Path("outputs"),
            stopping=lambda: self.stopping(),  # noqa: PLW0108  it changes
            since=view.now(),
        )

    @property
    def activity(self) -> Activity:
        retry = Retry(attempts=self.attempts, backoff_sec=60)
        return Activity(type="x:y:z", name="tick", interval=UNIT, catch_up=self.catch_up, timeout_sec=600, retry=retry)

    @property
    def turns(self) -> list[Turn]:
        ledger = turns_of(self.store, KEYS)
        return [ledger.read(number) for number in range(1, ledger.end() + 1)]

    @property
    def completed(self) -> list[Lot]:
        return [turn.lot for turn in self.turns if turn.phase is Phase.ENDED and not turn.error]

    def _new_id(self) -> str:
        self.ids += 1
        return f"id{self.ids}"


@define
class Runs:
    """What the activity does."""

    world: World
    name: str

    def run(self, occasion: Occasion) -> str:
        self.world.ran.append((self.name, str(occasion.lot)))
        return self.world.do(occasion)

    def close(self) -> None:
        pass


def settle(world: World, *runners: RunningActivity, until: float = 17 * 60) -> None:
    """Have each look until all rest, moving the clock to when they say."""
    end = START + timedelta(seconds=until)
    while world.clock.now() < end:
        looked = [look_again(runner) for runner in runners]
        pauses = [each.seconds for each in looked if each.seconds is not None]
        world.clock.advance(min(*pauses, 300, (end - world.clock.now()).total_seconds()))
    for runner in runners:
        while not look_again(runner).resting:
            world.clock.advance(1)


def look_again(runner: RunningActivity) -> Looked:
    try:
        return runner.look()
    except StoreUnavailableError:
        return Looked()


def check(world: World, *, skew: timedelta = timedelta()) -> None:
    """The laws of the ledger."""
    turns = world.turns
    assert turns[0].phase is Phase.SEEN
    for before, turn in pairwise(turns):
        assert before.lot <= turn.lot
        if turn.phase is Phase.BEGAN and before.phase is Phase.BEGAN:  # never two at a time
            assert before.expires
            assert before.expires <= turn.at + skew
            assert attempt_number(turn.attempt) == attempt_number(before.attempt) + 1
        if turn.phase in {Phase.ENDED, Phase.RELEASED}:
            assert before.phase is Phase.BEGAN
            assert before.attempt == turn.attempt
    assert len(world.completed) == len(set(world.completed))


# ---- the usual case --------------------------------------------------------------------------------------------


def test_each_lot_is_run_once_when_it_has_ended() -> None:
    world = World()
    settle(world, world.runner("a"), world.runner("b"))
    check(world)
    assert world.completed == LOTS
    assert [lot for _, lot in world.ran] == [str(lot) for lot in LOTS]
    assert [turn.note for turn in world.turns if turn.phase is Phase.ENDED] == ["did it"] * 3


def test_what_a_run_is_told() -> None:
    world = World()
    told: list[Occasion] = []
    world.do = lambda occasion: (told.append(occasion), "")[1]
    settle(world, world.runner("a"), until=6 * 60)
    (occasion,) = told
    assert (occasion.activity, occasion.lot) == ("tick", LOTS[0])
    assert occasion.token == f"demo/1/tick/{LOTS[0]}"
    assert occasion.attempt == world.turns[1].attempt
    assert str(occasion.output) == f"outputs/tick/{LOTS[0]}/{occasion.attempt}.log" == world.turns[2].output
    assert not occasion.stopping()


def test_a_run_takes_two_writes_and_a_look_a_look_at_the_next_turn_and_one_read() -> None:
    world = World()
    runner = world.runner("a")
    counting = CountingStore(world.store)
    runner.state = counting
    runner.look()
    world.clock.advance(300)
    counting.requests.clear()
    runner.look()
    assert counting.requests == {"head": 1, "get": 1, "create": 2}
    counting.requests.clear()
    assert runner.look().resting
    assert counting.requests == {"head": 1, "get": 1}


@pytest.mark.parametrize(("catch_up", "expected"), [(CatchUp.ALL, 3), (CatchUp.LAST, 1), (CatchUp.NONE, 0)])
def test_after_a_pause_it_makes_up_for_what_is_declared(catch_up: CatchUp, expected: int) -> None:
    world = World(catch_up)
    world.runner("a").look()
    world.clock.advance(14 * 60)
    late = world.runner("b")
    while not late.look().resting:
        pass
    check(world)
    assert world.completed == LOTS[3 - expected :]


# ---- failures --------------------------------------------------------------------------------------------------


def fails(_: Occasion) -> str:
    msg = "no"
    raise WorkloadError(msg)


def test_a_failed_run_is_tried_as_often_as_declared_and_then_the_next_has_its_turn() -> None:
    world = World(attempts=2, do=fails)
    settle(world, world.runner("a"), until=7 * 60)
    assert [(turn.phase, turn.lot) for turn in world.turns[1:]] == [(Phase.BEGAN, LOTS[0]), (Phase.ENDED, LOTS[0])] * 2
    assert [turn.error.message for turn in world.turns if turn.error] == ["no", "no"]
    world.do = lambda _: "now it works"
    settle(world, world.runner("a"))
    assert world.completed == LOTS[1:]
    check(world)


def test_a_run_that_is_stopped_is_released_and_costs_no_attempt() -> None:
    world = World(attempts=1, do=fails)
    world.stopping = lambda: True
    world.runner("a").look()
    world.clock.advance(300)
    ended = world.runner("a").look().ended
    assert ended
    assert ended.phase is Phase.RELEASED
    world.stopping, world.do = lambda: False, lambda _: ""
    world.runner("b").look()
    assert world.completed == LOTS[:1]
    check(world)


def test_one_that_is_known_to_be_gone_is_followed_at_once() -> None:
    world = World()
    world.runner("a").look()
    world.clock.advance(300)

    def die(_: Occasion) -> str:
        raise Crashed

    world.do = die
    with pytest.raises(Crashed):
        world.runner("a").look()
    world.do = lambda _: ""
    waiting = world.runner("b").look()
    assert waiting.seconds == pytest.approx(600 + MARGIN.total_seconds())
    assert not waiting.resting
    assert world.runner("c", is_gone=lambda by: by == "a:1").look().ended
    assert world.completed == LOTS[:1]


def test_one_that_always_dies_comes_to_an_end() -> None:
    world = World(attempts=2)

    def die(_: Occasion) -> str:
        raise Crashed

    world.do = die
    world.runner("a").look()
    world.clock.advance(300)
    for _ in range(2):
        with pytest.raises(Crashed):
            world.runner("a").look()
        world.clock.advance(661)
    ended = world.runner("b").look().ended
    assert ended
    assert ended.error
    assert ended.error.type == "Expired"
    world.do = lambda _: ""
    settle(world, world.runner("b"), until=60 * 60)
    assert LOTS[0] not in world.completed
    assert LOTS[1] in world.completed


def test_an_outcome_that_comes_too_late_is_lost() -> None:
    world = World()
    other = world.runner("b")

    def slow(_: Occasion) -> str:
        world.do = lambda _: "was faster"
        world.clock.advance(661)
        other.look()
        return "too late"

    world.do = slow
    world.runner("a").look()
    world.clock.advance(300)
    looked = world.runner("a").look()
    assert looked.ended is None
    assert looked.why.startswith("lost")
    assert [turn.note for turn in world.turns if turn.phase is Phase.ENDED] == ["was faster"]


def test_a_ledger_that_cannot_be_read_stops_it() -> None:
    world = World()
    world.store.put(f"{KEYS.path}000000001.json", b"{}")
    with pytest.raises(MalformedError, match=r"activity=tick/000000001\.json"):
        world.runner("a").look()


# ---- crashes and lost answers at every request -------------------------------------------------------------------


def requests_of_a_run() -> int:
    world = World()
    runner = world.runner("a")
    settle(world, runner)
    return runner.state.made  # type: ignore[attr-defined]


REQUESTS = range(1, requests_of_a_run() + 1)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", REQUESTS)
def test_whoever_crashes_at_any_request_another_goes_on(number: int, done: bool) -> None:
    world = World()

    def crash(moment: Moment) -> None:
        if (moment.number, moment.done) == (number, done):
            raise Crashed

    with suppress(Crashed):  # what is not there is not answered, so that nobody crashes after that
        settle(world, world.runner("a", crash))
    settle(world, world.runner("b"), until=60 * 60)
    check(world)
    assert world.completed[:3] == LOTS


@pytest.mark.parametrize("done", [False, True], ids=["refused", "lost"])
@pytest.mark.parametrize("number", REQUESTS)
def test_an_answer_that_is_lost_costs_nothing(number: int, done: bool) -> None:
    world = World()

    def fail(moment: Moment) -> None:
        # The answer, and those to the questions that would settle it.
        if number <= moment.number <= number + 1 and (done or not moment.done):
            raise StoreUnavailableError("no answer")

    settle(world, world.runner("a", fail), world.runner("b"))
    check(world)
    assert world.completed == LOTS
    assert len(world.ran) == len(LOTS)


@pytest.mark.parametrize("number", REQUESTS)
def test_another_that_looks_between_any_two_requests_does_no_harm(number: int) -> None:
    world = World()
    other = world.runner("b")

    def meddle(moment: Moment) -> None:
        if moment.number == number:
            look_again(other)

    settle(world, world.runner("a", meddle), other)
    check(world)
    assert world.completed == LOTS
    assert len(world.ran) == len(LOTS)


@pytest.mark.parametrize("off", [-900, -100, 100, 900])
@pytest.mark.parametrize("number", REQUESTS)
def test_stores_whose_times_differ_by_minutes_complete_each_lot_once(number: int, off: float) -> None:
    world = World()
    other = world.runner("b", off=off)

    def meddle(moment: Moment) -> None:
        if moment.number == number:
            look_again(other)

    settle(world, world.runner("a", meddle), other, until=40 * 60)
    check(world, skew=timedelta(seconds=abs(off)))
    first = world.turns[0].lot.next  # whoever met it first said which
    assert world.completed == [first.plus(each) for each in range(len(world.completed))]
    assert len(world.completed) > 3


def test_chance_breaks_no_law(seeded: Any) -> None:
    for _ in range(60):
        world = World(attempts=50)

        def trouble(moment: Moment, world: World = world) -> None:
            draw = seeded.random()
            if draw < 0.02:
                raise Crashed
            if draw < 0.1:
                raise StoreUnavailableError("no answer")
            if draw < 0.15:
                world.clock.advance(seeded.choice([1, 60, 400]))

        runners = [world.runner(name, trouble) for name in "abc"]
        for _ in range(150):
            index = seeded.randrange(3)
            try:
                look_again(runners[index])
            except Crashed:
                runners[index] = world.runner(f"{seeded.random()}", trouble)
            world.clock.advance(seeded.choice([0, 0, 1, 30, 100]))
        settle(world, world.runner("last"), until=(world.clock.now() - START).total_seconds() + 3600)
        check(world)
        first = world.turns[0].lot.next
        assert world.completed == [first.plus(each) for each in range(len(world.completed))]
