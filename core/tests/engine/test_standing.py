"""How a lot stands follows from what is known of it, and agrees with what would be done about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.lot_states import Acknowledge, ClaimNext, Defer, Finish, GiveUp, Ledger, RollBack, decide
from clusterless.engine.standing import (
    ArcLot,
    Looked,
    Standing,
    arc_standing,
    boundary_standing,
    dataset_standing,
    must_date,
    must_read,
    worst,
)
from clusterless.model.arc import Arc, Wait, WaitFor
from clusterless.model.boundary import Booking, EventArrival, LotSource
from clusterless.model.dataset import Dataset, SourceDataset
from clusterless.model.ledger import ArcState, Claim, Complete, Entry, Failure, Missing, Partial, Pin, Rollback
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)
LOT = Lot.parse("20240131PT5M100")
BY: Any = {"put_id": "0", "at": NOW, "by": "test"}
ROLES = ("left", "right")
JOIN = Arc(
    type="cls:core:copyArc", name="join", sources={role: SourceDataset(name=role, version="1") for role in ROLES}
)


def pin(role: str, revision: int) -> Pin:
    dataset = Dataset(name=role, version="1")
    return Pin(dataset=dataset, lot=LOT, manifest="file:///m", state=ManifestState.COMPLETE, revision=revision)


def pins(revisions: dict[str, int]) -> dict[str, Pin]:
    return {role: pin(role, revision) for role, revision in revisions.items()}


def failed(kind: type[Missing | Partial], sources: dict[str, Pin]) -> Entry:
    return kind(**BY, attempt="0-1-x", revision=0, sources=sources, error=Failure(type="E", message="no"))


revisions = st.fixed_dictionaries({role: st.integers(0, 2) for role in ROLES})
arcs = st.sampled_from(
    [
        JOIN,
        Arc(type=JOIN.type, name="any", sources=JOIN.sources, wait=Wait(for_=WaitFor.AT_LEAST, count=1)),
    ]
)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    sources = pins(draw(revisions))
    ends = st.sampled_from([None, NOW, NOW + timedelta(seconds=1)])
    last = draw(
        st.sampled_from(
            [
                None,
                Claim(**BY, attempt="0-1-x", revision=0, sources=sources, expires=NOW),
                Complete(**BY, attempt="0-1-x", revision=0, sources=sources, sinks={}),
                failed(Missing, sources),
                failed(Partial, sources),
                Rollback(**BY, revision=1, reason="asked"),
            ]
        )
    )
    return Ledger(last=last, marked=draw(st.booleans()), expires=draw(ends))


@given(arcs, ledgers(), revisions)
def test_what_a_lot_is_called_agrees_with_what_a_delivery_would_do(
    arc: Arc, ledger: Ledger, there: dict[str, int]
) -> None:
    decision = decide(arc, ledger, pins(there), NOW)
    match arc_standing(arc, ArcLot(ledger=ledger, revisions=there), NOW):
        case Standing.NEVER_STARTED:
            assert decision == ClaimNext(0, 1)
        case Standing.LATE:
            assert isinstance(decision, ClaimNext | GiveUp)
        case Standing.RUNNING:
            assert isinstance(decision, Defer | Finish)
        case Standing.COMPLETE:
            assert decision == Acknowledge("complete")
        case Standing.STALE:
            assert isinstance(decision, RollBack) or decision.why.startswith("stale")  # type: ignore[union-attr]
        case standing:
            assert standing in {Standing.PARTIAL, Standing.MISSING}
            assert isinstance(decision, ClaimNext | Defer | RollBack | Acknowledge)


@given(arcs, st.sampled_from([ArcState.COMPLETE, ArcState.PARTIAL, ArcState.MISSING]), revisions)
def test_where_nothing_must_be_read_reading_would_not_tell_anything_else(
    arc: Arc, final: ArcState, there: dict[str, int]
) -> None:
    if must_read(arc, 2, final, there):
        return
    sources = pins(dict.fromkeys(ROLES, 0))  # entry 1 waited for all, and there was nothing newer
    kinds: dict[ArcState, type[Missing | Partial]] = {ArcState.PARTIAL: Partial, ArcState.MISSING: Missing}
    last = (
        failed(kinds[final], sources)
        if final in kinds
        else Complete(**BY, attempt="0-1-x", revision=0, sources=sources, sinks={})
    )
    listed = arc_standing(arc, ArcLot(final=final, revisions=there), NOW)
    assert listed is arc_standing(arc, ArcLot(ledger=Ledger(last=last, marked=True), revisions=there), NOW)


def test_what_lies_open_is_read() -> None:
    there = {"left": 0, "right": 0}
    assert not must_read(JOIN, 0, None, there)
    assert must_read(JOIN, 1, None, there)
    assert not must_read(JOIN, 2, ArcState.COMPLETE, there)
    assert must_read(JOIN, 2, ArcState.COMPLETE, there | {"left": 1})
    assert must_read(JOIN, 4, None, there)
    assert not must_read(JOIN, 0, ArcState.COMPLETE, there | {"left": 1})  # the reference system keeps no entries


@pytest.mark.parametrize(
    ("there", "is_owed", "standing"),
    [
        ({"left": 0, "right": 0}, True, Standing.NEVER_STARTED),
        ({"left": 0, "right": 0}, False, None),
        ({"left": 0}, True, None),
        ({}, True, None),
    ],
)
def test_nothing_is_due_of_what_is_not_owed_or_whose_sources_are_not_there(
    there: dict[str, int], is_owed: bool, standing: Standing | None
) -> None:
    assert arc_standing(JOIN, ArcLot(revisions=there, is_owed=is_owed), NOW) is standing


def test_after_its_deadline_a_join_is_due_with_what_there_is() -> None:
    patient = Arc(type=JOIN.type, name="patient", sources=JOIN.sources, wait=Wait(deadline_sec=60))
    assert must_date(patient, 0, {"left": 0})
    assert not must_date(patient, 1, {"left": 0})
    assert not must_date(JOIN, 0, {"left": 0})
    for waited, standing in ((59, None), (60, Standing.NEVER_STARTED)):
        seen = ArcLot(revisions={"left": 0}, since=NOW - timedelta(seconds=waited))
        assert arc_standing(patient, seen, NOW) is standing


# ---- boundaries and datasets -----------------------------------------------------------------------------------

FREQUENT = Booking(unit=LotUnit.TWELFTHS, arrival=EventArrival.FREQUENT, grace=60, settle=1)
BY_KEY = Booking(unit=LotUnit.TWELFTHS, lot_source=LotSource.KEY_TIMESTAMP_REGEX, key_regex=".", grace=60, settle=0)
SINCE = Looked(first=LOT, through=LOT)


def boundary(lot: Lot, looked: Looked, now: datetime, *, is_regular: bool = True) -> Standing | None:
    return boundary_standing(FREQUENT, lot, None, looked, now, is_regular=is_regular)


def test_a_lot_is_late_once_its_interval_and_grace_are_over() -> None:
    due = LOT.next.end + timedelta(seconds=61)
    assert boundary(LOT.next, SINCE, due - timedelta(seconds=1)) is None
    assert boundary(LOT.next, SINCE, due) is Standing.LATE


def test_where_nothing_need_arrive_a_lot_is_late_only_if_something_has() -> None:
    assert boundary(LOT.next, SINCE, NOW, is_regular=False) is None
    waiting = Looked(first=LOT, through=LOT, waiting={LOT.next: NOW})
    assert boundary(LOT.next, waiting, NOW, is_regular=False) is Standing.LATE


def test_a_boundary_that_never_sealed_owes_what_waits_alone() -> None:
    assert boundary(LOT, Looked(), NOW) is None
    assert boundary(LOT, Looked(waiting={LOT: NOW}), NOW) is Standing.LATE


def test_a_lot_that_was_sealed_and_has_no_manifest_is_missing() -> None:
    assert boundary(LOT, SINCE, NOW) is Standing.MISSING
    assert boundary(LOT, SINCE, NOW, is_regular=False) is None
    assert boundary(LOT.previous, SINCE, NOW) is None  # nobody looked yet


def test_by_key_time_a_lot_is_due_when_all_is_quiet() -> None:
    looked = Looked(first=LOT, through=LOT, waiting={LOT.next: NOW, LOT.next.next: NOW + timedelta(seconds=30)})
    for waited, standing in ((89, None), (90, Standing.LATE)):
        now = NOW + timedelta(seconds=waited)
        assert boundary_standing(BY_KEY, LOT.next, None, looked, now, is_regular=True) is standing


@pytest.mark.parametrize(
    ("manifest", "maker", "standing"),
    [
        (ManifestState.COMPLETE, Standing.COMPLETE, Standing.COMPLETE),
        (ManifestState.EMPTY, None, Standing.EMPTY),
        (ManifestState.COMPLETE, Standing.STALE, Standing.STALE),
        (ManifestState.COMPLETE, Standing.MISSING, Standing.COMPLETE),  # rolled back: readable until replaced
        (None, Standing.RUNNING, Standing.RUNNING),
        (None, Standing.NEVER_STARTED, Standing.LATE),
        (None, Standing.PARTIAL, Standing.MISSING),
        (None, Standing.COMPLETE, Standing.MISSING),
        (None, None, None),
    ],
)
def test_a_datasets_lot_stands_as_its_manifest_says_or_else_its_maker(
    manifest: ManifestState | None, maker: Standing | None, standing: Standing | None
) -> None:
    assert dataset_standing(manifest, maker) is standing


@given(st.lists(st.sampled_from(Standing)), st.lists(st.sampled_from(Standing)))
def test_the_worst_of_all_is_the_worst_of_the_worst(some: list[Standing], others: list[Standing]) -> None:
    assert worst([*some, *others]) is worst(filter(None, [worst(some), worst(others)]))


def test_what_is_well_is_not_behind() -> None:
    well = {Standing.EMPTY, Standing.COMPLETE, Standing.REMOVED, Standing.RUNNING}
    assert {standing for standing in Standing if not standing.is_behind} == well
