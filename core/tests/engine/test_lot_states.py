"""The table of what follows what in a lot's ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.lot_states import (
    Acknowledge,
    ClaimNext,
    Decision,
    Defer,
    Finish,
    GiveUp,
    Ledger,
    RollBack,
    attempt_id,
    attempt_number,
    changed,
    decide,
)
from clusterless.model.arc import Arc, Retry
from clusterless.model.dataset import Dataset, OnRevision, SourceDataset
from clusterless.model.ledger import Claim, Complete, Entry, Failure, Missing, Partial, Pin, Rollback
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
LOT = Lot.parse("20240131PT5M100")


def arc(rerun: str = "", attempts: int = 3) -> Arc:
    """Roles in *rerun* are worked again where their source has a newer revision."""
    sources = {
        role: SourceDataset(
            name=role, version="1", on_revision=OnRevision.RERUN if role in rerun else OnRevision.REPORT
        )
        for role in "abc"
    }
    return Arc(type="t:core:arc", name="work", sources=sources, retry=Retry(attempts=attempts, backoff_sec=30))


def pins(**revisions: int) -> dict[str, Pin]:
    return {
        role: Pin(
            dataset=Dataset(name=role, version="1"),
            lot=LOT,
            manifest=f"memory:///{role}/{revision}",
            state=ManifestState.COMPLETE,
            revision=revision,
        )
        for role, revision in revisions.items()
    }


BASE: dict[str, Any] = {"put_id": "x", "at": NOON, "by": "somebody"}


def _of(attempt: int, revision: int) -> dict[str, Any]:
    return {**BASE, "attempt": attempt_id(revision, attempt, "u"), "revision": revision, "sources": pins(a=0, b=1)}


def claim(attempt: int = 1, revision: int = 0) -> Claim:
    return Claim(**_of(attempt, revision), expires=NOON)


def complete(revision: int = 0) -> Complete:
    return Complete(**_of(1, revision), sinks={})


def missing(attempt: int = 1, revision: int = 0) -> Missing:
    return Missing(**_of(attempt, revision), error=Failure(type="t", message="m"))


def partial(attempt: int = 1, revision: int = 0) -> Partial:
    return Partial(**_of(attempt, revision), error=Failure(type="t", message="m"))


def rollback(revision: int = 0) -> Rollback:
    return Rollback(**BASE, revision=revision, reason="why not")


SAME, NEWER, MORE = pins(a=0, b=1), pins(a=1, b=1), pins(a=0, b=1, c=0)


def unexpired(entry: Claim, seconds: float) -> Ledger:
    return Ledger(last=entry, expires=NOON + timedelta(seconds=seconds))


def marked(entry: Entry) -> Ledger:
    return Ledger(last=entry, marked=True)


def used_up(kind: str) -> Acknowledge:
    return Acknowledge(f"{kind}: 3 attempts used up")


TABLE: list[tuple[str, Ledger, float, dict[str, Pin], Decision]] = [
    ("nothing there", Ledger(), 0, SAME, ClaimNext(0, 1)),
    ("claimed", unexpired(claim(), 20), 0, SAME, Defer(20, "claimed by somebody")),
    ("claimed, newer source", unexpired(claim(), 20), 0, NEWER, Defer(20, "claimed by somebody")),
    ("claimed, at its end", unexpired(claim(), 20), 20, SAME, ClaimNext(0, 2)),
    ("claimed, expired", unexpired(claim(2, 4), 20), 21, SAME, ClaimNext(4, 3)),
    ("claimant gone", Ledger(last=claim()), 0, SAME, ClaimNext(0, 2)),
    ("last attempt claimed", unexpired(claim(3), 20), 0, SAME, Defer(20, "claimed by somebody")),
    ("last attempt expired", unexpired(claim(3), 20), 20, SAME, GiveUp(claim(3))),
    ("last claimant gone", Ledger(last=claim(3)), 0, SAME, GiveUp(claim(3))),
    ("rolled back", Ledger(last=rollback(2)), 0, SAME, ClaimNext(2, 1)),
    ("rolled back, marked or not", marked(rollback()), 0, NEWER, ClaimNext(0, 1)),
    ("complete, unmarked", Ledger(last=complete()), 0, NEWER, Finish()),
    ("complete", marked(complete()), 0, SAME, Acknowledge("complete")),
    ("complete, stale", marked(complete()), 0, NEWER, Acknowledge("stale: newer source: a", stale=True)),
    ("complete, source there since", marked(complete()), 0, MORE, Acknowledge("stale: newer source: c", stale=True)),
    ("complete, source gone", marked(complete()), 0, pins(b=1), Acknowledge("complete")),
    ("complete, source set back", marked(complete()), 0, pins(a=0, b=0), Acknowledge("complete")),
    ("missing, unmarked", Ledger(last=missing()), 9e9, SAME, Finish()),
    ("missing", marked(missing()), 0, SAME, Defer(30, "missing: attempt 2 is due then")),
    ("missing, half way", marked(missing()), 29, SAME, Defer(1, "missing: attempt 2 is due then")),
    ("missing, due", marked(missing()), 30, SAME, ClaimNext(0, 2)),
    ("missing twice", marked(missing(2)), 30, SAME, Defer(30, "missing: attempt 3 is due then")),
    ("missing twice, due", marked(missing(2, 7)), 60, SAME, ClaimNext(7, 3)),
    ("missing for good", marked(missing(3)), 9e9, SAME, used_up("missing")),
    ("missing for good, newer source", marked(missing(3, 2)), 0, NEWER, RollBack(2, "newer source: a")),
    ("missing, newer source", marked(missing()), 0, NEWER, RollBack(0, "newer source: a")),
    ("partial, unmarked", Ledger(last=partial()), 0, SAME, Finish()),
    ("partial", marked(partial()), 10, SAME, Defer(20, "partial: attempt 2 is due then")),
    ("partial, due", marked(partial()), 30, SAME, ClaimNext(0, 2)),
    ("partial for good", marked(partial(3)), 0, SAME, used_up("partial")),
]


@pytest.mark.parametrize(
    ("ledger", "seconds", "now", "expected"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_what_follows(ledger: Ledger, seconds: float, now: dict[str, Pin], expected: Decision) -> None:
    assert decide(arc(), ledger, now, NOON + timedelta(seconds=seconds)) == expected


def test_a_lot_is_worked_again_only_for_the_sources_that_ask_for_it() -> None:
    assert decide(arc(rerun="a"), marked(complete(4)), NEWER, NOON) == RollBack(5, "newer source: a")
    assert decide(arc(rerun="b"), marked(complete()), NEWER, NOON) == Acknowledge("stale: newer source: a", stale=True)


entries = st.one_of(
    st.builds(claim, st.integers(1, 5), st.integers(0, 3)),
    st.builds(complete, st.integers(0, 3)),
    st.builds(missing, st.integers(1, 5), st.integers(0, 3)),
    st.builds(partial, st.integers(1, 5), st.integers(0, 3)),
    st.builds(rollback, st.integers(0, 3)),
)
ledgers = st.builds(
    lambda last, marked, expires: Ledger(
        last=last,
        marked=marked and not isinstance(last, Claim | Rollback),
        expires=None if expires is None or not isinstance(last, Claim) else NOON + timedelta(seconds=expires),
    ),
    st.none() | entries,
    st.booleans(),
    st.none() | st.integers(-100, 100),
)
revisions = st.dictionaries(st.sampled_from("ab"), st.integers(0, 3)).map(lambda given: pins(**given))
arcs = st.builds(arc, st.sampled_from(["", "a", "ab"]), st.integers(1, 4))


@given(arcs, ledgers, revisions, st.integers(-100, 1000))
def test_who_waits_as_long_as_told_need_not_wait_again(
    declared: Arc, ledger: Ledger, now: dict[str, Pin], seconds: int
) -> None:
    moment = NOON + timedelta(seconds=seconds)
    decision = decide(declared, ledger, now, moment)
    if isinstance(decision, Defer):
        assert decision.seconds > 0
        later = moment + timedelta(seconds=decision.seconds)
        assert isinstance(decide(declared, ledger, now, later), ClaimNext | GiveUp)


@given(arcs, ledgers, revisions, st.integers(-100, 1000))
def test_no_revision_is_committed_twice_and_none_goes_back(
    declared: Arc, ledger: Ledger, now: dict[str, Pin], seconds: int
) -> None:
    decision = decide(declared, ledger, now, NOON + timedelta(seconds=seconds))
    last = getattr(ledger.last, "revision", 0)
    if isinstance(decision, ClaimNext):
        assert decision.revision == last
        assert not isinstance(ledger.last, Complete)
        assert 1 <= decision.attempt <= max(declared.retry.attempts, 1)
    if isinstance(decision, RollBack):
        assert decision.revision == last + isinstance(ledger.last, Complete)
        assert ledger.marked


@given(arcs, ledgers, revisions)
def test_every_ledger_comes_to_rest(declared: Arc, ledger: Ledger, now: dict[str, Pin]) -> None:
    """Followed with a workload that always fails, within as many steps as attempts allow."""
    moment = NOON
    for _ in range(4 * (declared.retry.attempts + 3)):
        match decision := decide(declared, ledger, now, moment):
            case Acknowledge():
                return
            case Defer(seconds, _):
                moment += timedelta(seconds=seconds)
            case Finish():
                ledger = evolve(ledger, marked=True)
            case ClaimNext(revision, attempt):
                ledger = Ledger(last=evolve(missing(attempt, revision), at=moment, sources=now))
            case RollBack(revision, _):
                ledger = Ledger(last=rollback(revision))
            case GiveUp(claim):
                ledger = Ledger(last=evolve(missing(attempt_number(claim.attempt), claim.revision), at=moment))
    pytest.fail(f"still {decision}")


@given(revisions, revisions)
def test_what_has_changed_is_what_is_newer_or_new(pinned: dict[str, Pin], now: dict[str, Pin]) -> None:
    assert changed(pinned, {role: pin.revision for role, pin in pinned.items()}) == []
    assert set(changed(pinned, {role: pin.revision for role, pin in now.items()})) == {
        role for role in now if role not in pinned or now[role].revision > pinned[role].revision
    }


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.from_regex(r"[0-9a-f]{16}", fullmatch=True))
def test_an_attempt_tells_its_number(revision: int, attempt: int, unique: str) -> None:
    assert attempt_number(attempt_id(revision, attempt, unique)) == attempt


def test_the_pauses_double_and_stay_finite() -> None:
    retry = Retry(attempts=10_000, backoff_sec=30)
    assert [retry.delay(attempt) for attempt in (1, 2, 3, 4)] == [30, 60, 120, 240]
    assert retry.delay(10**5) == retry.delay(17)


def test_one_attempt_is_told_as_one() -> None:
    assert decide(arc(attempts=1), marked(missing()), SAME, NOON) == Acknowledge("missing: 1 attempt used up")
