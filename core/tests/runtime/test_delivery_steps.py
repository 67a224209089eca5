"""An event is delivered to an arc: each step of the protocol, over stores in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import define, evolve

from clusterless.errors import (
    ClsError,
    ObjectConflictError,
    StoreRefusedError,
    StoreUnavailableError,
    WorkloadError,
)
from clusterless.model.arc import OnEmpty, Retry, Wait
from clusterless.model.dataset import OnRevision, SourceDataset, Tenure
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import SinkResult, Work, WorkResult
from clusterless.runtime.delivery import Delivered, deliver
from clusterless.runtime.replay import roll_back_lot
from clusterless.store.manifests import INLINE_LIMIT, Manifests, encode
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import Moment, ScriptedStore

A, B = "memory:///data/in/a", "memory:///data/in/b"


class KilledError(BaseException):
    """Ends a worker there and then."""


def raising(error: BaseException) -> Any:
    def do(_work: Work) -> WorkResult:
        raise error

    return do


def kill(bench: Any, *, when: str = "workload") -> None:
    """A worker claims the lot and is never seen again."""
    do, bench.worker.do = bench.worker.do, raising(KilledError(when))
    with pytest.raises(KilledError):
        deliver(bench.arc(by="victim"), bench.lot)
    bench.worker.do = do


def deliver_and_die(bench: Any, method: str, part: str, *, done: bool = False) -> None:
    """A delivery by a worker that dies before (or after it is *done*) its first such request."""

    def die(moment: Moment) -> None:
        if (moment.method, moment.done) == (method, done) and part in moment.key:
            raise KilledError(moment.key)

    arc = bench.arc(state=ScriptedStore(bench.state, die), by="victim")
    with pytest.raises(KilledError):
        deliver(arc, bench.lot)


# ---- 1: what is consumed is looked up --------------------------------------------------------------------------


def test_a_lot_whose_source_is_not_there_is_left_without_a_trace(bench: Any) -> None:
    assert deliver(bench.arc(), bench.lot) == Delivered("waiting for its sources")
    assert not list(bench.state.list())


def test_a_lot_is_worked_committed_announced_and_marked(bench: Any) -> None:
    bench.commit(A)
    delivered = deliver(bench.arc(), bench.lot)
    claim, complete = bench.entries()
    assert delivered == Delivered("complete", None, complete)
    assert delivered.took == (complete.at - claim.at).total_seconds()
    assert claim.sources["main"].manifest == complete.sources["main"].manifest == bench.commit(A)
    assert (claim.attempt, claim.revision) == (complete.attempt, 0)
    assert list(bench.published().uris) == [f"memory:///data/out/{claim.attempt}/object"]
    [event] = bench.events
    assert (event.dataset.id, event.lot, event.revision) == ("out/1", bench.lot, 0)
    assert (
        event.manifest
        == "memory:///manifest/datasets/name=out/version=1/lot=20240131PT5M100/state=complete/manifest.json"
    )
    assert bench.is_marked()


def test_the_workload_is_told_all_that_its_contract_names(bench: Any) -> None:
    bench.commit(A)
    deliver(bench.arc(), bench.lot)
    [work] = bench.worker.works
    [claim, _] = bench.entries()
    assert (work.arc, work.lot, work.attempt, work.revision, work.role) == ("work", bench.lot, claim.attempt, 0, "main")
    assert work.token == f"out/1/{bench.lot}/0/work"
    assert list(work.sources["main"].read().uris) == [A]
    assert work.sinks["main"].staging == (
        "memory:///manifest/staging/project=demo/version=1/arc=work/sink=main/"
        f"lot={{lot}}/attempt={claim.attempt}/state={{state}}/manifest.json"
    )
    assert work.output == bench.outputs / "work" / str(bench.lot) / f"{claim.attempt}.log"


def test_the_role_told_is_one_whose_events_are_heard(bench: Any) -> None:
    bench.sources = {"aside": SourceDataset(name="aside", version="1", subscribe=False), **bench.sources}
    bench.commit(A)
    bench.commit(B, role="aside")
    deliver(bench.arc(), bench.lot)
    assert bench.worker.works[0].role == "main"
    assert list(bench.worker.works[0].sources) == ["aside", "main"]


def test_the_newest_revision_of_a_source_is_pinned(bench: Any) -> None:
    bench.commit(A)
    bench.commit(A, B, revision=1)
    deliver(bench.arc(), bench.lot)
    assert bench.entries()[0].sources["main"].revision == 1
    assert list(bench.worker.works[0].sources["main"].read().uris) == [A, B]


@pytest.fixture
def join(bench: Any) -> Any:
    bench.sources = {role: SourceDataset(name=role, version="1", start="all") for role in ("left", "right")}
    return bench


def test_a_join_waits_for_its_last_source(join: Any) -> None:
    join.commit(A, role="left")
    assert deliver(join.arc(), join.lot).why == "waiting for its sources"
    join.commit(B, role="right")
    assert deliver(join.arc(), join.lot).outcome
    assert join.kinds() == "claim complete"


def test_a_join_with_a_deadline_takes_what_there_is_once_it_has_passed(join: Any) -> None:
    join.commit(A, role="left")
    arc = join.arc(join.declare(wait=Wait(deadline_sec=60)))
    assert deliver(arc, join.lot).seconds == 60
    join.clock.advance(60)
    assert deliver(arc, join.lot).outcome
    assert list(join.worker.works[0].sources) == ["left"]


@pytest.mark.parametrize("minutes", [-7, 0, 7])
def test_a_deadline_counts_by_the_arcs_clock_whatever_that_of_another_placement_says(join: Any, minutes: int) -> None:
    skewed = MemoryStore("memory:///theirs/", lambda: join.clock.now() + timedelta(minutes=minutes))
    with encode(join.listing(join.lot, A)).open() as body:
        Manifests(skewed).publish(join.sources["left"], join.lot, ManifestState.COMPLETE, 0, body)
    arc = join.arc(join.declare(wait=Wait(deadline_sec=60)))
    arc.sources = {**arc.sources, "left": evolve(arc.sources["left"], manifests=Manifests(skewed))}
    assert deliver(arc, join.lot).seconds == 60
    join.clock.advance(59)
    assert deliver(arc, join.lot).seconds == 1
    join.clock.advance(1)
    assert deliver(arc, join.lot).outcome


def test_a_lot_before_the_start_or_of_anothers_dataset_is_not_claimed(bench: Any) -> None:
    bench.commit(A)
    assert deliver(bench.arc(started={"main": bench.lot}), bench.lot).is_at_rest
    assert deliver(bench.arc(tenure=lambda _: Tenure(ever=False)), bench.lot).outcome is None
    assert not list(bench.state.list())


# ---- 2: what the ledger says -----------------------------------------------------------------------------------


def test_an_event_that_comes_twice_changes_nothing(bench: Any) -> None:
    bench.commit(A)
    deliver(bench.arc(), bench.lot)
    before = [info for store in (bench.state, bench.manifest) for info in store.list()]
    assert deliver(bench.arc(), bench.lot) == Delivered("complete")
    assert [info for store in (bench.state, bench.manifest) for info in store.list()] == before
    assert len(bench.events) == 1


def test_a_claim_that_has_not_expired_is_waited_for(bench: Any) -> None:
    bench.commit(A)
    kill(bench)
    bench.clock.advance(100)
    assert deliver(bench.arc(), bench.lot) == Delivered("claimed by victim", 200)
    assert bench.kinds() == "claim"


def test_a_claim_that_expired_is_followed_by_the_next_attempt(bench: Any) -> None:
    bench.commit(A)
    kill(bench)
    bench.clock.advance(300)
    deliver(bench.arc(), bench.lot)
    assert [each.attempt[:4] for each in bench.entries()] == ["0-1-", "0-2-", "0-2-"]


def test_a_renewed_claim_is_waited_for_and_anothers_renewal_says_nothing(bench: Any) -> None:
    bench.commit(A)
    kill(bench)
    [claim] = bench.entries()
    bench.clock.advance(290)
    expires = evolve(claim, expires=bench.clock.now()).expires
    bench.ledger().renew("0-1-other", expires)
    assert deliver(bench.arc(), bench.lot).seconds == 10
    bench.clock.advance(5)
    bench.ledger().renew(claim.attempt, bench.clock.now().replace(minute=59))
    assert deliver(bench.arc(), bench.lot).seconds == pytest.approx(
        (bench.clock.now().replace(minute=59) - bench.clock.now()).total_seconds()
    )


@pytest.mark.parametrize(
    "garbage", [b"", b"[]", b"{", b"\xff", b'{"attempt":1}', b'{"attempt":"%s","expires":"2024-02-01T00:00:00"}']
)
def test_a_renewal_that_makes_no_sense_is_no_renewal(bench: Any, garbage: bytes) -> None:
    bench.commit(A)
    kill(bench)
    attempt = bench.entries()[0].attempt.encode()
    bench.state.put(bench.ledger().keys.alive(bench.lot), garbage.replace(b"%s", attempt))
    bench.clock.advance(300)
    assert deliver(bench.arc(), bench.lot).outcome


def test_a_claimant_known_to_be_gone_is_not_waited_for(bench: Any) -> None:
    bench.commit(A)
    kill(bench)
    assert deliver(bench.arc(is_gone="victim".__eq__), bench.lot).outcome
    assert bench.kinds() == "claim claim complete"


def test_the_loser_of_a_slot_publishes_nothing_and_deletes_nothing(bench: Any) -> None:
    bench.commit(A)

    def slow(work: Work) -> WorkResult:
        bench.worker.do = bench.done
        bench.clock.advance(300)
        assert deliver(bench.arc(by="other"), bench.lot).outcome
        return bench.done(work)

    bench.worker.do = slow
    delivered = deliver(bench.arc(), bench.lot)
    assert (delivered.outcome, delivered.seconds) == (None, 1.0)
    assert bench.kinds() == "claim claim complete"
    assert len(bench.events) == 1
    assert "0-2-" in next(iter(bench.published().uris))


def test_attempts_back_off_doubling_and_then_rest_until_a_newer_source(bench: Any) -> None:
    bench.commit(A)
    bench.worker.do = raising(WorkloadError("no"))
    arc = bench.arc(bench.declare(retry=Retry(attempts=3, backoff_sec=10)))
    for pause in (10, 20):
        assert deliver(arc, bench.lot).seconds == pause
        bench.clock.advance(pause - 1)
        assert deliver(arc, bench.lot) == Delivered(bench_why(pause), 1)
        bench.clock.advance(1)
    assert deliver(arc, bench.lot).is_at_rest
    bench.clock.advance(1e6)
    assert deliver(arc, bench.lot) == Delivered("missing: 3 attempts used up")
    assert bench.kinds() == "claim missing " * 2 + "claim missing"
    assert bench.is_marked()
    assert not bench.events
    bench.worker.do = bench.done
    bench.commit(A, B, revision=1)
    assert deliver(arc, bench.lot).outcome
    assert bench.kinds().endswith("missing rollback claim complete")
    assert bench.entries()[-1].revision == 0
    assert "0-1-" in bench.entries()[-1].attempt


def bench_why(pause: int) -> str:
    return f"missing: attempt {2 if pause == 10 else 3} is due then"


def test_whoever_finds_the_last_attempt_expired_says_that_the_lot_is_missing(bench: Any) -> None:
    bench.commit(A)
    kill(bench)
    bench.clock.advance(300)
    delivered = deliver(bench.arc(bench.declare(retry=Retry(attempts=1))), bench.lot)
    assert delivered.is_at_rest
    assert delivered.outcome == bench.entries()[-1], "someone has to hear of it"
    assert "victim" in bench.entries()[-1].error.message
    assert bench.kinds() == "claim missing"
    assert bench.is_marked()


@pytest.mark.parametrize(("on_revision", "kinds"), [("REPORT", ""), ("RERUN", " rollback claim complete")])
def test_a_newer_source_is_reported_or_worked(bench: Any, on_revision: str, kinds: str) -> None:
    bench.sources = {"main": evolve(bench.sources["main"], on_revision=OnRevision[on_revision])}
    bench.commit(A)
    deliver(bench.arc(), bench.lot)
    bench.commit(A, B, revision=1)
    delivered = deliver(bench.arc(), bench.lot)
    assert bench.kinds() == "claim complete" + kinds
    assert delivered.why == ("complete" if kinds else "stale: newer source: main")
    if kinds:
        assert bench.events[-1].manifest.endswith("/state=complete/attempt=1/manifest.json")
        assert bench.events[-1].revision == 1
        assert "/1-1-" in next(iter(bench.published().uris))
        assert bench.is_marked()


def test_a_source_that_came_after_the_lot_was_worked_is_a_newer_one(join: Any) -> None:
    join.sources = {role: evolve(each, on_revision=OnRevision.RERUN) for role, each in join.sources.items()}
    arc = join.arc(
        join.declare(wait=Wait(for_=next(each for each in type(Wait().for_) if each.value == "atLeast"), count=1))
    )
    join.commit(A, role="left")
    deliver(arc, join.lot)
    join.commit(B, role="right")
    deliver(arc, join.lot)
    assert join.kinds() == "claim complete rollback claim complete"
    assert sorted(join.entries()[-1].sources) == ["left", "right"]


# ---- replays ---------------------------------------------------------------------------------------------------


def test_a_replay_raises_the_revision_and_keeps_what_was_committed_until_then(bench: Any) -> None:
    bench.commit(A)
    deliver(bench.arc(), bench.lot)
    before = list(bench.published().uris)
    assert roll_back_lot(bench.arc(), bench.lot, "why not")
    assert list(bench.published().uris) == before
    assert not roll_back_lot(bench.arc(), bench.lot, "twice is once")
    deliver(bench.arc(), bench.lot)
    assert bench.kinds() == "claim complete rollback claim complete"
    assert [each.revision for each in bench.events] == [0, 1]
    assert bench.worker.works[-1].token.endswith("/1/work")


def test_a_replay_after_a_failure_keeps_the_revision_and_one_of_nothing_is_refused(bench: Any) -> None:
    assert not roll_back_lot(bench.arc(), bench.lot, "nothing there")
    bench.commit(A)
    bench.worker.do = raising(WorkloadError("no"))
    deliver(bench.arc(), bench.lot)
    assert roll_back_lot(bench.arc(), bench.lot, "mended")
    bench.worker.do = bench.done
    deliver(bench.arc(), bench.lot)
    assert [entry.revision for entry in bench.entries()] == [0] * 5


def test_a_lot_that_is_running_is_not_rolled_back(bench: Any) -> None:
    bench.commit(A)
    kill(bench)
    assert not roll_back_lot(bench.arc(), bench.lot, "impatience")


def test_a_replay_first_finishes_what_was_committed(bench: Any) -> None:
    bench.commit(A)
    deliver_and_die(bench, "create", "complete.arc")
    bench.events.clear()
    assert roll_back_lot(bench.arc(), bench.lot, "again")
    assert [each.revision for each in bench.events] == [0]
    assert bench.ledger().is_marked(2, bench.entries()[1].state)


# ---- 3: empty sources ------------------------------------------------------------------------------------------


def test_where_all_sources_are_empty_no_workload_runs(bench: Any) -> None:
    bench.commit()
    deliver(bench.arc(), bench.lot)
    assert not bench.worker.works
    assert bench.published().state is ManifestState.EMPTY
    assert bench.events[0].manifest.endswith("/state=empty/manifest.json")


def test_an_arc_may_ask_to_run_where_all_is_empty(bench: Any) -> None:
    bench.commit()
    deliver(bench.arc(bench.declare(on_empty=OnEmpty.RUN)), bench.lot)
    assert len(bench.worker.works) == 1


def test_one_source_that_holds_something_is_enough_to_run(join: Any) -> None:
    join.commit(role="left")
    join.commit(B, role="right")
    deliver(join.arc(), join.lot)
    assert len(join.worker.works) == 1


# ---- 4: the workload -------------------------------------------------------------------------------------------


def partly(bench: Any) -> None:
    bench.worker.do = lambda work: bench.result(work.lot, A, state=ManifestState.PARTIAL, problem="half of it")


def test_what_an_attempt_left_is_handed_to_the_next_newest_first(bench: Any) -> None:
    bench.commit(A)
    for uri in (A, B):
        bench.worker.do = lambda work, uri=uri: bench.result(work.lot, uri, state=ManifestState.PARTIAL)
        deliver(bench.arc(), bench.lot)
        bench.clock.advance(1000)
    deliver(bench.arc(), bench.lot)
    earlier = [[list(manifest.uris) for manifest in work.sinks["main"].earlier] for work in bench.worker.works]
    assert earlier == [[], [[A]], [[B], [A]]]
    assert bench.kinds() == "claim partial " * 2 + "claim partial"
    assert bench.published() is None


def test_what_an_attempt_left_is_not_handed_on_where_the_sources_have_changed(bench: Any) -> None:
    bench.commit(A)
    partly(bench)
    deliver(bench.arc(), bench.lot)
    bench.commit(A, B, revision=1)
    deliver(bench.arc(), bench.lot)
    assert bench.kinds() == "claim partial rollback claim partial"
    assert bench.worker.works[-1].sinks["main"].earlier == []


def test_what_was_left_before_a_commit_is_not_handed_to_a_replay(bench: Any) -> None:
    bench.commit(A)
    partly(bench)
    deliver(bench.arc(), bench.lot)
    bench.clock.advance(30)
    bench.worker.do = bench.done
    deliver(bench.arc(), bench.lot)
    roll_back_lot(bench.arc(), bench.lot, "again")
    deliver(bench.arc(), bench.lot)
    assert [len(work.sinks["main"].earlier) for work in bench.worker.works] == [0, 1, 0]


def test_a_failed_attempt_says_what_to_do(bench: Any) -> None:
    bench.commit(A)
    bench.worker.do = raising(WorkloadError("no tea", hint="boil water"))
    assert deliver(bench.arc(), bench.lot).outcome.error.message == "no tea\n  hint: boil water"


def test_a_partial_attempt_says_why(bench: Any) -> None:
    bench.commit(A)
    partly(bench)
    delivered = deliver(bench.arc(), bench.lot)
    assert (delivered.seconds, delivered.outcome.error.message) == (30, "half of it")
    assert bench.is_marked()


def results(bench: Any, **sinks: Manifest) -> Any:
    return lambda _: WorkResult(sinks={role: SinkResult(manifest=each) for role, each in sinks.items()})


OTHER = Lot.parse("20240131PT5M101")


@pytest.mark.parametrize(
    ("sinks", "said"),
    [
        ({}, "no manifest for sink main"),
        ({"main": (A,), "more": (B,)}, "a manifest for sink more, which the arc does not have"),
        ({"main": OTHER}, f"for lot {OTHER}"),
        ({"main": ManifestState.REMOVED}, "of state removed"),
    ],
)
def test_a_workload_that_breaks_its_contract_has_failed(bench: Any, sinks: dict[str, Any], said: str) -> None:
    def manifest(what: Any) -> Manifest:
        if isinstance(what, Lot):
            return bench.listing(what, A)
        return bench.listing(bench.lot, *what) if isinstance(what, tuple) else bench.listing(bench.lot, A, state=what)

    bench.commit(A)
    bench.worker.do = results(bench, **{role: manifest(what) for role, what in sinks.items()})
    delivered = deliver(bench.arc(), bench.lot)
    assert said in delivered.outcome.error.message
    assert bench.kinds() == "claim missing"


@pytest.mark.parametrize(
    "error", [RuntimeError("ouch"), WorkloadError("a name \udcff of bad bytes"), ClsError("x" * 9999)]
)
def test_whatever_a_workload_raises_is_an_outcome(bench: Any, error: Exception) -> None:
    bench.commit(A)
    bench.worker.do = raising(error)
    deliver(bench.arc(), bench.lot)
    failure = bench.entries()[-1].error
    assert failure.type == type(error).__name__
    assert failure.message.startswith(str(error)[:5])
    assert len(failure.message) <= 2000
    assert bool(failure.trace) is not isinstance(error, WorkloadError)


def test_a_worker_that_is_told_to_stop_releases_the_lot_with_all_its_attempts(bench: Any) -> None:
    bench.commit(A)
    bench.worker.do = raising(WorkloadError("stopped"))
    assert deliver(bench.arc(stopping=lambda: True), bench.lot) == Delivered("released", 0.01)
    bench.worker.do = bench.done
    deliver(bench.arc(by="other"), bench.lot)
    assert bench.kinds() == "claim rollback claim complete"
    assert "0-1-" in bench.entries()[-1].attempt


def test_work_that_was_done_when_told_to_stop_is_kept(bench: Any) -> None:
    bench.commit(A)
    assert deliver(bench.arc(stopping=lambda: True), bench.lot).outcome
    assert bench.kinds() == "claim complete"


# ---- what a workload itself stages -----------------------------------------------------------------------------


def staging(bench: Any, *manifests: Manifest) -> Any:
    """Stages *manifests* as a container would, and gives what is collected."""

    def do(work: Work) -> WorkResult:
        for number, manifest in enumerate(manifests):
            uri = work.sinks["main"].staging.format(lot=work.lot, state=manifest.state.value)
            bench.put(f"{uri.removeprefix(bench.manifest.root)}/part-{number}.json", manifest)
        return WorkResult(sinks={role: SinkResult(manifest=each) for role, each in work.collect().items()})

    return do


@pytest.mark.parametrize(
    ("states", "kinds"),
    [
        ("complete", "claim complete"),
        ("partial complete", "claim complete"),
        ("partial", "claim partial"),
        ("", "claim missing"),
        ("complete complete", "claim missing"),
        ("complete removed", "claim missing"),
        ("removed", "claim missing"),
        ("partial partial", "claim missing"),
    ],
)
def test_one_staged_manifest_says_what_came_of_it(bench: Any, states: str, kinds: str) -> None:
    bench.commit(A)
    manifests = (bench.listing(bench.lot, A, state=ManifestState(state)) for state in states.split())
    bench.worker.do = staging(bench, *manifests)
    deliver(bench.arc(), bench.lot)
    assert bench.kinds() == kinds


# ---- 5 and 6: committed at once, finished by anyone ------------------------------------------------------------


@pytest.fixture
def two_sinks(bench: Any) -> Any:
    bench.sinks = {"main": bench.sink("out"), "aside": bench.sink("more", publish=False)}
    bench.commit(A)
    return bench


def test_one_commit_names_all_sinks_and_only_those_that_publish_are_announced(two_sinks: Any) -> None:
    deliver(two_sinks.arc(), two_sinks.lot)
    assert sorted(two_sinks.entries()[-1].sinks) == ["aside", "main"]
    assert two_sinks.published("main") == two_sinks.published("main")
    assert two_sinks.published("aside").state is ManifestState.COMPLETE
    assert [event.dataset.name for event in two_sinks.events] == ["out"]


def test_one_partial_sink_keeps_all_from_being_committed(two_sinks: Any) -> None:
    lot = two_sinks.lot
    two_sinks.worker.do = results(
        two_sinks, main=two_sinks.listing(lot, A), aside=two_sinks.listing(lot, B, state=ManifestState.PARTIAL)
    )
    deliver(two_sinks.arc(), lot)
    assert (two_sinks.published("main"), two_sinks.published("aside"), two_sinks.events) == (None, None, [])
    assert sorted(two_sinks.entries()[-1].sinks) == ["aside", "main"]


@pytest.mark.parametrize("many", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("place", ["entry", "manifest", "marker"])
def test_another_worker_finishes_from_the_entry_alone(bench: Any, many: bool, place: str) -> None:
    """Killed after the commit, after its manifest, before its marker: the same bytes are published."""
    uris = tuple(f"memory:///data/out/{number:06}-{'x' * 90}" for number in range(4000 if many else 3))
    bench.commit(A)
    bench.worker.do = lambda work: bench.result(work.lot, *uris)
    if place == "manifest":
        manifests = ScriptedStore(bench.manifest, after_publishing)
        with pytest.raises(KilledError):
            deliver(bench.arc(manifests=type(bench.arc().manifests)(manifests)), bench.lot)
    else:
        deliver_and_die(bench, "create", "000002" if place == "entry" else ".arc", done=place == "entry")
    assert bench.kinds() == "claim complete"
    [record] = bench.entries()[-1].sinks.values()
    assert (record.staged is not None, record.manifest is None, record.objects) == (many, many, len(uris))
    bench.worker.do = raising(AssertionError("worked twice"))
    assert deliver(bench.arc(by="other"), bench.lot) == Delivered("complete", finished=True)
    assert tuple(bench.published().uris) == uris
    assert bench.is_marked()
    assert {event.dataset.id for event in bench.events} == {"out/1"}
    assert many is (sum(map(len, uris)) > INLINE_LIMIT)


def after_publishing(moment: Moment) -> None:
    if moment.method == "create" and moment.key.startswith("datasets/") and moment.done:
        raise KilledError(moment.key)


def test_other_bytes_in_its_place_are_a_conflict_and_nothing_is_announced(two_sinks: Any) -> None:
    foreign = "datasets/name=more/version=1/lot=20240131PT5M100/state=complete/manifest.json"
    two_sinks.manifest.put(foreign, b"somebody else's")
    for _ in range(2):
        with pytest.raises(ObjectConflictError, match="holds another manifest"):
            deliver(two_sinks.arc(), two_sinks.lot)
    assert not two_sinks.events
    assert two_sinks.manifest.get(foreign) == b"somebody else's"
    assert not two_sinks.is_marked()
    two_sinks.manifest.delete(foreign)
    deliver(two_sinks.arc(), two_sinks.lot)
    assert [event.dataset.name for event in two_sinks.events] == ["out"]


def test_an_event_that_cannot_be_announced_leaves_the_lot_unmarked_until_it_is(bench: Any) -> None:
    bench.commit(A)
    answers = [StoreUnavailableError("down")]

    def publish(event: Any) -> None:
        if answers:
            raise answers.pop()
        bench.events.append(event)

    arc = bench.arc(publish=publish)
    with pytest.raises(StoreUnavailableError):
        deliver(arc, bench.lot)
    assert not bench.is_marked()
    deliver(arc, bench.lot)
    assert len(bench.events) == len(bench.worker.works) == 1
    assert bench.is_marked()


# ---- what a workload relies on ---------------------------------------------------------------------------------


@define
class Reliant:
    """Works as *worker* does, once what it relies on is *there*."""

    worker: Any
    there: bool = False
    asked: int = 0

    def check_ready(self) -> None:
        self.asked += 1
        if not self.there:
            raise StoreUnavailableError("the engine does not answer")

    def run(self, work: Work) -> WorkResult:
        result: WorkResult = self.worker.run(work)
        return result

    def close(self) -> None:
        pass


def test_as_long_as_it_is_not_there_no_lot_is_claimed_and_no_attempt_used_up(bench: Any) -> None:
    bench.commit(A)
    workload = Reliant(bench.worker)
    arc = bench.arc(workload=workload)
    for _ in range(4):
        with pytest.raises(StoreUnavailableError, match="engine"):
            deliver(arc, bench.lot)
    assert bench.entries() == []
    workload.there = True
    assert deliver(arc, bench.lot).why == "complete"
    assert [work.attempt[:4] for work in bench.worker.works] == ["0-1-"]
    assert len(bench.entries()) == 2


def test_a_lot_that_needs_no_work_is_told_from_one_that_does_without_it(bench: Any) -> None:
    bench.commit(A)
    deliver(bench.arc(), bench.lot)
    workload = Reliant(bench.worker)
    assert deliver(bench.arc(workload=workload), bench.lot).why == "complete"
    assert workload.asked <= 1


@pytest.mark.parametrize(("states", "left"), [("complete", 0), ("partial complete", 0), ("partial", 1)])
def test_what_was_staged_is_removed_once_the_ledger_has_it_for_good(bench: Any, states: str, left: int) -> None:
    bench.commit(A)
    manifests = (bench.listing(bench.lot, A, state=ManifestState(state)) for state in states.split())
    bench.worker.do = staging(bench, *manifests)
    deliver(bench.arc(), bench.lot)
    assert len(list(bench.manifest.list("staging/"))) == left


def test_a_store_that_keeps_what_was_staged_spoils_no_lot(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(key: str) -> None:
        raise StoreRefusedError(key)

    bench.commit(A)
    bench.worker.do = staging(bench, bench.listing(bench.lot, A))
    monkeypatch.setattr(bench.manifest, "delete", refuse)
    assert deliver(bench.arc(), bench.lot).is_at_rest
    assert bench.kinds() == "claim complete"
    assert len(list(bench.manifest.list("staging/"))) == 1
