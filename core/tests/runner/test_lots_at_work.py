"""`Lots`: one delivery of a lot at a time, again when it was heard of meanwhile, later when it was put off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from clusterless.errors import ClsError, ObjectConflictError, StoreRefusedError, StoreUnavailableError
from clusterless.model.arc import Arc
from clusterless.model.ledger import Complete
from clusterless.model.lot import Lot, LotUnit
from clusterless.runner import lots as module
from clusterless.runner.happenings import Happening, LeftAlone, Started, Trouble, Worked
from clusterless.runner.lots import Lots, interleave
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.delivery import Delivered

LOT = Lot.parse("20240131PT5M100")
MakeArc = Callable[..., RunningArc]


@frozen(kw_only=True)
class Daily(Arc):
    @property
    def lot_unit(self) -> LotUnit:
        return LotUnit.DAYS


@define(eq=False)
class Message:
    """A delivery that notes how it was answered."""

    answers: list[float | None] = field(factory=list)

    def acknowledge(self) -> None:
        self.answers.append(None)

    def defer(self, seconds: float) -> None:
        self.answers.append(seconds)


@define(eq=False)
class Scene:
    """Lots whose deliveries come to what is told in *says*, each when *gate* is open."""

    arc: RunningArc
    lots: Lots = field(init=False)
    told: list[Happening] = field(factory=list)
    says: list[Delivered | Exception] = field(factory=list)
    gate: threading.Event = field(factory=threading.Event)
    begun: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    running: int = 0
    most: int = 0
    count: int = 0

    def deliver(self, _arc: RunningArc, _lot: Lot) -> Delivered:
        self.running += 1
        self.count += 1
        self.most = max(self.most, self.running)
        self.begun.release()
        self.gate.wait(10)
        self.running -= 1
        said = self.says.pop(0) if self.says else Delivered("complete")
        if isinstance(said, Exception):
            raise said
        return said

    def settle(self, until: Callable[[], bool] | None = None) -> None:
        """Go round as the run does, until nothing is under way."""
        self.gate.set()
        pause = threading.Event()
        for _ in range(2000):
            self.lots.start_due()
            self.lots.collect()
            if until() if until else not self.lots.busy:
                return
            pause.wait(0.005)
        pytest.fail("it does not settle")


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, an_arc: MakeArc) -> Any:
    scene = Scene(an_arc())
    scene.lots = Lots(2, scene.told.append, lambda: None)
    monkeypatch.setattr(module, "deliver", scene.deliver)
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    yield scene
    scene.gate.set()
    scene.lots.close()


def test_a_lot_is_delivered_once_more_however_often_it_is_heard_of_meanwhile(scene: Scene) -> None:
    messages = [Message() for _ in range(5)]
    scene.lots.start(scene.arc, LOT, messages[0])
    scene.begun.acquire(timeout=10)
    for message in messages[1:]:
        scene.lots.start(scene.arc, LOT, message)
    scene.settle()
    assert (scene.count, scene.most) == (2, 1)
    assert [message.answers for message in messages] == [[None]] * 5


def test_what_is_only_found_again_is_not_delivered_again(scene: Scene) -> None:
    scene.lots.start(scene.arc, LOT)
    scene.begun.acquire(timeout=10)
    scene.lots.start(scene.arc, LOT)
    scene.settle()
    assert scene.count == 1


def test_lots_and_arcs_are_told_apart(scene: Scene, an_arc: MakeArc) -> None:
    scene.gate.set()
    for arc in (scene.arc, an_arc("other")):
        for lot in (LOT, LOT.next):
            scene.lots.start(arc, lot)
    scene.settle()
    assert scene.count == 4


def test_no_more_are_taken_on_than_twice_what_runs_at_a_time(scene: Scene) -> None:
    free = []
    for number in range(4):
        free.append(scene.lots.free)
        scene.lots.start(scene.arc, LOT.plus(number))
    assert [*free, scene.lots.free] == [4, 3, 2, 1, 0]
    scene.settle()
    assert scene.most == 2
    assert (scene.lots.free, scene.lots.started, scene.lots.settled) == (4, 4, 4)


def test_what_is_told_of_a_lot_is_how_long_its_work_took_and_not_its_announcement(scene: Scene) -> None:
    now = datetime(2024, 1, 31, tzinfo=UTC)
    came = Complete(put_id="1", at=now, by="me", attempt="0-1-0", revision=0, sources={}, sinks={})
    scene.says = [Delivered("complete", None, came, took=7.5)]
    scene.lots.start(scene.arc, LOT)
    scene.settle()
    assert [each.seconds for each in scene.told if isinstance(each, Worked)] == [7.5]


def test_what_is_put_off_comes_back_and_its_message_is_deferred(scene: Scene) -> None:
    scene.says = [Delivered("claimed", 0.05)]
    message = Message()
    scene.lots.start(scene.arc, LOT, message)
    scene.settle()
    assert message.answers == [0.05]
    assert 0 <= (scene.lots.next_due() or 0) <= 0.05
    scene.lots.start(scene.arc, LOT)
    assert not scene.lots.busy, "nothing new: it is left to itself"
    scene.settle(lambda: scene.count == 2 and not scene.lots.busy)
    assert scene.lots.next_due() is None


def test_news_of_a_lot_that_is_put_off_delivers_it_at_once(scene: Scene) -> None:
    scene.says = [Delivered("claimed", 1000)]
    scene.lots.start(scene.arc, LOT)
    scene.settle()
    scene.lots.start(scene.arc, LOT, Message())
    scene.settle()
    assert scene.count == 2
    assert scene.lots.next_due() is None


def test_a_lot_that_is_not_over_is_put_off_but_not_waited_for(scene: Scene) -> None:
    scene.says = [Delivered("waiting", 1000, is_open=True), Delivered("waiting", 0.05), Delivered("complete")]
    message = Message()
    scene.lots.start(scene.arc, LOT, message)
    scene.settle()
    assert message.answers == [1000]
    assert scene.lots.next_due() is not None
    assert not scene.lots.awaited
    scene.lots.start(scene.arc, LOT, Message())
    scene.settle()
    assert scene.lots.awaited, "it is over now"  # noqa: PGH005  no mock
    scene.settle(lambda: scene.count == 3 and not scene.lots.busy)
    assert not scene.lots.awaited


def test_a_deadline_is_waited_for_where_it_is_near(scene: Scene) -> None:
    """What is put off for another reason is waited for, however long that takes."""
    until = datetime(2024, 2, 2, tzinfo=UTC)
    scene.says = [
        Delivered("waiting", 1000, until=until),
        Delivered("waiting", 50, until=until),
        Delivered("due", 1000),
    ]
    awaited = []
    for _ in range(3):
        scene.lots.start(scene.arc, LOT, Message())
        scene.settle()
        awaited.append(scene.lots.awaited)
    assert awaited == [False, True, True]
    assert [each.until for each in scene.told if isinstance(each, LeftAlone)] == [*[until.isoformat()] * 2, ""]


def test_lots_of_one_larger_lot_are_one_delivery(scene: Scene) -> None:
    """Events of two hours of a day lead to the day, which is worked once at a time."""
    day = Lot.parse("20240131P1D000")
    scene.arc = evolve(scene.arc, arc=Daily(type="t:core:arc", name="work", sources=scene.arc.arc.sources))
    messages = [Message() for _ in range(2)]
    for hour, message in zip(("20240131PT1H003", "20240131PT1H017"), messages, strict=True):
        scene.lots.start(scene.arc, Lot.parse(hour), message)
    scene.lots.start(scene.arc, day)
    scene.settle()
    assert (scene.most, scene.count) == (1, 2)
    assert {each.lot for each in scene.told if isinstance(each, Started)} == {str(day)}
    assert [each.answers for each in messages] == [[None]] * 2


class PassingError(ClsError):
    retryable = True


@pytest.mark.parametrize(
    "error",
    [StoreUnavailableError("down"), StoreRefusedError("full"), PassingError("a notifier"), RuntimeError("anything")],
    ids=lambda error: type(error).__name__,
)
def test_trouble_that_may_pass_is_tried_again(scene: Scene, error: Exception) -> None:
    scene.says = [error]
    message = Message()
    scene.lots.start(scene.arc, LOT, message)
    scene.settle(lambda: scene.count == 2 and not scene.lots.busy)
    assert message.answers == [0.01]
    assert not scene.lots.set_aside
    assert [type(each) for each in scene.told] == [Started, Trouble, Started, LeftAlone]


def test_trouble_that_someone_must_look_at_is_set_aside_until_the_lot_is_heard_of_again(scene: Scene) -> None:
    scene.says = [ObjectConflictError("other bytes")]
    message = Message()
    scene.lots.start(scene.arc, LOT, message)
    scene.settle()
    assert message.answers == [None]
    assert list(scene.lots.set_aside.values()) == [f"p/work {LOT}"]
    assert scene.lots.next_due() is None
    scene.lots.start(scene.arc, LOT, Message())
    scene.settle()
    assert not scene.lots.set_aside


def test_trouble_that_stays_is_told_once_and_set_aside(scene: Scene) -> None:
    scene.says = [StoreRefusedError("full")] * 3
    scene.lots.start(scene.arc, LOT, Message())
    scene.settle(lambda: bool(scene.lots.set_aside))
    assert (scene.count, scene.lots.next_due()) == (3, None)
    assert [type(each) for each in scene.told] == [Started, Trouble, Started, Started]


def test_a_store_that_does_not_answer_is_waited_for(scene: Scene) -> None:
    scene.says = [StoreUnavailableError("down")] * 4
    scene.lots.start(scene.arc, LOT, Message())
    scene.settle(lambda: scene.count == 5 and not scene.lots.busy)
    assert not scene.lots.set_aside
    assert len([each for each in scene.told if isinstance(each, Trouble)]) == 4


def test_a_queue_that_does_not_take_an_answer_is_trouble_and_no_more(scene: Scene) -> None:
    class Deaf(Message):
        def acknowledge(self) -> None:
            raise StoreUnavailableError("down")

    scene.lots.start(scene.arc, LOT, Deaf())
    scene.settle()
    assert isinstance(scene.told[-1], Trouble)
    assert not scene.lots.busy


def test_at_the_end_what_was_heard_of_meanwhile_is_left_to_come_again(scene: Scene) -> None:
    first, second = Message(), Message()
    scene.lots.start(scene.arc, LOT, first)
    scene.begun.acquire(timeout=10)
    scene.lots.start(scene.arc, LOT, second)
    scene.lots.start(scene.arc, LOT.next, third := Message())
    scene.gate.set()
    scene.lots.close()
    assert (first.answers, second.answers, third.answers) == ([], [], [None])
    assert scene.count == 2


def test_arcs_take_turns(an_arc: MakeArc) -> None:
    one, two = an_arc("one"), an_arc("two")
    taken = interleave((one, iter([LOT, LOT.next, LOT.plus(2)])), (two, iter([LOT])))
    assert [(arc.arc.name, lot.index - LOT.index) for arc, lot in taken] == [
        ("one", 0), ("two", 0), ("one", 1), ("one", 2),
    ]  # fmt: skip
