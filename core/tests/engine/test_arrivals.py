"""What a boundary seals next, simulated over many plans: each batch once, in order, never too soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine import arrivals
from clusterless.engine.arrivals import (
    MOST_LOTS,
    Plan,
    Waiting,
    due,
    for_one_seal,
    identity,
    plan_seal,
    without_doubles,
)
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import Booking, EventArrival, LotSource
from clusterless.model.dataset import Tenure
from clusterless.model.lot import Lot, LotUnit

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
BEFORE = Lot.containing(NOON, LotUnit.SIXTIETHS).previous
"""The last lot that ended by noon."""


def booking(frequent: bool = False, by_key: bool = False, grace: float = 0) -> Booking:
    return Booking(
        unit=LotUnit.SIXTIETHS,
        arrival=EventArrival.FREQUENT if frequent else EventArrival.INFREQUENT,
        lot_source=LotSource.KEY_TIMESTAMP_REGEX if by_key else LotSource.EVENT_TIME,
        grace=grace,
    )


def waiting(*offsets: int, age: float = 0) -> list[Waiting]:
    """Batches in lots so many minutes after the one before noon, written *age* seconds before noon."""
    lots = [BEFORE.plus(offset) for offset in offsets]
    return [Waiting(f"{lot}/{number}", lot, NOON - timedelta(seconds=age)) for number, lot in enumerate(lots)]


def summed(plan: Plan | None) -> tuple[Any, ...] | None:
    """A plan in minutes after the lot before noon: its lots, what is late, where that goes, how far it reaches."""
    if plan is None:
        return None

    def offset(lot: Lot) -> int:
        return (lot.start - BEFORE.start) // LotUnit.SIXTIETHS.length

    into, through = (None if lot is None else offset(lot) for lot in (plan.into, plan.through))
    return [offset(lot) for lot in plan.lots], [offset(lot) for lot in plan.late], into, through


TABLE: list[tuple[str, Booking, list[Waiting], int | None, float, Any]] = [
    # by arrival time: what is in the intake, through, seconds after noon, plan
    ("nothing at all", booking(), [], None, 0, None),
    ("nothing since", booking(), [], -1, 600, None),
    ("ended", booking(), waiting(0), None, 0, ([0], [], None, 0)),
    ("not ended", booking(), waiting(1), None, 59, None),
    ("ended just now", booking(), waiting(1), None, 60, ([1], [], None, 1)),
    ("in its grace", booking(grace=90), waiting(0), None, 89, None),
    ("past its grace", booking(grace=90), waiting(0), None, 90, ([0], [], None, 0)),
    ("gaps are left out", booking(), waiting(-9, -2, -2, 0, 5), -10, 0, ([-9, -2, 0], [], None, 0)),
    ("gaps are filled", booking(frequent=True), waiting(-2), -4, 0, ([-3, -2, -1, 0], [], None, 0)),
    ("empty lots are sealed", booking(frequent=True), [], -3, 0, ([-2, -1, 0], [], None, 0)),
    ("the first is empty", booking(frequent=True), [], None, 0, ([0], [], None, 0)),
    ("the first arrival is first", booking(frequent=True), waiting(-3), None, 0, ([-3, -2, -1, 0], [], None, 0)),
    ("late joins the next", booking(), waiting(-5), -1, 0, ([0], [-5], 0, 0)),
    ("late joins what is due", booking(), waiting(-5, -1), -2, 0, ([-1], [-5], -1, -1)),
    ("late waits for the next", booking(), waiting(0), 0, 0, None),
    ("late, frequent", booking(frequent=True), waiting(-5), -1, 0, ([0], [-5], 0, 0)),
    ("the clock went back", booking(), waiting(0, 5), 10, 0, None),
    # by the key's time
    ("the newest may grow", booking(by_key=True, grace=90), waiting(0), None, 0, None),
    ("a later key ends it", booking(by_key=True, grace=90), waiting(-1, 0), None, 0, ([-1], [], None, -1)),
    ("quiet ends it", booking(by_key=True, grace=90), waiting(0, age=90), None, 0, ([0], [], None, 0)),
    ("not quiet yet", booking(by_key=True, grace=90), waiting(0, age=89), None, 0, None),
    ("the future moves nothing", booking(by_key=True, grace=90), waiting(0, 9), None, 0, None),
    ("nor when quiet", booking(by_key=True, grace=90), waiting(9, age=99), None, 0, None),
    ("nor takes the future", booking(by_key=True, grace=90), waiting(0, 9, age=99), None, 0, ([0], [], None, 0)),
    ("late waits for quiet", booking(by_key=True, grace=90), waiting(-5), -1, 0, None),
    ("late, quiet", booking(by_key=True, grace=90), waiting(-5, age=90), -1, 0, ([], [-5], None, -1)),
    ("late and new", booking(by_key=True, grace=90), waiting(-5, 0, 1), -1, 60, ([0], [-5], None, 0)),
    ("frequent keys", booking(True, True, 90), waiting(-2, 0, age=90), -4, 0, ([-3, -2, -1, 0], [], None, 0)),
    ("no keys, no lots", booking(True, True, 90), [], -4, 0, None),
]


@pytest.mark.parametrize(
    ("how", "batches", "through", "seconds", "expected"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE]
)
def test_a_plan(how: Booking, batches: list[Waiting], through: int | None, seconds: float, expected: Any) -> None:
    reached = None if through is None else BEFORE.plus(through)
    assert summed(plan_seal(how, batches, reached, NOON + timedelta(seconds=seconds))) == expected


@pytest.mark.parametrize("frequent", [False, True])
def test_the_open_lot_is_sealed_if_it_is_asked_for(frequent: bool) -> None:
    plan = plan_seal(booking(frequent, grace=90), waiting(0, 1), BEFORE.previous, NOON, seal_open=True)
    assert summed(plan) == ([0, 1], [], None, 1)


def test_what_is_late_for_the_open_lot_is_sealed_ahead() -> None:
    late = plan_seal(booking(), waiting(1), BEFORE.next, NOON, seal_open=True)
    assert summed(late) == ([2], [1], 2, 2)
    assert late
    assert late.ahead
    ours = Tenure(last=BEFORE.next)
    assert summed(plan_seal(booking(), waiting(1), BEFORE.next, NOON, tenure=ours, seal_open=True)) == ([], [1], 1, 1)


def test_the_first_lot_is_none_before_anything_arrived() -> None:
    assert plan_seal(booking(frequent=True), waiting(1), None, NOON) is None


def test_a_plan_keeps_to_the_lots_that_the_project_may_write() -> None:
    ours = Tenure(first=BEFORE.plus(-2), last=BEFORE.previous)
    assert summed(plan_seal(booking(frequent=True), waiting(0), None, NOON, tenure=ours)) == ([-2, -1], [], None, -1)
    assert plan_seal(booking(), waiting(0), None, NOON, tenure=ours) is None
    assert plan_seal(booking(), waiting(0), None, NOON, tenure=Tenure(ever=False)) is None
    late = plan_seal(booking(), waiting(-3), ours.last, NOON, tenure=ours)
    assert summed(late) == ([], [-3], -1, -1)


def test_a_long_stretch_takes_several_seals() -> None:
    first = BEFORE.plus(-MOST_LOTS - 4)
    plan = plan_seal(booking(frequent=True), waiting(-MOST_LOTS, 0), first.previous, NOON)
    assert plan
    assert (len(plan.lots), plan.lots[0], plan.through) == (MOST_LOTS, first, BEFORE.plus(-5))
    assert [len(keys) for keys in plan.batches.values()] == [1]
    rest = plan_seal(booking(frequent=True), waiting(0), plan.through, NOON)
    assert summed(rest) == ([-4, -3, -2, -1, 0], [], None, 0)


def test_a_batch_of_the_past_is_taken_with_the_lot_it_goes_into() -> None:
    plan = plan_seal(booking(), waiting(-5, -5, 0, 3), BEFORE.previous, NOON)
    assert plan
    assert {str(lot): list(keys) for lot, keys in plan.batches.items()} == {
        str(BEFORE.plus(-5)): [f"{BEFORE.plus(-5)}/0", f"{BEFORE.plus(-5)}/1"],
        str(BEFORE): [f"{BEFORE}/2"],
    }


# ---- laws over whole histories ---------------------------------------------------------------------------------


@define
class History:
    """A boundary whose intake is fed, and which is asked for plans, until it rests."""

    how: Booking
    now: datetime = NOON
    through: Lot | None = None
    lying: list[Waiting] = field(factory=list)
    written: list[str] = field(factory=list)
    taken: list[str] = field(factory=list)
    sealed: list[Lot] = field(factory=list)

    def write(self, offset: int) -> None:
        lot = Lot.containing(self.now, LotUnit.SIXTIETHS).plus(offset)
        key = f"{lot}/{len(self.written)}"
        self.written.append(key)
        self.lying.append(Waiting(key, lot, self.now))

    def seal(self) -> bool:
        plan = plan_seal(self.how, self.lying, self.through, self.now)
        if plan is None:
            return False
        self._judge(plan)
        taken = [key for keys in plan.batches.values() for key in keys]
        assert set(taken) <= {each.key for each in self.lying}
        self.taken += taken
        self.lying = [each for each in self.lying if each.key not in taken]
        self.sealed += plan.lots
        self.through = plan.through
        return True

    def _judge(self, plan: Plan) -> None:
        current = Lot.containing(self.now, LotUnit.SIXTIETHS)
        assert plan.through is not None
        assert self.through is None or plan.through >= self.through
        assert len(plan.lots) <= arrivals.MOST_LOTS
        assert list(plan.lots) == sorted(set(plan.lots))
        assert all(self.through is None or lot > self.through for lot in plan.lots)
        assert all(self.through is not None and lot <= self.through for lot in plan.late)
        assert plan.lots or plan.batches, "a seal says something"
        assert all(lot in {*plan.lots, *plan.late} for lot in plan.batches)
        assert {each.key for each in self.lying if each.lot <= plan.through} == {
            key for keys in plan.batches.values() for key in keys
        }
        if self.how.lot_source.is_key_time:
            assert plan.through <= current
        elif plan.lots:
            assert plan.lots[-1].end + timedelta(seconds=self.how.grace) <= self.now
        if plan.late and not self.how.lot_source.is_key_time:
            assert plan.into == plan.lots[-1]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(-12, 3)),
        st.tuples(st.just("pass"), st.integers(1, 200)),
        st.tuples(st.just("seal"), st.just(0)),
    ),
    max_size=25,
)
bookings = st.builds(booking, st.booleans(), st.booleans(), st.sampled_from([0.0, 30.0, 90.0]))


@given(bookings, steps)
def test_every_batch_is_taken_once_and_lots_come_in_order(how: Booking, taken: list[tuple[str, int]]) -> None:
    history = History(how)
    for step, amount in taken:
        match step:
            case "write":
                history.write(amount)
            case "pass":
                history.now += timedelta(seconds=amount)
            case _:
                history.seal()
    history.now += timedelta(hours=1)
    while history.seal():
        pass
    assert sorted(history.taken) == sorted(history.written)
    assert not history.lying
    assert history.sealed == sorted(set(history.sealed))
    if how.arrival is EventArrival.FREQUENT and history.sealed:
        first, last = history.sealed[0], history.sealed[-1]
        assert len(history.sealed) == (last.end - first.start) // LotUnit.SIXTIETHS.length
        assert last == history.through


@given(bookings, st.lists(st.integers(-9, 3), max_size=8), st.integers(-9, 0), st.randoms(use_true_random=False))
def test_the_order_of_a_listing_changes_no_plan(how: Booking, offsets: list[int], through: int, shuffle: Any) -> None:
    batches = waiting(*offsets, age=99)
    reached = BEFORE.plus(through)
    plan = plan_seal(how, batches, reached, NOON)
    shuffle.shuffle(batches)
    assert plan_seal(how, batches, reached, NOON) == plan


@given(
    bookings,
    st.lists(st.tuples(st.integers(-12, 3), st.integers(0, 200))),
    st.none() | st.integers(-13, 0),
    st.booleans(),
)
def test_what_lies_beyond_one_seal_changes_no_plan(
    how: Booking, written: list[tuple[int, int]], through: int | None, seal_open: bool
) -> None:
    listed = [each for offset, age in sorted(written) for each in waiting(offset, age=age)]
    reached = None if through is None else BEFORE.plus(through)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "MOST_LOTS", 3)
        some = for_one_seal(how, iter(listed), reached, NOON)
        assert some == listed[: len(some)]
        assert len({each.lot for each in some if reached is None or each.lot > reached}) <= 4 or some == listed
        assert plan_seal(how, some, reached, NOON, seal_open=seal_open) == plan_seal(
            how, listed, reached, NOON, seal_open=seal_open
        )


@given(
    st.lists(st.integers(4, 99), min_size=1, max_size=5), st.lists(st.integers(-9, 0), max_size=5), st.integers(-9, 0)
)
def test_keys_of_the_future_move_nothing(future: list[int], offsets: list[int], through: int) -> None:
    how, reached = booking(by_key=True, grace=90), BEFORE.plus(through)
    with_them = plan_seal(how, [*waiting(*offsets, age=99), *waiting(*future, age=99)], reached, NOON)
    assert summed(with_them) == summed(plan_seal(how, waiting(*offsets, age=99), reached, NOON))


some = st.builds(
    Arrival, st.sampled_from(["a", "b", "c"]), st.sampled_from("xy"), st.integers(0, 9),
    st.integers(0, 99).map(lambda seconds: NOON + timedelta(seconds=seconds)),
)  # fmt: skip


@given(st.lists(some), st.sets(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from("xy"))))
def test_doubles_are_dropped_whatever_their_order(given_: list[Arrival], known: set[tuple[str, str]]) -> None:
    before = set(known)
    fresh = without_doubles(given_, known)
    assert {identity(each) for each in fresh} == {identity(each) for each in given_} - before
    assert len(fresh) == len({identity(each) for each in fresh})
    assert known == before | {identity(each) for each in given_}
    assert [each.uri for each in fresh] == sorted(each.uri for each in fresh)
    assert without_doubles(given_, known) == []


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=4),
    st.none() | st.integers(-3, 3),
    st.integers(0, 600),
)
def test_what_waits_is_sealed_when_it_is_due_and_no_sooner(offsets: list[int], through: int | None, grace: int) -> None:
    reached = None if through is None else BEFORE.plus(through)
    how, batches = booking(grace=grace), waiting(*offsets)
    found = due(how, batches, reached)
    assert found is not None
    lot, at = found
    assert lot == max(BEFORE.plus(min(offsets)), reached.next if reached else BEFORE.plus(-100))
    assert plan_seal(how, batches, reached, at - timedelta(seconds=1)) is None
    assert plan_seal(how, batches, reached, at) is not None


def test_what_waits_by_key_time_or_not_at_all_is_due_at_no_known_time() -> None:
    assert due(booking(by_key=True), waiting(0), None) is None
    assert due(booking(), [], None) is None
