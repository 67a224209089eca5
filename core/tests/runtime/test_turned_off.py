"""What is off begins nothing and loses nothing: arcs, boundaries, activities and notifiers, a minute's grace apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusterless import layout
from clusterless.engine.switches import Switches
from clusterless.errors import MalformedError, WorkloadError
from clusterless.model.activity import Activity, CatchUp, Phase
from clusterless.model.boundary import EventArrival
from clusterless.model.event import Event
from clusterless.model.ledger import Rollback
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.notifier import Notifier
from clusterless.model.project import Project
from clusterless.model.switch import WHOLE, Stretch, Switched
from clusterless.provider import Occasion, Work, WorkResult
from clusterless.runtime import delivery
from clusterless.runtime.activity import RunningActivity
from clusterless.runtime.announcing import PatientPublisher
from clusterless.runtime.arc import Writer
from clusterless.runtime.cron import ticks_of
from clusterless.runtime.delivery import deliver
from clusterless.runtime.intake import Intake, waiting
from clusterless.runtime.letters import LetterBox
from clusterless.runtime.reconcile import unsettled
from clusterless.runtime.replay import ask_for, roll_back_lot
from clusterless.runtime.seal import seal_next
from clusterless.runtime.switches import MEMORY, KnownSwitches, Switch, off_ranges, read_switches, turn
from clusterless.testing.faults import CountingStore

PROJECT = Project(name="demo", version="1")
A = "memory:///data/in/a"


@pytest.fixture
def hand(bench: Any) -> Callable[..., None]:
    """Turns something of the bench's project on or off, now."""

    def turned(element: str = "work", *, on: bool = False, skipped: Stretch | None = None) -> None:
        known = read_switches(bench.state, PROJECT)
        put_id, at = bench.new_id(), bench.clock.now()
        entry = Switched(put_id=put_id, at=at, by="me", element=element, on=on, reason="why", skipped=skipped)
        assert turn(bench.state, PROJECT, known, entry)

    return turned


def switch(bench: Any, element: str = "work") -> Switch:
    """As a process that begins now sees it."""
    return Switch(element, KnownSwitches(bench.state, PROJECT))


# ---- knowing ---------------------------------------------------------------------------------------------------


def test_it_is_looked_at_once_a_minute_by_one_look_at_what_comes_next(bench: Any, hand: Any) -> None:
    bench.state = CountingStore(bench.state)
    known = KnownSwitches(bench.state, PROJECT)
    assert not known().off("work")
    bench.state.keys.clear()
    hand()
    bench.state.keys.clear()
    for _ in range(50):
        assert not known().off("work"), "it is believed for a minute"
    assert not bench.state.keys
    bench.clock.advance(MEMORY.total_seconds())
    assert known().off("work")
    path = "switches/project=demo/version=1/"
    assert dict(bench.state.keys) == {
        ("get", f"{path}recent.json"): 1,
        ("list", path): 1,
        ("get", f"{path}000000001.json"): 1,
    }
    bench.state.keys.clear()
    bench.clock.advance(MEMORY.total_seconds())
    assert known().off("work")
    assert dict(bench.state.keys) == {("head", f"{path}000000002.json"): 1}, "entries never change"


def test_an_answer_that_took_over_a_minute_is_asked_for_again(bench: Any, hand: Any) -> None:
    """As it was when the question was put, it may be as old."""
    known, slow, listed = KnownSwitches(bench.state, PROJECT), [True], bench.state.list

    def list_slowly(prefix: str, after: str = "") -> Any:
        answer = list(listed(prefix, after))
        if slow and prefix.startswith("switches/"):
            slow.clear()
            hand()
            bench.clock.advance(200)
        return iter(answer)

    bench.state.list = list_slowly
    assert known().off("work")


def test_a_clock_that_is_put_back_makes_it_look_again(bench: Any, hand: Any) -> None:
    known = KnownSwitches(bench.state, PROJECT)
    assert not known().off("work")
    hand()
    bench.clock.advance(-1)
    assert known().off("work")


def test_of_two_who_act_on_the_same_picture_one_wins(bench: Any, hand: Any) -> None:
    entry = Switched(put_id="1", at=bench.clock.now(), by="me", element="work", on=False)
    known = read_switches(bench.state, PROJECT)
    hand("other")
    assert not turn(bench.state, PROJECT, known, entry)
    assert turn(bench.state, PROJECT, read_switches(bench.state, PROJECT, known), entry)
    assert [off.switched.element for off in off_ranges(bench.state, PROJECT, "work")] == ["work"]


def test_nothing_is_begun_where_the_switches_cannot_be_read(bench: Any) -> None:
    bench.commit(A)
    bench.state.put("switches/project=demo/version=1/000000001.json", b"{")
    with pytest.raises(MalformedError):
        deliver(bench.arc(switch=switch(bench)), bench.lot)
    assert bench.entries() == []


def fails(_: Work) -> WorkResult:
    raise WorkloadError("no")


# ---- arcs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("element", ["work", WHOLE])
def test_a_lot_of_an_arc_that_is_off_is_not_claimed_and_found_again(bench: Any, hand: Any, element: str) -> None:
    bench.commit(A)
    hand(element)
    off = bench.arc(switch=switch(bench))
    assert deliver(off, bench.lot).why == delivery.DISABLED
    assert deliver(off, bench.lot).is_at_rest
    assert list(unsettled(off)) == []
    assert bench.entries() == []
    hand(element, on=True)
    on = bench.arc(switch=switch(bench))
    assert list(unsettled(on)) == [bench.lot]
    deliver(on, bench.lot)
    assert bench.kinds() == "claim complete"


def test_what_was_committed_is_announced_by_whoever_finds_it_while_it_is_off(bench: Any, hand: Any) -> None:
    """A worker that died between the entry and the marker leaves nothing half done for as long as it is off."""
    bench.commit(A)
    deliver(bench.arc(), bench.lot)
    bench.state.delete(bench.ledger().keys.marker(bench.lot, "complete"))
    hand()
    off = bench.arc(switch=switch(bench))
    assert list(unsettled(off)) == [bench.lot]
    deliver(off, bench.lot)
    assert bench.is_marked()


def test_a_lot_that_has_failed_rests_while_its_arc_is_off(bench: Any, hand: Any) -> None:
    """Nobody waits for its next attempt, which is made when it is on again."""
    bench.commit(A)
    bench.worker.do = fails
    deliver(bench.arc(), bench.lot)
    assert bench.kinds() == "claim missing"
    hand()
    assert deliver(bench.arc(switch=switch(bench)), bench.lot).is_at_rest
    bench.clock.advance(3600)
    assert deliver(bench.arc(switch=switch(bench)), bench.lot).is_at_rest
    assert bench.kinds() == "claim missing"
    hand(on=True)
    bench.worker.do = bench.done
    deliver(bench.arc(switch=switch(bench)), bench.lot)
    assert bench.kinds() == "claim missing claim complete"


def test_a_claim_that_took_over_a_minute_to_write_is_given_back(bench: Any, hand: Any) -> None:
    bench.commit(A)
    arc = bench.arc(switch=switch(bench))
    create = bench.state.create

    def slow(key: str, body: Any) -> None:
        create(key, body)
        if key.endswith("lot=20240131PT5M100/000001.json"):
            hand()
            bench.clock.advance(61)

    bench.state.create = slow
    deliver(arc, bench.lot)
    assert bench.kinds() == "claim rollback"
    assert bench.worker.works == []


def test_a_lot_that_is_being_worked_is_finished(bench: Any, hand: Any) -> None:
    bench.commit(A)

    def work(given: Any) -> Any:
        hand()
        bench.clock.advance(120)
        return bench.done(given)

    bench.worker.do = work
    deliver(bench.arc(switch=switch(bench)), bench.lot)
    assert bench.kinds() == "claim complete"
    assert bench.is_marked()


def test_what_is_left_out_stays_unworked_until_it_is_asked_for(bench: Any, hand: Any) -> None:
    bench.commit(A)
    bench.commit(A, lot=bench.lot.next)
    hand()
    hand(on=True, skipped=Stretch(bench.lot.start, bench.lot.end))
    arc = bench.arc(switch=switch(bench))
    assert list(unsettled(arc)) == [bench.lot.next]
    assert deliver(arc, bench.lot).why == "left out when the arc was enabled"
    assert bench.entries() == []
    assert ask_for(arc, bench.lot, "a back-fill")
    assert list(unsettled(arc)) == [bench.lot, bench.lot.next]
    deliver(arc, bench.lot)
    assert bench.kinds() == "rollback claim complete"


def test_a_lot_of_the_gap_that_was_worked_before_is_worked_again_as_any_other(bench: Any, hand: Any) -> None:
    bench.commit(A)
    deliver(bench.arc(), bench.lot)
    hand()
    hand(on=True, skipped=Stretch(bench.lot.start, bench.lot.end))
    arc = bench.arc(switch=switch(bench))
    assert roll_back_lot(arc, bench.lot, "mended")
    deliver(arc, bench.lot)
    assert bench.kinds() == "claim complete rollback claim complete"


def test_the_usual_lot_asks_nothing_more(bench: Any) -> None:
    """But for the look of the minute."""
    for lot in (bench.lot, bench.lot.next):
        bench.commit(A, lot=lot)
    bench.state = CountingStore(bench.state)
    arc = bench.arc(switch=switch(bench))
    deliver(arc, bench.lot)
    bench.state.keys.clear()
    deliver(arc, bench.lot.next)
    assert Counter(method for method, _ in bench.state.keys.elements()) == {"create": 3}


# ---- boundaries ------------------------------------------------------------------------------------------------


def test_a_boundary_that_is_off_takes_what_arrives_and_seals_it_in_its_own_lots_when_it_is_on(
    bench: Any, hand: Any
) -> None:
    booker = bench.booker(arrival=EventArrival.FREQUENT)
    boundary = bench.boundary(booker, switch=switch(bench, "in"))
    hand("in")
    bench.clock.advance(61)
    days = [bench.lot.plus(288 * day) for day in range(30)]
    for number, lot in enumerate(days):
        boundary.source.arrivals.append(bench.arrival(f"{number}", lot=lot))
        bench.clock.set(lot.end)
        Intake(boundary).take(0)
        assert seal_next(boundary).seal is None
    assert boundary.source.acknowledged == 30, "a queue forgets what is left in it for weeks"
    assert len(list(waiting(boundary))) == 30
    hand("in", on=True)
    bench.clock.advance(61)
    lots = []
    while sealed := seal_next(boundary).seal:
        lots += sealed.lots
    assert [each.lot for each in lots if each.objects] == days
    assert len(lots) == 29 * 288 + 1, "empty ones too"
    assert not any(each.late for each in lots)


def test_a_seal_that_took_over_a_minute_to_make_is_not_written(bench: Any, hand: Any) -> None:
    boundary = bench.boundary(switch=switch(bench, "in"))
    boundary.source.arrivals.append(bench.arrival("a"))
    Intake(boundary).take(0)
    get = bench.state.get

    def slow(key: str) -> bytes:
        if "/intake/" in key:
            hand("in")
            bench.clock.advance(61)
        body: bytes = get(key)
        return body

    bench.state.get = slow
    assert seal_next(boundary).seal is None
    assert boundary.seals.end() == 0


# ---- activities ------------------------------------------------------------------------------------------------


class Runs:
    def __init__(self) -> None:
        self.lots: list[Lot] = []

    def run(self, occasion: Occasion) -> str:
        self.lots.append(occasion.lot)
        return ""

    def close(self) -> None:
        pass


def activity(bench: Any, runs: Runs, catch_up: CatchUp) -> RunningActivity:
    declared = Activity(type="test:core:activity", name="tidy", interval=LotUnit.HOURS, catch_up=catch_up)
    return RunningActivity(
        project=PROJECT,
        activity=declared,
        state=bench.state,
        runnable=runs,
        ticks=ticks_of(declared.schedule),
        writer=Writer(by="worker", new_id=bench.new_id),
        outputs=Path("output"),
        stopping=lambda: False,
        since=bench.clock.now(),
        switch=switch(bench, "tidy"),
    )


def looked(running: RunningActivity) -> None:
    while not running.look().resting:
        pass


@pytest.mark.parametrize(
    ("catch_up", "skips", "runs"),
    [
        (CatchUp.ALL, False, 48),
        (CatchUp.LAST, False, 1),
        (CatchUp.NONE, False, 0),
        (CatchUp.ALL, True, 0),
        (CatchUp.LAST, True, 0),
        (CatchUp.NONE, True, 0),
    ],
)
def test_an_activity_makes_up_for_the_time_it_was_off_as_it_says_unless_that_is_left_out(
    bench: Any, hand: Any, catch_up: CatchUp, skips: bool, runs: int
) -> None:
    done = Runs()
    running = activity(bench, done, catch_up)
    looked(running)
    off = bench.clock.now()
    hand("tidy")
    for _ in range(48):
        bench.clock.advance(3600)
        looked(running)
    assert done.lots == []
    hand("tidy", on=True, skipped=Stretch(off, bench.clock.now()) if skips else None)
    bench.clock.advance(61)
    looked(running)
    assert len(done.lots) == runs
    before = running.ledger.end()
    bench.clock.advance(3600)
    looked(running)
    assert len(done.lots) == runs + 1, "and goes on"
    seen = [running.ledger.read(number).phase for number in range(2, before + 1)].count(Phase.SEEN)
    assert seen == (1 if skips and catch_up is not CatchUp.NONE else 0), "one entry for all that was left out"


# ---- notifiers -------------------------------------------------------------------------------------------------


class Told(list[Lot]):
    def publish(self, event: Event) -> None:
        self.append(event.lot)


def test_a_notifier_that_is_off_keeps_events_and_gives_up_those_that_are_left_out(bench: Any, hand: Any) -> None:
    told = Told()
    box = LetterBox(bench.state, layout.NotifierKeys(PROJECT, "hook"), bench.new_id)
    declared = Notifier(type="test:core:hook", name="hook")
    publisher = PatientPublisher("p/hook", declared, told, box, bench.clock, lambda: False, switch(bench, "hook"))
    hand("hook")
    lots = [bench.lot, bench.lot.next]
    for lot in lots:
        publisher.publish(Event(dataset=bench.sink("out"), lot=lot, manifest="memory:///m"))
    bench.clock.advance(300)
    publisher.send_due()
    assert publisher.quiet
    assert told == []
    assert len(list(box.pending())) == 2
    hand("hook", on=True, skipped=Stretch(bench.lot.start, bench.lot.end))
    bench.clock.advance(61)
    publisher.send_due()
    assert told == [bench.lot.next]
    assert [letter.event.lot for each in box.dead() if (letter := box.read(each.key))] == [bench.lot], "for redrive"


def test_an_entry_of_a_rollback_is_what_asking_writes(bench: Any) -> None:
    """Whoever asks for a lot that is left out need know no switch."""
    ask_for(bench.arc(), bench.lot, "please")
    assert isinstance(bench.entries()[0], Rollback)
    assert Switches().skips("work", bench.lot) is None
