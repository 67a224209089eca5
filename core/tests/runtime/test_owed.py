"""What is owed: where an arc starts, and what its reconciler finds, compared with delivering everything."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusterless.errors import MalformedError, WorkloadError
from clusterless.model.arc import Retry, Wait, WaitFor
from clusterless.model.dataset import OnRevision, SourceDataset
from clusterless.model.lot import Lot
from clusterless.provider import Work, WorkResult
from clusterless.runtime import reconcile
from clusterless.runtime.delivery import deliver
from clusterless.runtime.reconcile import unsettled
from clusterless.runtime.replay import roll_back_lot
from clusterless.runtime.start import started
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import CountingStore

A = "memory:///data/in/a"
LOTS = [Lot.parse("20240131PT5M286").plus(number) for number in range(4)]
"""Over midnight."""


def start_at(bench: Any, start: str, **more: Any) -> None:
    bench.sources = {"main": evolve(bench.sources["main"], start=start, **more)}


# ---- start -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "owed"),
    [("all", LOTS), ("now", []), (str(LOTS[2]), LOTS[2:]), (str(LOTS[0].previous), LOTS), (str(LOTS[3].next), [])],
)
def test_lots_are_owed_from_the_start_on(bench: Any, start: str, owed: list[Lot]) -> None:
    start_at(bench, start)
    for lot in LOTS:
        bench.commit(A, lot=lot)
    arc = bench.arc()
    arc.started = started(arc)
    later = LOTS[3].plus(9)
    bench.commit(A, lot=later)
    assert list(unsettled(arc)) == [*owed, later]
    assert [lot for lot in LOTS if deliver(arc, lot).outcome] == owed


def test_the_start_is_resolved_once_for_all_who_come_later(bench: Any) -> None:
    start_at(bench, "now")
    bench.commit(A, lot=LOTS[0])
    assert started(bench.arc()) == {"main": LOTS[0]}
    for lot in LOTS:
        bench.commit(A, lot=lot)
    assert started(bench.arc()) == {"main": LOTS[0]}
    start_at(bench, "all")
    assert started(bench.arc()) == {"main": LOTS[0]}


def test_where_nothing_was_committed_now_is_everything(bench: Any) -> None:
    start_at(bench, "now")
    assert started(bench.arc()) == {"main": None}


def test_only_subscribed_sources_say_where_an_arc_starts(bench: Any) -> None:
    aside = SourceDataset(name="aside", version="1", subscribe=False)
    bench.sources = {"main": evolve(bench.sources["main"], start="now"), "aside": aside}
    bench.commit(A, lot=LOTS[1])
    bench.commit(A, lot=LOTS[2], role="aside")
    assert started(bench.arc()) == {"main": LOTS[1]}
    assert list(unsettled(bench.arc(started={"main": None}))) == [LOTS[1]]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"main":"today"}', b'{"main":7}', b"\xff"])
def test_a_start_that_cannot_be_read_is_told(bench: Any, body: bytes) -> None:
    bench.state.put(bench.arc().keys.start, body)
    with pytest.raises(MalformedError, match=r"start\.json"):
        started(bench.arc())


def test_a_start_is_kept_as_json_by_role(bench: Any) -> None:
    start_at(bench, str(LOTS[1]))
    started(bench.arc())
    assert json.loads(bench.state.get(bench.arc().keys.start)) == {"main": str(LOTS[0])}


# ---- reconciling -----------------------------------------------------------------------------------------------


def test_lots_are_found_in_order_after_a_floor_and_others_objects_are_passed_over(bench: Any) -> None:
    for lot in LOTS:
        bench.commit(A, lot=lot)
    bench.state.put(f"{bench.arc().keys.path}lot=nonsense/000001.json", b"?")
    bench.state.put(f"{bench.arc().keys.path}lot={LOTS[3].next}/alive.json", b"?")
    bench.manifest.put(f"datasets/name=in/version=1/lot={LOTS[0]}/notes.txt", b"?")
    assert list(unsettled(bench.arc())) == LOTS
    assert list(unsettled(bench.arc(), after=LOTS[0])) == LOTS[1:]
    assert list(unsettled(bench.arc(started={"main": LOTS[2]}), after=LOTS[0])) == LOTS[3:]
    assert list(unsettled(bench.arc(), after=LOTS[3])) == []


@pytest.mark.parametrize(("seconds", "listings"), [(9, 1), (11, 2)])
def test_what_was_worked_while_a_listing_lay_still_is_not_found_by_it(
    bench: Any, monkeypatch: pytest.MonkeyPatch, seconds: float, listings: int
) -> None:
    now = [0.0]
    monkeypatch.setattr(reconcile, "monotonic", lambda: now[0])
    bench.manifest = CountingStore(bench.manifest)
    for lot in LOTS:
        bench.commit(A, lot=lot)
    arc = bench.arc()
    found = unsettled(arc)
    assert next(found) == LOTS[0]
    bench.manifest.requests.clear()
    for lot in LOTS[1:3]:
        deliver(bench.arc(), lot)
    worked = bench.manifest.requests["list"]
    now[0] += seconds
    assert list(found) == (LOTS[1:] if listings == 1 else LOTS[3:])
    assert bench.manifest.requests["list"] - worked == listings - 1


STEPS = ("succeed", "fail", "die", "stale", "left", "right", "replay", "unmark")
stories = st.lists(st.tuples(st.sampled_from(LOTS), st.sampled_from(STEPS)), max_size=12)


class DiedError(BaseException):
    pass


def _die(_work: Work) -> WorkResult:
    raise DiedError


def _fail(_work: Work) -> WorkResult:
    raise WorkloadError("no")


def _play(bench: Any, arc: Any, lot: Lot, step: str, revisions: dict[tuple[str, Lot], int]) -> None:
    def commit(role: str) -> None:
        revisions[role, lot] = revisions.get((role, lot), -1) + 1
        bench.commit(A, lot=lot, role=role, revision=revisions[role, lot])

    match step:
        case "succeed" | "fail" | "die":
            bench.worker.do = {"succeed": bench.done, "fail": _fail, "die": _die}[step]
            for role in ("left", "right"):
                if (role, lot) not in revisions:
                    commit(role)
            with suppress(DiedError):
                deliver(arc, lot)
        case "stale":
            bench.clock.advance(500)
        case "left" | "right":
            commit(step)
        case "replay":
            roll_back_lot(arc, lot, "again")
        case _:
            bench.state.delete(bench.ledger(lot).keys.marker(lot, "complete"))


ALL = Wait()
ANY = Wait(for_=WaitFor.AT_LEAST, count=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(stories, st.sampled_from([ALL, ANY]), st.sampled_from(list(OnRevision)))
def test_reconciling_finds_all_that_is_not_at_rest(
    bench: Any, story: list[tuple[Lot, str]], wait: Wait, on_revision: OnRevision
) -> None:
    """Whatever happened: what a delivery would do anything about is found, what was worked once and for all is not."""
    bench.state, bench.manifest = (
        MemoryStore("memory:///s/", bench.clock.now),
        MemoryStore("memory:///m/", bench.clock.now),
    )
    bench.sources = {
        role: SourceDataset(name=role, version="1", start="all", on_revision=on_revision) for role in ("left", "right")
    }
    arc = bench.arc(bench.declare(wait=wait, retry=Retry(attempts=2, backoff_sec=10)))
    revisions: dict[tuple[str, Lot], int] = {}
    for lot, step in story:
        _play(bench, arc, lot, step, revisions)
    found = list(unsettled(arc))
    assert found == sorted(set(found))
    bench.worker.do = bench.done
    for lot in LOTS:
        before = _writes(bench)
        delivered = deliver(arc, lot)
        if _writes(bench) != before or not delivered.is_at_rest:
            assert lot in found, "it was owed"
        elif delivered.why in {"complete", "waiting for its sources"}:
            assert lot not in found, "nothing was owed"


def _writes(bench: Any) -> list[Any]:
    return [(info.key, info.etag) for store in (bench.state, bench.manifest) for info in store.list()]
