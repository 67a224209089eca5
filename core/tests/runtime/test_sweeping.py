"""A sweep removes what attempts left behind, and nothing that anyone may still want."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusterless.errors import WorkloadError
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.provider import SinkResult, Work, WorkResult
from clusterless.runtime.delivery import deliver
from clusterless.runtime.replay import roll_back_lot
from clusterless.runtime.sweep import Part, Swept, sweep
from clusterless.store.memory import MemoryStore

A = "memory:///data/in/a"
OUT = "memory:///data/out/"


@pytest.fixture
def out() -> MemoryStore:
    """The sink's objects."""
    return MemoryStore(OUT)


def swept(bench: Any, out: MemoryStore, *, thorough: bool = False) -> Swept:
    return sweep(bench.arc(), lambda uri: {OUT: out}[uri], thorough=thorough)


def keys(store: Any, prefix: str = "") -> list[str]:
    return [info.key for info in store.list(prefix)]


def writing(out: MemoryStore, *, fails: bool = False, spelled: Any = None, **more: Any) -> Any:
    """Writes an object named for its attempt, and lists it, *spelled* in its own way, unless it *fails*."""

    def do(work: Work) -> WorkResult:
        key = f"{work.lot}/a b-{work.attempt}.txt"
        out.put(key, b"data")
        if fails:
            raise WorkloadError("after it had written")
        uris = (spelled(key) if spelled else f"{OUT}{key.replace(' ', '%20')}",)
        manifest = Manifest(state=ManifestState.COMPLETE, lot=work.lot, uris=uris, **more)
        return WorkResult(sinks={"main": SinkResult(manifest=manifest)})

    return do


def play(bench: Any, out: MemoryStore, story: Sequence[str]) -> None:
    """Attempts at one lot: each fails or succeeds; what was completed is rolled back before it is tried again."""
    bench.commit(A)
    for outcome in story:
        roll_back_lot(bench.arc(), bench.lot, "again")
        bench.worker.do = writing(out, fails=outcome == "fails")
        deliver(bench.arc(), bench.lot)


def test_what_a_failed_attempt_wrote_is_removed_once_another_is_committed(bench: Any, out: MemoryStore) -> None:
    out.put("readme.txt", b"not ours")
    play(bench, out, ["fails", "succeeds"])
    assert len(keys(out)) == 3
    assert swept(bench, out) == Swept(data=1)
    [kept, other] = keys(out)
    assert "0-1-" in kept
    assert bench.entries()[-1].attempt in kept
    assert other == "readme.txt"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["fails", "succeeds"]), max_size=4))
def test_a_sweep_leaves_what_is_committed_and_all_of_what_is_not_settled(bench: Any, story: list[str]) -> None:
    out = MemoryStore(OUT)
    bench.state, bench.manifest = MemoryStore("memory:///state/"), MemoryStore("memory:///manifest/")
    play(bench, out, story)
    before, read = set(keys(out)), bench.entries() if story else []
    committed = {entry.attempt for entry in read if entry.kind == "complete"}
    for thorough in (False, False, True):
        swept(bench, out, thorough=thorough)
        kept = {key for key in before if not read or read[-1].kind != "complete" or _attempt(key) in committed}
        assert set(keys(out)) == kept


def _attempt(key: str) -> str:
    return key.removesuffix(".txt").partition("a b-")[2]


@pytest.mark.parametrize(
    "spelled",
    [
        lambda key: f"{OUT}{key.replace(' ', '%20')}",
        lambda key: f"{OUT}{key}",
        lambda key: f"{OUT}{key.replace(' ', '%20').replace('-', '%2D')}",
        lambda key: f"memory:/data/out/{key}",
        lambda key: f"memorya://data/out/{key}",
    ],
    ids=["ours", "plain", "much escaped", "one slash", "another scheme"],
)
def test_an_object_is_kept_however_the_manifest_spells_it(bench: Any, out: MemoryStore, spelled: Any) -> None:
    play(bench, out, ["fails"])
    bench.clock.advance(30)
    bench.worker.do = writing(out, spelled=spelled)
    deliver(bench.arc(), bench.lot)
    swept(bench, out)
    assert len(keys(out)) == 1
    assert bench.entries()[-1].attempt in keys(out)[0]


@pytest.mark.parametrize("kind", [UriType.PREFIX, UriType.PATH])
def test_what_lies_below_a_listed_path_is_kept(bench: Any, out: MemoryStore, kind: UriType) -> None:
    play(bench, out, ["fails"])
    bench.clock.advance(30)
    bench.worker.do = writing(out, spelled=lambda _: f"{OUT}{bench.lot}/", uri_type=kind)
    deliver(bench.arc(), bench.lot)
    swept(bench, out)
    assert any(bench.entries()[-1].attempt in key for key in keys(out))


@pytest.mark.parametrize("state", ["claimed", "unmarked", "failed", "rolled back"])
def test_a_lot_that_is_not_settled_is_not_touched(bench: Any, out: MemoryStore, state: str) -> None:
    play(bench, out, ["fails", "succeeds"] if state != "failed" else ["fails", "fails"])
    if state == "claimed":
        roll_back_lot(bench.arc(), bench.lot, "again")
        bench.worker.do = _dying
        with pytest.raises(KeyboardInterrupt):
            deliver(bench.arc(), bench.lot)
    elif state == "unmarked":
        bench.state.delete(bench.ledger().keys.marker(bench.lot, "complete"))
    elif state == "rolled back":
        roll_back_lot(bench.arc(), bench.lot, "again")
    before = keys(out)
    assert swept(bench, out, thorough=True) == Swept()
    assert keys(out) == before


def _dying(_work: Work) -> WorkResult:
    raise KeyboardInterrupt


def test_a_lot_is_looked_at_once_after_each_commit(bench: Any, out: MemoryStore) -> None:
    play(bench, out, ["fails", "succeeds"])
    [stale, _] = sorted(keys(out), key=lambda key: bench.entries()[-1].attempt in key)
    assert swept(bench, out) == Swept(data=1)
    out.put(stale, b"written by a worker that was asleep")
    assert swept(bench, out) == Swept()
    assert swept(bench, out, thorough=True) == Swept(data=1)
    out.put(stale, b"and again")
    roll_back_lot(bench.arc(), bench.lot, "again")
    deliver(bench.arc(), bench.lot)
    assert swept(bench, out) == Swept(data=1)


def test_staged_manifests_are_removed_unless_an_entry_names_them(bench: Any, out: MemoryStore) -> None:
    many = tuple(f"{OUT}{number:06}{'x' * 100}" for number in range(3000))
    states = iter([ManifestState.PARTIAL, ManifestState.COMPLETE])

    def do(work: Work) -> WorkResult:
        own = work.sinks["main"].staging.format(lot=work.lot, state="complete")
        bench.put(own.removeprefix(bench.manifest.root), bench.listing(work.lot, A))
        return bench.result(work.lot, *many, state=next(states))

    bench.commit(A)
    bench.worker.do = do
    deliver(bench.arc(), bench.lot)
    bench.clock.advance(30)
    bench.manifest.put("staging/project=demo/version=1/arc=work/sink=main/notes.txt", b"not ours")
    assert swept(bench, out) == Swept(), "nothing is committed yet"
    deliver(bench.arc(), bench.lot)
    assert len(keys(bench.manifest, "staging/")) == 5
    assert swept(bench, out) == Swept(staged=3)
    [named, other] = keys(bench.manifest, "staging/")
    assert named == bench.entries()[-1].sinks["main"].staged
    assert other.endswith("notes.txt")


def test_a_part_is_swept_alone_and_the_rest_is_swept_when_its_time_comes(bench: Any, out: MemoryStore) -> None:
    play(bench, out, ("succeeds", "fails", "succeeds"))
    stale = f"{bench.lot}/a b-{bench.entries()[0].attempt}-more.txt"
    out.put(stale, b"written by a worker that was asleep")

    def part(role: str, lot: Any) -> Swept:
        only = Part(frozenset({role}), frozenset({lot}))
        return sweep(bench.arc(), lambda uri: {OUT: out}[uri], only=only)

    attempt = f"lot={bench.lot}/attempt={bench.entries()[0].attempt}"
    bench.manifest.put(f"staging/project=demo/version=1/arc=work/sink=main/{attempt}/old.json", b"")
    assert part("main", bench.lot.next) == Swept()
    assert part("other", bench.lot) == Swept()
    assert part("main", bench.lot) == Swept(staged=1, data=2)
    out.put(stale, b"and again")
    assert swept(bench, out) == Swept(data=1), "it does not count as swept before"
