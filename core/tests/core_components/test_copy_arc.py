"""``cls:core:copyArc``."""

from __future__ import annotations

import errno
import os
import tracemalloc
from typing import Any, BinaryIO

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clusterless import layout
from clusterless.errors import InvalidValueError, StoreRefusedError, StoreUnavailableError, WorkloadError
from clusterless.model.boundary import PathFilter
from clusterless.model.copying import CopyProps
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.provider import WorkResult
from clusterless.runtime.copying import CopyWorkload, renamed
from clusterless.store import durable
from clusterless.store.api import ObjectStore
from clusterless.store.memory import MemoryStore, open_memory

LOT = Lot.parse("20240131PT5M287")


def copy(bench: Any, earlier: Any = None, **props: Any) -> WorkResult:
    return worker(bench, **props).run(bench.work(earlier))


def worker(bench: Any, **props: Any) -> CopyWorkload:
    return CopyWorkload(CopyProps(**props), bench.open_store)


def keys(bench: Any, result: WorkResult, role: str = "main") -> list[str]:
    return [layout.key(bench.uri(f"sink-{role}"), uri) for uri in result.sinks[role].manifest.uris]


class Moody(MemoryStore):
    """Raises *error* for reads of keys that hold ``bad``."""

    error: Exception = StoreUnavailableError("the line is dead")

    def open(self, key: str) -> BinaryIO:
        if "bad" in key:
            raise self.error
        return super().open(key)


def moody(bench: Any, error: Exception, *names: str) -> None:
    """Put a moody store with objects *names* under the bench's source."""
    store = Moody(bench.uri("source-main"))
    store.error = error
    for name in names:
        store.put(name, b"x")
    bench.list(names)
    plain = bench.open_store
    bench.open_store = lambda uri: store if uri == store.root else plain(uri)


def test_every_object_is_copied_to_every_sink_under_its_own_key(bench: Any) -> None:
    bench.sinks = ("main", "spare")
    bench.fill("a.csv", "day=1/b c.csv", "é%.csv")
    result = copy(bench)
    for role in bench.sinks:
        assert result.sinks[role].manifest.state is ManifestState.COMPLETE
        assert keys(bench, result, role) == ["a.csv", "day=1/b c.csv", "é%.csv"]
        assert bench.sink(role).get("day=1/b c.csv") == b"day=1/b c.csv"
    assert result.problem == ""


def test_objects_are_copied_across_schemes(bench: Any) -> None:
    bench.fill("a", "b/c")
    target = open_memory("memory://test-copy-across/")
    work = bench.work()
    dataset = evolve(work.sinks["main"].dataset, path_uri=target.root)
    work = evolve(work, sinks={"main": evolve(work.sinks["main"], dataset=dataset)})
    result = worker(bench).run(work)
    assert result.sinks["main"].manifest.uris == ("memory://test-copy-across/a", "memory://test-copy-across/b/c")
    assert target.get("b/c") == b"b/c"


def test_the_filter_says_what_is_copied(bench: Any) -> None:
    bench.fill("a.csv", "_SUCCESS", "b/_SUCCESS")
    assert keys(bench, copy(bench, filter=PathFilter(excludes=("**/_*",)))) == ["a.csv"]


@pytest.mark.parametrize("names", [(), ("_SUCCESS",)])
def test_nothing_to_copy_makes_an_empty_manifest(bench: Any, names: tuple[str, ...]) -> None:
    bench.fill(*names)
    result = copy(bench, filter=PathFilter(excludes=("_*",)))
    assert result.sinks["main"].manifest == Manifest(state=ManifestState.EMPTY, lot=LOT)


def test_sources_are_copied_together(bench: Any) -> None:
    bench.sources = ("main", "other")
    bench.fill("a")
    bench.fill("b", role="other")
    assert keys(bench, copy(bench)) == ["a", "b"]


def test_two_objects_for_one_key_are_refused_before_anything_is_copied(bench: Any) -> None:
    bench.fill("x/a.csv", "y/a.csv")
    with pytest.raises(WorkloadError, match=r"x/a\.csv and .*y/a\.csv would both be copied to a\.csv"):
        copy(bench, rename="{name}")
    assert not list(bench.sink().list())


def test_an_object_that_is_listed_twice_is_copied_once(bench: Any) -> None:
    bench.fill("a", "b", "a")
    assert keys(bench, copy(bench)) == ["a", "b"]


def test_one_object_is_no_plural(bench: Any) -> None:
    bench.fill("a")
    bench.source().delete("a")
    with pytest.raises(WorkloadError, match=r"sink .main.: the object was not copied: "):
        copy(bench)


def test_an_object_that_vanished_is_a_failure_that_is_named(bench: Any) -> None:
    bench.fill("a", "b")
    bench.source().delete("b")
    result = copy(bench, fail_arc_on_partial_percent=0.5)
    manifest = result.sinks["main"].manifest
    assert manifest.state is ManifestState.PARTIAL
    assert keys(bench, result) == ["a"]
    assert "1 of 2 objects were not copied" in (manifest.comment or "")
    assert "source-main/b" in result.problem


@pytest.mark.parametrize(
    ("count", "bad", "fraction", "gives_up"),
    [
        (10, 1, 0.1, False),
        (10, 2, 0.1, True),
        (11, 2, 0.1, False),
        (100, 8, 0.07, True),
        (4, 4, 1.0, False),
        (5, 1, 0.0, True),
    ],
)
def test_as_many_may_fail_as_the_fraction_allows_rounded_up(
    bench: Any, count: int, bad: int, fraction: float, gives_up: bool
) -> None:
    names = [f"{'bad' if number < bad else 'good'}{number:02}" for number in range(count)]
    moody(bench, StoreUnavailableError("the line is dead"), *names)
    try:
        copied = len(keys(bench, copy(bench, fail_arc_on_partial_percent=fraction, parallel=1)))
    except WorkloadError:
        copied = 0
    assert (copied < count - bad) is gives_up


def test_what_was_copied_before_too_many_failed_is_kept_for_the_next_attempt(bench: Any) -> None:
    moody(bench, StoreUnavailableError("the line is dead"), "a", "b", "bad", *(f"z{n:03}" for n in range(100)))
    result = copy(bench, parallel=1)
    assert result.sinks["main"].manifest.state is ManifestState.PARTIAL
    assert keys(bench, result)[:2] == ["a", "b"]
    assert len(keys(bench, result)) < 50


def test_access_denied_ends_the_attempt_whatever_is_allowed(bench: Any) -> None:
    moody(bench, StoreRefusedError("access denied", hint="grant it"), "bad", *(f"z{n:03}" for n in range(100)))
    with pytest.raises(WorkloadError, match="access denied") as raised:
        copy(bench, fail_arc_on_partial_percent=1.0, parallel=1)
    assert raised.value.hint == "grant it"


def test_a_summary_names_three_distinct_reasons_at_most(bench: Any) -> None:
    bench.list(f"gone{n}" for n in range(9))
    problem = copy(bench, fail_arc_on_partial_percent=1.0).problem
    assert problem.count("gone") == 3


def test_a_retry_copies_only_what_is_missing(bench: Any) -> None:
    bench.fill("a", "b")
    bench.source().delete("b")
    first = copy(bench, fail_arc_on_partial_percent=0.5)
    bench.source().put("b", b"b")
    bench.source().put("a", b"changed")
    result = copy(bench, earlier={"main": [first.sinks["main"].manifest]})
    assert keys(bench, result) == ["a", "b"]
    assert result.sinks["main"].manifest.state is ManifestState.COMPLETE
    assert bench.sink().get("a") == b"a"


def test_what_was_copied_earlier_but_is_no_longer_wanted_is_not_listed(bench: Any) -> None:
    bench.fill("a")
    earlier = Manifest(state=ManifestState.PARTIAL, lot=LOT, uris=(f"{bench.uri('sink-main')}z", "s3://elsewhere/a"))
    assert keys(bench, copy(bench, earlier={"main": [earlier]})) == ["a"]


def test_an_attempt_that_is_stopped_keeps_what_it_copied(bench: Any) -> None:
    bench.fill(*(f"{n:03}" for n in range(200)))
    looks = iter(range(10_000))
    bench.stopping = lambda: next(looks) > 50
    result = copy(bench, parallel=2)
    copied = keys(bench, result)
    assert result.sinks["main"].manifest.state is ManifestState.PARTIAL
    assert 0 < len(copied) < 60
    assert copied == [info.key for info in bench.sink().list()]
    assert "stopped" in result.problem


def test_an_attempt_that_is_stopped_at_once_raises(bench: Any) -> None:
    bench.fill("a")
    bench.stopping = lambda: True
    with pytest.raises(WorkloadError, match="stopped"):
        copy(bench)


def test_a_sink_that_was_not_come_to_is_partial(bench: Any) -> None:
    bench.sinks = ("main", "spare")
    bench.fill("a")
    looks = iter([False, True])
    bench.stopping = lambda: next(looks)
    result = copy(bench)
    assert [each.manifest.state.value for each in result.sinks.values()] == ["complete", "partial"]


def test_a_manifest_with_a_foreign_object_is_refused(bench: Any) -> None:
    bench.fill("a")
    work = bench.work()
    source = evolve(
        work.sources["main"], read=lambda: Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=("file:///etc/passwd",))
    )
    with pytest.raises(WorkloadError, match="source 'main': file:///etc/passwd is not below"):
        worker(bench).run(evolve(work, sources={"main": source}))


def test_a_key_that_leads_out_of_the_sink_is_not_written(bench: Any) -> None:
    bench.list(["%2e%2e"])
    work = bench.work()
    uris = (f"{bench.uri('source-main')}a/%2E%2E/%2E%2E/x",)
    source = evolve(work.sources["main"], read=lambda: Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=uris))
    with pytest.raises(WorkloadError):
        worker(bench).run(evolve(work, sources={"main": source}))
    assert not (bench.base / "x").exists()


def test_a_manifest_of_folders_is_refused(bench: Any) -> None:
    work = bench.work()
    listed = Manifest(
        state=ManifestState.COMPLETE, lot=LOT, uri_type=UriType.PATH, uris=(f"{bench.uri('source-main')}a/",)
    )
    source = evolve(work.sources["main"], read=lambda: listed)
    with pytest.raises(WorkloadError, match="type 'path'"):
        worker(bench).run(evolve(work, sources={"main": source}))


@pytest.mark.parametrize(
    ("template", "key", "expected"),
    [
        ("{dir}/{stem}-{lot}{suffix}", "d/e/a.tar.gz", f"d/e/a.tar-{LOT}.gz"),
        ("{dir}/{stem}-{lot}{suffix}", "a", f"a-{LOT}"),
        ("x/{dir}/{name}", "a", "x/a"),
        ("lot={lot}/{name}", "d/a.b", f"lot={LOT}/a.b"),
        ("{name}", "{lot}", "{lot}"),
    ],
)
def test_rename(template: str, key: str, expected: str) -> None:
    assert renamed(template, key, LOT) == expected


@pytest.mark.parametrize("template", ["", "{lot.__class__}", "{}", "{0}", "{name!r}", "{x}"])
def test_a_rename_knows_its_fields_only(template: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a rename"):
        CopyProps(rename=template)


@given(st.lists(st.text("ab.", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join))
def test_the_fields_of_a_rename_make_up_the_key(key: str) -> None:
    assert renamed("{dir}/{stem}{suffix}", key, LOT) == renamed("{dir}/{name}", key, LOT) == key


def test_a_large_lot_is_copied_in_flat_memory_and_its_result_read_twice(bench: Any) -> None:
    """The URIs are neither held while they are copied nor when they are listed."""
    count = 25_000

    class Endless(MemoryStore):
        def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
            assert key == source_key

    class Uris:
        def __iter__(self) -> Any:
            return (f"{bench.uri('source-main')}some/longer/folder/object-{n:09}.parquet" for n in range(count))

    bench.open_store = Endless
    work = bench.work()
    listed = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=Uris())
    work = evolve(work, sources={"main": evolve(work.sources["main"], read=lambda: listed)})
    tracemalloc.start()
    try:
        manifest = worker(bench).run(work).sinks["main"].manifest
        assert sum(1 for _ in manifest.uris) == sum(1 for _ in manifest.uris) == count
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_batch_that_cannot_be_made_durable_counts_as_not_copied(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.fill("a", "b")
    bench.sink().put("there", b"")  # so that only what is copied is synced from now on

    def broken(folder: str) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), folder)

    monkeypatch.setattr(durable, "sync", broken)
    with pytest.raises(WorkloadError, match=r"2 of 2 objects were not copied: .*Input/output error"):
        copy(bench)
