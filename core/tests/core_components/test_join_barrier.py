"""The workload of barriers: one manifest of all that the sources list, however much that is."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clusterless.builtin.barriers import AtDeadline, JoinBarrier, JoinWait, RollupBarrier
from clusterless.builtin.join_barrier import JoinWorkload
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.arc import OnEmpty, WaitFor
from clusterless.model.dataset import JoinedDataset, LocatedDataset, SourceDataset
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.provider import SourceLot, Work

LOT = Lot.parse("20240131PT5M287")
NOTHING: Any = None


def listed(*uris: str, state: ManifestState = ManifestState.COMPLETE, kind: UriType = UriType.IDENTIFIER) -> Manifest:
    return Manifest(state=state, lot=LOT, uri_type=kind, uris=uris)


EMPTY = Manifest(state=ManifestState.EMPTY, lot=LOT)


def declare(*roles: str, **more: Any) -> JoinBarrier:
    sources = {role: SourceDataset(name=f"d-{role}", version="1") for role in roles}
    dataset = JoinedDataset(name="all", version="1")
    return JoinBarrier(type="cls:core:joinBarrier", name="join", sources=sources, dataset=dataset, **more)


def lot_of(role: str, manifest: Manifest) -> SourceLot:
    dataset = LocatedDataset(name=f"d-{role}", version="1", path_uri=f"s3://b/{role}/")
    return SourceLot(dataset=dataset, manifest_uri="", revision=0, read=lambda: manifest)


def join(barrier: JoinBarrier | RollupBarrier, manifests: dict[str, Manifest]) -> Manifest:
    work = Work(
        arc="join", lot=LOT, attempt="0-1-abc", revision=0, token="t", role=next(iter(manifests)),
        sources={role: lot_of(role, manifest) for role, manifest in manifests.items()},
        sinks={}, collect=dict, stopping=lambda: False, output=NOTHING,
    )  # fmt: skip
    return JoinWorkload(barrier, NOTHING).run(work).sinks["main"].manifest


def test_uris_are_listed_in_the_order_of_the_sources_each_once() -> None:
    """The order is that of the declaration, whatever came first."""
    manifests = {"b": listed("s3://b/b/1", "s3://b/a/2"), "a": listed("s3://b/a/2", "s3://b/a/1")}
    joined = join(declare("a", "b"), manifests)
    assert list(joined.uris) == ["s3://b/a/2", "s3://b/a/1", "s3://b/b/1"]
    assert (joined.state, joined.lot, joined.comment) == (ManifestState.COMPLETE, LOT, None)


@given(st.lists(st.lists(st.text("xyz", max_size=2), max_size=6), min_size=1, max_size=4))
def test_nothing_is_lost_and_nothing_is_added(lists: list[list[str]]) -> None:
    roles = [f"r{number}" for number in range(len(lists))]
    joined = join(declare(*roles), {role: listed(*each) for role, each in zip(roles, lists, strict=True)})
    assert list(joined.uris) == list(dict.fromkeys(uri for each in lists for uri in each))
    assert list(joined.uris) == list(joined.uris), "it can be read again"


def test_it_is_empty_where_all_sources_are() -> None:
    assert join(declare("a", "b"), {"a": EMPTY, "b": EMPTY}).state is ManifestState.EMPTY
    assert join(declare("a", "b"), {"a": EMPTY, "b": listed("s3://b/b/1")}).state is ManifestState.COMPLETE
    ticked = join(declare("a", "b"), {"a": EMPTY, "b": listed()})
    assert (ticked.state, list(ticked.uris)) == (ManifestState.COMPLETE, []), (
        "a clock's lots are there, and hold nothing"
    )


def test_a_lot_made_without_a_source_says_so() -> None:
    barrier = declare("a", "b", wait=JoinWait(deadline_sec=5))
    assert join(barrier, {"a": listed("s3://b/a/1")}).comment == "without b"


def test_a_barrier_that_reports_makes_no_such_lot() -> None:
    barrier = declare("a", "b", wait=JoinWait(deadline_sec=5, at_deadline=AtDeadline.REPORT))
    for present in (EMPTY, listed("s3://b/a/1")):
        with pytest.raises(WorkloadError, match=r"had not come by the deadline: b \(dataset d-b/1\)"):
            join(barrier, {"a": present})
    assert barrier.as_arc().on_empty is OnEmpty.RUN, "or nobody would be told where what is there is empty"
    join(barrier, {"a": EMPTY, "b": EMPTY})


def test_a_barrier_that_reports_is_content_with_as_many_as_it_waits_for() -> None:
    wait = JoinWait(for_=WaitFor.AT_LEAST, count=1, deadline_sec=5, at_deadline=AtDeadline.REPORT)
    assert list(join(declare("a", "b", wait=wait), {"a": listed("s3://b/a/1")}).uris) == ["s3://b/a/1"]


def test_reporting_needs_a_deadline() -> None:
    with pytest.raises(InvalidValueError, match="goes with 'deadlineSec'"):
        JoinWait(at_deadline=AtDeadline.REPORT)


def test_what_lists_objects_and_what_lists_folders_cannot_be_joined() -> None:
    manifests = {"a": listed("s3://b/a/1"), "b": listed("s3://b/b/", kind=UriType.PREFIX)}
    with pytest.raises(WorkloadError, match="a: identifier, b: prefix"):
        join(declare("a", "b"), manifests)
    assert join(declare("a", "b"), {**manifests, "a": EMPTY}).uri_type is UriType.PREFIX


def test_the_arc_of_a_rollup_has_lots_of_its_unit_and_its_deadline() -> None:
    sources, dataset = {"main": SourceDataset(name="a", version="1")}, JoinedDataset(name="b", version="1")
    rollup = RollupBarrier(type="t", name="day", sources=sources, dataset=dataset, lot_unit=LotUnit.DAYS)
    assert (rollup.as_arc().lot_unit, rollup.as_arc().wait.deadline_sec) == (LotUnit.DAYS, None)
    late = evolve(rollup, wait=evolve(rollup.wait, deadline_sec=60))
    assert late.as_arc().wait.deadline_sec == 60
    assert declare("a").as_arc().lot_unit is None


MILLION = """
import resource
from test_join_barrier import *
from clusterless.store.manifests import encode

class Many:
    def __init__(self, role): self.role = role
    def __iter__(self): return (f"s3://bucket/{self.role}/a-folder/{number:09}.parquet" for number in range(500_000))

manifests = {role: Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=Many(role)) for role in "ab"}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
encoded = encode(join(declare("a", "b"), manifests))
assert encoded.objects == 1_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_a_million_uris_are_joined_in_little_memory() -> None:
    from pathlib import Path

    ran = subprocess.run(
        [sys.executable, "-c", MILLION], capture_output=True, text=True, cwd=Path(__file__).parent, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 50_000, "KiB beyond what was there before"
