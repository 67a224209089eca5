"""What is to be done about an activity, from its ledger's last entry, what is due, and the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.schedule import Begin, Decision, EachLot, GiveUp, Rest, See, Wait, decide
from clusterless.errors import InvalidValueError
from clusterless.model.activity import Activity, CatchUp, Phase, Turn
from clusterless.model.arc import Retry
from clusterless.model.ledger import Failure
from clusterless.model.lot import Lot, LotUnit

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
FAILED = Failure(type="x", message="no")
EVERY_FIVE = EachLot(LotUnit.TWELFTHS)


def lot(minutes: int) -> Lot:
    """The one that begins so many minutes after noon."""
    return Lot.containing(NOON + timedelta(minutes=minutes), LotUnit.TWELFTHS)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def activity(**more: Any) -> Activity:
    retry = Retry(attempts=2, backoff_sec=60)
    return Activity(**{"type": "x:y:z", "name": "a", "interval": LotUnit.TWELFTHS, "retry": retry, **more})


def turn(phase: Phase, of: int = 0, *, attempt: int = 1, **more: Any) -> Turn:
    return Turn(**{
        "put_id": "p", "at": at(5), "by": "host:1", "phase": phase, "lot": lot(of),
        "attempt": f"0-{attempt}-x", **more,
    })  # fmt: skip


def decided(last: Turn | None, minutes: float, *, since: float = -60, gone: bool = False, **more: Any) -> Decision:
    return decide(activity(**more), last, EVERY_FIVE, at(minutes), since=at(since), gone=gone)


def test_met_first_it_begins_with_the_current_interval() -> None:
    assert decided(None, 7) == See(lot(0))
    cron = activity(interval=None, cron="* * * * *")
    assert decide(cron, None, EVERY_FIVE, at(7), since=at(7)) == See(Lot.containing(at(7), LotUnit.SIXTIETHS))


def test_a_lot_is_due_when_it_has_ended() -> None:
    assert decided(turn(Phase.SEEN), 9.9) == Rest(at(10))
    assert decided(turn(Phase.SEEN), 10) == Begin(lot(5), 1)
    assert decided(turn(Phase.ENDED), 10) == Begin(lot(5), 1)


@pytest.mark.parametrize(
    ("catch_up", "since", "expected"),
    [
        (CatchUp.ALL, 60, Begin(lot(5), 1)),
        (CatchUp.LAST, 60, Begin(lot(25), 1)),
        (CatchUp.NONE, 31, Rest(at(35))),  # all of them came due before this runner looked
        (CatchUp.NONE, 30, Begin(lot(25), 1)),
    ],
)
def test_what_was_missed_is_made_up_for_as_declared(catch_up: CatchUp, since: float, expected: Decision) -> None:
    assert decided(turn(Phase.ENDED), 31, since=since, catch_up=catch_up) == expected


def test_one_that_runs_elsewhere_is_waited_for_until_it_expires_or_is_known_to_be_gone() -> None:
    begun = turn(Phase.BEGAN, expires=at(60))
    assert decided(begun, 59) == Wait(at(60), "being run by host:1")
    assert decided(begun, 60) == Begin(lot(0), 2)
    assert decided(begun, 6, gone=True) == Begin(lot(0), 2)
    last = evolve(begun, attempt="0-2-x")
    assert decided(last, 60) == GiveUp(last)


def test_a_failed_run_is_tried_again_then_rests_and_the_next_goes_on() -> None:
    assert decided(turn(Phase.ENDED, error=FAILED), 5.5) == Wait(at(6), "failed")
    assert decided(turn(Phase.ENDED, error=FAILED), 6) == Begin(lot(0), 2)
    assert decided(turn(Phase.ENDED, error=FAILED), 99) == Begin(lot(0), 2)  # before what came due since
    assert decided(turn(Phase.ENDED, error=FAILED, attempt=2), 9) == Rest(at(10))
    assert decided(turn(Phase.ENDED, error=FAILED, attempt=2), 10) == Begin(lot(5), 1)


def test_a_released_run_is_begun_again_at_once_as_the_same_attempt() -> None:
    assert decided(turn(Phase.RELEASED, attempt=2), 5.1) == Begin(lot(0), 2)


class Never:
    """A schedule whose last tick has been."""

    def after(self, lot: Lot) -> Any:
        return iter(())

    def newest(self, now: datetime) -> None:
        return None


@pytest.mark.parametrize("catch_up", CatchUp)
def test_where_nothing_will_ever_be_due_it_rests_for_good(catch_up: CatchUp) -> None:
    decision = decide(activity(catch_up=catch_up), turn(Phase.ENDED), Never(), at(99), since=at(0))
    assert decision == Rest(None)


@given(minutes=st.integers(0, 10_000), unit=st.sampled_from(LotUnit))
def test_the_newest_tick_is_the_last_of_those_that_are_due(minutes: int, unit: LotUnit) -> None:
    ticks, now = EachLot(unit), at(minutes)
    newest = ticks.newest(now)
    assert newest
    assert newest.due <= now
    following = list(islice(ticks.after(newest.lot), 2))
    assert following[0].due > now
    assert [each.lot for each in following] == [newest.lot.next, newest.lot.next.next]


@pytest.mark.parametrize("when", [{"interval": None}, {"cron": "0 3 * * *"}, {"timezone": "Europe/Berlin"}])
def test_an_activity_says_one_way_when_it_runs(when: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match="cron"):
        activity(**when)
