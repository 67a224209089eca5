"""The way out: a lot's objects in a folder of the attempt, then the mark, which no older attempt turns back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from attrs import evolve

from clusterless.builtin.copy_egress import EgressWorkload
from clusterless.builtin.egress import CopyEgressBoundary
from clusterless.errors import InvalidValueError, StoreUnavailableError, WorkloadError
from clusterless.model.boundary import PathFilter
from clusterless.model.dataset import SourceDataset
from clusterless.provider import Work
from clusterless.store.api import ObjectStore
from clusterless.store.files import FileStore

LOT = "20240131PT5M287"
AT = f"lot={LOT}/"


def declare(bench: Any, **more: Any) -> CopyEgressBoundary:
    sources = {role: SourceDataset(name=f"source-{role}", version="1") for role in bench.sources}
    return CopyEgressBoundary(type="t", name="out", sources=sources, path_uri=bench.uri("outside"), **more)


def attempt(bench: Any, number: int = 1, revision: int = 0, source: int = 0, unique: str = "abc") -> Work:
    """An attempt of that number at that revision of the lot, of that revision of its source."""
    bench.sinks = ()
    work: Work = bench.work()
    sources = {role: evolve(each, revision=source) for role, each in work.sources.items()}
    return evolve(work, attempt=f"{revision}-{number}-{unique}", revision=revision, sources=sources)


def go_out(bench: Any, work: Work, **more: Any) -> None:
    result = EgressWorkload(declare(bench, **more), bench.surroundings()).run(work)
    assert (result.sinks, result.taken) == ({}, len(names(bench)))


def outside(bench: Any) -> FileStore:
    return FileStore(bench.uri("outside"))


def mark(bench: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(outside(bench).get(f"{AT}mark.json"))
    return said


def names(bench: Any) -> list[str]:
    return [each["name"] for each in mark(bench)["objects"]]


def test_the_mark_names_the_folder_and_every_object_in_it(bench: Any) -> None:
    bench.fill("a.txt", "deep/b c.txt")
    go_out(bench, attempt(bench, revision=3, source=2))
    said = mark(bench)
    objects = said.pop("objects")
    assert objects == [{"name": "a.txt", "size": 5}, {"name": "deep/b c.txt", "size": 12}]
    lines = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in objects)
    assert said == {
        "lot": LOT,
        "revision": 3,
        "attempt": "3-1-abc",
        "sources": {"main": {"name": "source-main", "version": "1", "revision": 2}},
        "folder": f"{AT}attempt=3-1-abc/",
        "count": 2,
        "bytes": 17,
        "digest": hashlib.sha256(lines.encode()).hexdigest(),
    }
    assert outside(bench).get(f"{said['folder']}deep/b c.txt") == b"deep/b c.txt"


def test_an_empty_lot_is_marked_too(bench: Any) -> None:
    """Whoever waits for it outside learns that nothing is in it."""
    bench.list([])
    go_out(bench, attempt(bench))
    assert (names(bench), mark(bench)["count"]) == ([], 0)


def test_objects_are_filtered_and_renamed_as_copies_are(bench: Any) -> None:
    bench.fill("a.txt", "b.tmp")
    go_out(bench, attempt(bench), filter=PathFilter(excludes=("*.tmp",)), rename="{lot}/{stem}-x{suffix}")
    assert names(bench) == [f"{LOT}/a-x.txt"]
    with pytest.raises(InvalidValueError, match="is not a rename"):
        declare(bench, rename="{unknown}")


def test_a_newer_revision_replaces_the_mark_and_keeps_what_it_named(bench: Any) -> None:
    bench.fill("a.txt")
    go_out(bench, attempt(bench))
    before = mark(bench)
    bench.fill("a.txt", "late.txt")
    go_out(bench, attempt(bench, revision=1, source=1))
    assert names(bench) == ["a.txt", "late.txt"]
    assert outside(bench).get(before["folder"] + "a.txt") == b"a.txt"


@pytest.mark.parametrize(
    "newer",
    [{"revision": 1}, {"number": 2}, {"source": 1}],
    ids=["a newer revision", "a later attempt", "a newer source of the same revision"],
)
def test_a_stale_attempt_does_not_turn_the_mark_back(bench: Any, newer: dict[str, int]) -> None:
    """It ends after the newer one, and leaves the newer one's mark."""
    stale = attempt(bench, unique="old")
    bench.fill("a.txt", "b.txt")
    go_out(bench, attempt(bench, **newer))
    said = mark(bench)
    go_out(bench, stale)
    assert mark(bench) == said


def test_a_stale_attempt_that_overwrites_the_mark_puts_it_right(bench: Any) -> None:
    """It is held up just before it writes the mark, and the newer attempt comes in between."""
    bench.fill("a.txt")
    outer = bench.surroundings()
    newer = attempt(bench, revision=1)

    class HeldUp(FileStore):
        held = False

        def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
            if key == f"{AT}mark.json" and not HeldUp.held:
                HeldUp.held = True
                EgressWorkload(declare(bench), outer).run(newer)
                assert mark(bench)["revision"] == 1
            super().copy(key, source, source_key)

    bench.open_store = HeldUp
    go_out(bench, attempt(bench, unique="old"))
    assert HeldUp.held
    assert mark(bench)["revision"] == 1


@pytest.mark.parametrize("is_stopping", [False, True])
def test_what_is_not_whole_is_not_marked(bench: Any, is_stopping: bool) -> None:
    """What a failed attempt copied is removed, unless there is no time."""
    bench.fill("a.txt", "b.txt")
    bench.source().delete("b.txt")
    with pytest.raises(WorkloadError, match=r"2 of 2|1 of 2"):
        go_out(bench, evolve(attempt(bench), stopping=lambda: is_stopping), parallel=1)
    assert [info.key for info in outside(bench).list() if not is_stopping] == []
    bench.source().put("b.txt", b"x")
    go_out(bench, attempt(bench, number=2))
    assert names(bench) == ["a.txt", "b.txt"]


def test_objects_that_vanish_before_the_mark_are_missed(bench: Any) -> None:
    bench.fill("a.txt", "b.txt")

    class Losing(FileStore):
        def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
            if not key.endswith("b.txt"):
                super().copy(key, source, source_key)

    bench.open_store = Losing
    with pytest.raises(WorkloadError, match="1 of 2 objects are below"):
        go_out(bench, attempt(bench))
    assert not [info.key for info in outside(bench).list() if "mark" in info.key]


def test_a_mark_that_cannot_be_written_leaves_the_former_one(bench: Any) -> None:
    """A reader sees the former revision until the newer one is marked, by whoever tries again."""
    bench.fill("a.txt")
    go_out(bench, attempt(bench))

    class Dark(FileStore):
        def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
            if key.endswith("mark.json"):
                raise StoreUnavailableError("no answer")
            super().copy(key, source, source_key)

    bench.open_store, light = Dark, bench.open_store
    with pytest.raises(StoreUnavailableError):
        go_out(bench, attempt(bench, revision=1))
    assert mark(bench)["revision"] == 0
    bench.open_store = light
    go_out(bench, attempt(bench, number=2, revision=1))
    assert mark(bench)["attempt"] == "1-2-abc"
