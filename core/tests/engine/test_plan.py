"""Plans: which lots and why, kept as few stretches, worked in order, and counted as they come to something."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.plan import (
    Came,
    Covered,
    Ended,
    Standing,
    Which,
    Why,
    counted,
    differing,
    ended,
    estimate,
    evenly,
    in_order,
    in_unit,
    replaces,
    resting,
    scaled,
    stretches,
    typical,
    why,
)
from clusterless.engine.ranges import LotRange, runs
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot, LotUnit

START = Lot.parse("20240101PT1H000")
numbers = st.sets(st.integers(0, 200))
reasons = st.dictionaries(st.integers(0, 200), st.sampled_from(Why))


def lots(of: set[int]) -> list[Lot]:
    return [START.plus(number) for number in sorted(of)]


@given(reasons, st.booleans())
def test_stretches_hold_each_lot_with_its_reason_in_the_order_asked_for(given: dict[int, Why], newest: bool) -> None:
    pairs = [(START.plus(number), reason) for number, reason in sorted(given.items())]
    kept = tuple(stretches(pairs))
    assert list(in_order(kept, newest_first=newest)) == (pairs[::-1] if newest else pairs)
    joined = pairwise(kept)
    assert not any(one.why is other.why and one.lots.last.next == other.lots.first for one, other in joined)


@given(numbers, numbers)
def test_what_is_covered_is_what_some_range_holds(one: set[int], other: set[int]) -> None:
    covered = Covered([*runs(lots(one)), *runs(lots(other))])
    assert {number for number in range(202) if START.plus(number) in covered} == one | other
    assert Lot.containing(START.start, LotUnit.DAYS) not in covered


@given(numbers, st.integers(1, 30))
def test_lots_are_picked_evenly_and_none_twice(there: set[int], most: int) -> None:
    picked = evenly(runs(lots(there)), most)
    assert picked == sorted(set(picked))
    assert {*picked} <= {*lots(there)}
    assert len(picked) == min(len(there), most)


@given(st.integers(0, 400), st.integers(0, 40), st.sampled_from(LotUnit))
def test_lots_of_another_unit_touch_the_same_time(first: int, more: int, unit: LotUnit) -> None:
    wanted = LotRange(START.plus(first), START.plus(first + more))
    other = in_unit(wanted, unit)
    assert other.first.start <= wanted.first.start < other.first.end
    assert other.last.start < wanted.last.end <= other.last.end
    assert unit is not LotUnit.HOURS or other == wanted


@pytest.mark.parametrize(
    ("state", "newer", "changed", "reason"),
    [
        (None, False, False, Why.MISSING),
        (ArcState.MISSING, False, False, Why.FAILED),
        (ArcState.PARTIAL, False, False, Why.PARTIAL),
        (ArcState.COMPLETE, True, True, Why.STALE),
        (ArcState.COMPLETE, False, True, Why.CHANGED),
        (ArcState.COMPLETE, False, False, Why.COMPLETE),
    ],
)
def test_a_lot_is_worked_for_the_reason_that_is_asked_for(
    state: ArcState | None, newer: bool, changed: bool, reason: Why
) -> None:
    standing = Standing(lot=START, state=state, newer=newer, changed=changed)
    asked = {which for which in Which if why(standing, [which])}
    assert Which.ALL in asked
    by_name = {Why.STALE: {Which.STALE, Which.COMPLETE}, Why.CHANGED: {Which.STALE, Which.COMPLETE}}
    assert asked - {Which.ALL} == by_name.get(reason, {Which(reason.value)} if reason is not Why.CHANGED else set())
    assert why(standing, [Which.ALL]) is reason


@pytest.mark.parametrize("which", [Which.MISSING, Which.FAILED, Which.COMPLETE, Which.ALL])
def test_what_was_rolled_back_is_asked_for_by_what_it_may_have_been(which: Which) -> None:
    assert why(Standing(lot=START, state=None, number=3), [which]) is Why.MISSING
    assert why(Standing(lot=START, state=None, number=3), [Which.STALE]) is None


def test_what_is_running_is_left_alone_whatever_is_asked_for() -> None:
    assert why(Standing(lot=START, state=ArcState.RUNNING), list(Which)) is None
    assert not any(replaces(reason, ArcState.RUNNING) or replaces(reason, None) for reason in Why)


def test_what_was_completed_since_it_was_planned_as_missing_or_failed_is_not_replaced() -> None:
    kept = {reason for reason in Why if not replaces(reason, ArcState.COMPLETE)}
    assert kept == {Why.MISSING, Why.FAILED, Why.PARTIAL}
    assert all(replaces(reason, state) for reason in Why for state in (ArcState.MISSING, ArcState.PARTIAL))


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(Came)), max_size=60))
def test_each_lot_counts_once_and_as_done_where_it_ever_was(history: list[tuple[int, Came]]) -> None:
    rests: set[int] = set()
    written: list[Ended] = []
    for number, came in history:
        if number not in rests:  # nobody works what rests
            written += ended({(0, came): [START.plus(number)]})
            rests |= {number} if came not in {Came.FAILED, Came.LEFT} else set()
    counts = counted(written).get(0, {})
    assert sum(counts.values()) == len({number for number, _ in history})
    assert {number for number in range(31) if START.plus(number) in resting(written, 0)} == rests
    done = {lot for each in differing(written, 0) for lot in each}
    assert len(done) == counts.get(Came.DONE, 0)


def test_what_is_estimated_keeps_to_the_slower_of_work_and_rate() -> None:
    assert estimate(100, 2.0, 4, None) == 50
    assert estimate(100, 2.0, 4, 60) == 100
    assert estimate(100, None, 4, None) is None
    assert estimate(100, None, 4, 60) == 100
    assert typical([]) is None
    assert typical([1, 9, 2]) == 2
    assert scaled([1, 3], 10) == 20
    assert scaled([1, None], 10) is None
    assert scaled([], 10) is None
