"""Why a lot is not there, from values: one cause each, and none where nothing is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.gaps import (
    Booked,
    Cause,
    Part,
    Reason,
    Worked,
    collapsed,
    stretches,
    why_not_booked,
    why_not_worked,
)
from clusterless.engine.lot_states import Ledger
from clusterless.engine.ranges import ordinal
from clusterless.engine.schedule import Tick
from clusterless.model.arc import Arc, Retry, Wait, WaitFor
from clusterless.model.boundary import Booking, EventArrival
from clusterless.model.dataset import SourceDataset
from clusterless.model.ledger import Claim, Complete, Entry, Failure, Missing, Partial, Rollback
from clusterless.model.lot import Lot, LotUnit

LOT = Lot.parse("20240131PT1H010")
NOW = LOT.end + timedelta(hours=5)
BY: dict[str, Any] = {"put_id": "p", "by": "host:1"}
ATTEMPT = "0-1-00000000000000aa"


# ---- where data comes in


FREQUENT = Booked(
    element="shop/arrive",
    booking=Booking(unit=LotUnit.HOURS, arrival=EventArrival.FREQUENT, grace=60),
    first=LOT.plus(-3),
    through=LOT.plus(3),
)
SELDOM = evolve(FREQUENT, booking=evolve(FREQUENT.booking, arrival=EventArrival.INFREQUENT))


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (SELDOM, Cause.NO_DATA),
        (FREQUENT, Cause.VANISHED),
        (evolve(FREQUENT, first=LOT.next), Cause.NOT_DEPLOYED),
        (evolve(FREQUENT, through=LOT.previous), Cause.NOBODY_LOOKED),
        (evolve(FREQUENT, through=None), Cause.NOBODY_LOOKED),
        (evolve(FREQUENT, through=None, known=False), Cause.NOT_DEPLOYED),
        (evolve(FREQUENT, through=LOT.previous, disabled="off"), Cause.DISABLED),
        (evolve(SELDOM, disabled="off since"), Cause.NO_DATA),
        (evolve(SELDOM, waiting=frozenset({LOT}), disabled="off since"), Cause.DISABLED),
        (evolve(SELDOM, waiting=frozenset({LOT})), Cause.NOBODY_LOOKED),
        (evolve(FREQUENT, unannounced=frozenset({LOT})), Cause.UNFINISHED),
        (evolve(FREQUENT, unreadable="seals/000000001.json"), Cause.UNREADABLE),
    ],
)
def test_a_boundary_has_one_cause(seen: Booked, cause: Cause) -> None:
    reason = why_not_booked(seen, LOT, NOW)
    assert reason
    assert (reason.cause, reason.element, reason.lot) == (cause, "shop/arrive", LOT)


def test_a_lot_is_due_once_its_grace_is_over() -> None:
    behind = evolve(FREQUENT, through=LOT.previous)
    assert why_not_booked(behind, LOT, LOT.end + timedelta(seconds=59)) is None
    assert why_not_booked(behind, LOT, LOT.end + timedelta(seconds=60)) is not None


class EveryOther:
    """What fires in lots of an even number."""

    def after(self, lot: Lot) -> Any:
        for following in range(1, 5):
            each = lot.plus(following)
            if each.index % 2 == 0:
                yield Tick(each, each.start)

    def newest(self, now: datetime) -> Tick | None:
        raise NotImplementedError


def test_of_a_clock_only_what_it_fires_in_is_due() -> None:
    clock = evolve(FREQUENT, ticks=EveryOther(), through=LOT.plus(-4))
    assert why_not_booked(clock, LOT, NOW)
    assert why_not_booked(clock, LOT.next, NOW) is None


# ---- where lots are worked


def arc(**more: Any) -> Arc:
    sources = {role: SourceDataset(name=role, version="1") for role in ("a", "b")}
    return Arc(type="t:c:arc", name="join", sources=sources, retry=Retry(attempts=2, backoff_sec=30), **more)


def worked(last: Entry | None = None, *, marked: bool = True, expires: datetime | None = None, **more: Any) -> Worked:
    given = {"arc": arc(), "starts": {"a": None, "b": None}, "present": ("a", "b"), "outputs": "shop/1/join/", **more}
    return Worked(element="shop/join", ledger=Ledger(last=last, marked=marked, expires=expires), **given)


def claim(number: int = 1) -> Claim:
    attempt = ATTEMPT.replace("-1-", f"-{number}-")
    return Claim(at=LOT.end, attempt=attempt, revision=0, sources={}, expires=LOT.end, **BY)


def failed(kind: type[Missing | Partial] = Missing, number: int = 1, error: str = "ValueError") -> Missing | Partial:
    attempt = ATTEMPT.replace("-1-", f"-{number}-")
    failure = Failure(type=error, message=f"lot {LOT} of {attempt} broke")
    return kind(at=LOT.end, attempt=attempt, revision=0, sources={}, error=failure, **BY)


COMPLETE = Complete(at=LOT.end, attempt=ATTEMPT, revision=0, sources={}, sinks={}, **BY)
ROLLED_BACK = Rollback(at=LOT.end, revision=0, reason="by hand", **BY)
ROOT = Reason(cause=Cause.NO_DATA, element="shop/in", text="nothing arrived", kind="nothing arrived")
GONE = {"b": Part(dataset="b/1", reason=ROOT)}
BOTH_GONE = {"a": Part(dataset="a/1", reason=ROOT), **GONE}
LATER = NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (worked(), Cause.NOBODY_LOOKED),
        (worked(ROLLED_BACK), Cause.NOBODY_LOOKED),
        (worked(claim(), expires=LATER), Cause.RUNNING),
        (worked(claim(), expires=NOW), Cause.FAILED),
        (worked(claim()), Cause.FAILED),
        (worked(claim(2)), Cause.OUT_OF_ATTEMPTS),
        (worked(failed()), Cause.FAILED),
        (worked(failed(Partial)), Cause.FAILED),
        (worked(failed(number=2)), Cause.OUT_OF_ATTEMPTS),
        (worked(failed(error="MalformedError")), Cause.UNREADABLE),
        (worked(COMPLETE, marked=False), Cause.UNFINISHED),
        (worked(COMPLETE), Cause.VANISHED),
        (worked(unreadable="000001.json"), Cause.UNREADABLE),
        (worked(starts=None), Cause.NOT_DEPLOYED),
        (worked(starts={"a": None, "b": LOT}), Cause.NOT_DEPLOYED),
        (worked(ROLLED_BACK, starts={"a": LOT}), Cause.NOBODY_LOOKED),
        (worked(failed(), starts={"a": LOT}), Cause.FAILED),
        (worked(disabled="off"), Cause.DISABLED),
        (worked(failed(), disabled="off"), Cause.DISABLED),
        (worked(failed(number=2), disabled="off"), Cause.OUT_OF_ATTEMPTS),
        (worked(claim(), expires=LATER, disabled="off"), Cause.RUNNING),
        (worked(present=("a",), absent=GONE), Cause.WAITING),
        (worked(present=(), absent=BOTH_GONE), Cause.UPSTREAM),
        (worked(present=(), absent=BOTH_GONE, disabled="off"), Cause.UPSTREAM),
        (worked(present=("a",), absent=GONE, disabled="off"), Cause.WAITING),
        (worked(present=(), absent=BOTH_GONE, starts={"a": LOT}), Cause.NOT_DEPLOYED),
        (worked(present=("a",), absent=GONE, arc=arc(wait=Wait(for_=WaitFor.AT_LEAST, count=1))), Cause.NOBODY_LOOKED),
    ],
)
def test_an_arc_has_one_cause(seen: Worked, cause: Cause) -> None:
    reason = why_not_worked(seen, LOT, NOW)
    assert reason
    assert (reason.cause, reason.element, reason.lot) == (cause, "shop/join", LOT)


def test_what_waits_names_for_whom_and_the_first_ancestor_that_is_blocked() -> None:
    join = why_not_worked(worked(present=("a",), absent=GONE), LOT, NOW)
    assert join
    assert (join.text, join.origin) == ("has a, waits for b/1", ROOT)
    below = why_not_worked(worked(present=(), absent={"a": Part(dataset="join/1", reason=join)}), LOT, NOW)
    assert below
    assert (below.text, below.origin) == ("needs join/1", ROOT)


def test_what_waits_says_how_long_at_most_as_people_do() -> None:
    join = why_not_worked(worked(present=("a",), absent=GONE, arc=arc(wait=Wait(deadline_sec=316224000))), LOT, NOW)
    assert join
    assert join.text == "has a, waits for b/1, for at most 3660d"


def test_nothing_is_due_of_what_is_not_due_upstream() -> None:
    ahead = {"b": Part(dataset="b/1", reason=None)}
    assert why_not_worked(worked(present=("a",), absent=ahead), LOT, NOW) is None
    assert why_not_worked(worked(present=("a",), absent=ahead, starts=None), LOT, NOW) is None
    assert why_not_worked(worked(failed(), present=("a",), absent=ahead), LOT, NOW)


def test_a_failure_says_when_by_whom_and_where_its_output_is() -> None:
    reason = why_not_worked(worked(failed()), LOT, NOW)
    assert reason
    assert (reason.since, reason.by, reason.output) == (LOT.end, "host:1", f"shop/1/join/{LOT}/{ATTEMPT}.log")
    assert reason.text == f"ValueError: lot {LOT} of {ATTEMPT} broke"


def test_only_what_is_not_a_gap_is_what_retention_removed() -> None:
    assert [cause for cause in Cause if not cause.is_gap] == [Cause.REMOVED]
    assert len({cause.code for cause in Cause}) == len(Cause)


# ---- collapsed


def test_the_same_failure_of_neighbours_is_one_range() -> None:
    """Though each message names its own lot and attempt."""
    lots = [LOT, LOT.next, LOT.plus(2)]
    errors = [Failure(type="ValueError", message=f"no {lot} by 0-1-{n:016x}") for n, lot in enumerate(lots)]
    entries = [evolve(failed(), attempt=f"0-1-{n:016x}", error=error) for n, error in enumerate(errors)]
    pairs = [(lot, why_not_worked(worked(entry), lot, NOW)) for lot, entry in zip(lots, entries, strict=True)]
    other = evolve(failed(), error=Failure(type="ValueError", message="another"))
    pairs.append((LOT.plus(3), why_not_worked(worked(other), LOT.plus(3), NOW)))
    found = list(collapsed([(lot, reason) for lot, reason in pairs if reason]))
    assert [(str(lots), reason.output[-8:]) for lots, reason in found] == [
        (f"{LOT}..{LOT.plus(2)}", "0000.log"),
        (str(LOT.plus(3)), "00aa.log"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2024-01-31T05.txt: no number", "2024-01-31T06.txt: no number", True),
        ("file:///in/o5.csv is gone", "file:///in/o6.csv is gone", True),
        ("it exited with 1", "it exited with 137", False),
        ("HTTP 403: not for you", "HTTP 500: not now", False),
        ("orders.csv: no number", "rates.csv: no number", False),
    ],
)
def test_what_a_failure_names_does_not_tell_causes_apart_but_its_numbers_do(
    one: str, other: str, is_same: bool
) -> None:
    entries = [evolve(failed(), error=Failure(type="ValueError", message=message)) for message in (one, other)]
    reasons = [why_not_worked(worked(entry), LOT, NOW) for entry in entries]
    assert (reasons[0] == reasons[1]) is is_same


CAUSES = st.sampled_from([Cause.NO_DATA, Cause.FAILED])


@given(st.dictionaries(st.integers(0, 60), CAUSES))
def test_ranges_hold_each_lot_once_with_its_own_cause_and_are_as_few_as_can_be(causes: dict[int, Cause]) -> None:
    pairs = [(LOT.plus(n), Reason(cause=cause, element="e", text="")) for n, cause in sorted(causes.items())]
    found = list(collapsed(pairs))
    assert [(lot, reason.cause) for lots, reason in found for lot in lots] == [(lot, each.cause) for lot, each in pairs]
    for (one, why), (other, then) in pairwise(found):
        assert one.last.next != other.first or why != then


@given(st.sets(st.integers(0, 500)), st.integers(1, 50))
def test_stretches_hold_all_lots_and_leave_out_what_is_far_between(there: set[int], near: int) -> None:
    lots = [LOT.plus(n) for n in sorted(there)]
    found = list(stretches(lots, near))
    assert [lot for lots_ in found for lot in lots_ if lot in lots] == lots
    assert all(ordinal(b.first) - ordinal(a.last) >= near for a, b in pairwise(found))
    assert all(each.first in lots and each.last in lots for each in found)
