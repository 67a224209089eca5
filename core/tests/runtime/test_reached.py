"""What projects reach is found whatever they declare, and what nobody writes is warned of."""

from __future__ import annotations

import logging

import pytest

from clusterless.model.arc import Arc
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import IngressBoundary
from clusterless.model.dataset import JoinedDataset, SinkDataset, SourceDataset
from clusterless.model.lot import LotUnit
from clusterless.model.notifier import LocatedNotifier
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.runtime.reached import Heard, Post, Reached, all_reached

HERE = Placement(provider="local", stage="dev")
THERE = Placement(provider="aws", account="1", region="us-west-2")
PROJECT = Project(name="p", version="1")

RAW = SinkDataset(name="raw", version="1", path_uri="s3://b/in/")
OUT = SinkDataset(name="out", version="1", path_uri="gs://b/out/")
BOTH = JoinedDataset(name="both", version="1")
BOUNDARY = IngressBoundary(name="arrive", type="t", lot_unit=LotUnit.TWELFTHS, dataset=RAW)


def arc(name: str, source: SourceDataset, *sinks: SinkDataset, exclude: bool = False) -> Arc:
    made = {str(number): sink for number, sink in enumerate(sinks)}
    return Arc(name=name, type="t", sources={"main": source}, sinks=made, exclude=exclude)


def source(name: str, **values: object) -> SourceDataset:
    return SourceDataset(name=name, version="1", **values)  # type: ignore[arg-type]


def test_locations_are_those_that_are_read_and_those_that_are_written() -> None:
    found = Reached(Deployable(project=PROJECT, placement=HERE, boundaries=(BOUNDARY,),
                               arcs=(arc("a", source("raw"), OUT),)))  # fmt: skip
    assert (found.arriving("s3"), found.arriving("gs")) == (["s3://b/in/"], [])
    assert (found.made("s3"), found.made("gs")) == ([], ["gs://b/out/"])
    assert [each.id for each in found.sinks] == ["out/1", "raw/1"]


def test_what_is_excluded_or_not_subscribed_hears_of_nothing() -> None:
    arcs = (
        arc("hears", source("raw")),
        arc("looks", source("raw", subscribe=False)),
        arc("off", source("raw"), exclude=True),
    )
    found = Reached(Deployable(project=PROJECT, placement=HERE, arcs=arcs))
    assert found.heard == [Heard(HERE, "p-1-hears")]
    assert [each.name for each in found.elements] == ["hears", "looks"]


def test_a_barrier_reads_and_writes_as_an_arc_does() -> None:
    joined = Barrier(name="both", type="t", sources={"main": source("raw")}, dataset=BOTH)
    found = Reached(Deployable(project=PROJECT, placement=HERE, barriers=(joined,)))
    assert [each.id for each in found.sources] == ["raw/1"]
    assert found.heard == [Heard(HERE, "p-1-both")]


def test_the_placements_of_sources_are_named_once() -> None:
    arcs = tuple(arc(name, source("raw", placement=THERE)) for name in ("a", "b"))
    assert Reached(Deployable(project=PROJECT, placement=HERE, arcs=arcs)).elsewhere == [THERE]


def test_what_no_file_writes_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    writer = Deployable(project=PROJECT, placement=HERE, boundaries=(BOUNDARY,))
    reader = Deployable(project=PROJECT, placement=HERE, arcs=(arc("a", source("raw")), arc("b", source("other"))))
    with caplog.at_level(logging.WARNING):
        assert [each.deployable for each in all_reached([writer, reader], "the reading")] == [writer, reader]
    assert [each for each in caplog.messages if "no file writes" in each] == [
        "no file writes other/1: name its project's file too, or allow the reading where it is"
    ]


def test_events_are_heard_here_and_where_the_sources_live_unless_they_come_by_an_inbox() -> None:
    arcs = (
        arc("hears", source("raw", placement=THERE)),
        arc("reads", source("raw", placement=THERE, subscribe=False)),
        arc("told", source("raw", placement=THERE, inbox="gs://post/a/")),
    )
    found = Reached(Deployable(project=PROJECT, placement=HERE, arcs=arcs))
    assert found.heard == [
        Heard(HERE, "p-1-hears"),
        Heard(THERE, "p-1-hears-local-dev"),
        Heard(HERE, "p-1-told"),
    ]
    assert found.posts("gs") == [Post("gs://post/a/", HERE, "told-main-inbox")]
    assert found.posts("s3") == []


def test_inboxes_of_others_are_written_as_the_placement_that_is_named() -> None:
    tell = LocatedNotifier(name="tell", type="t", path_uri="s3://post/b/", placement=THERE)
    off = LocatedNotifier(name="off", type="t", path_uri="s3://post/c/", exclude=True)
    found = Reached(Deployable(project=PROJECT, placement=HERE, notifiers=(tell, off)))
    assert found.posts("s3") == [Post("s3://post/b/", THERE)]
