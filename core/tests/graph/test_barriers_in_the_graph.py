"""Barriers and ways out in the graph: what they make, where it lies, and which of them can never work."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from clusterless.builtin.barriers import JoinBarrier, JoinWait, RollupBarrier, RollupWait
from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph import Graph
from clusterless.engine.graph_parts import Node, Part, Recorded
from clusterless.model.arc import Arc, Wait, WaitFor
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import Boundary, EgressBoundary, EventArrival, IngressBoundary
from clusterless.model.dataset import HandedOver, JoinedDataset, LocatedDataset, Owner, SinkDataset, SourceDataset
from clusterless.model.element import Element
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project

RARE = EventArrival.INFREQUENT


def sources(names: str, **more: Any) -> dict[str, SourceDataset]:
    return {name: SourceDataset(name=name, version="1", **more) for name in names.split()}


def arrive(name: str, where: str = "", *, unit: LotUnit = LotUnit.HOURS, **more: Any) -> IngressBoundary:
    dataset = SinkDataset(name=name, version="1", path_uri=where or f"s3://bucket/in/{name}/")
    settings = {"event_arrival": EventArrival.FREQUENT, **more}
    return IngressBoundary(type="t:core:b", name=f"{name}-in", dataset=dataset, lot_unit=unit, **settings)


def joined(name: str, where: str = "") -> JoinedDataset:
    return JoinedDataset(name=name, version="1", path_uri=where)


def join(name: str, of: str, where: str = "", **more: Any) -> JoinBarrier:
    return JoinBarrier(type="t:core:j", name=f"join-{name}", sources=sources(of), dataset=joined(name, where), **more)


def rollup(name: str, of: str, unit: LotUnit = LotUnit.DAYS, **more: Any) -> RollupBarrier:
    settings = {"sources": sources(of), **more}
    return RollupBarrier(type="t:core:r", name=f"roll-{name}", dataset=joined(name), lot_unit=unit, **settings)


def copy(of: str, name: str, **more: Any) -> Arc:
    sink = SinkDataset(name=name, version="1", path_uri=f"s3://bucket/out/{name}/")
    return Arc(type="t:core:a", name=f"copy-{name}", sources=sources(of), sinks={"main": sink}, **more)


def out(of: str, where: str = "s3://outside/", name: str = "publish") -> EgressBoundary:
    return EgressBoundary(type="t:core:e", name=name, sources=sources(of), path_uri=where)


def graph(*elements: Element, recorded: dict[Node, Recorded] | None = None) -> Graph:
    deployable = Deployable(
        project=Project(name="p", version="1"),
        placement=Placement(provider="local"),
        boundaries=tuple(each for each in elements if isinstance(each, Boundary)),
        barriers=tuple(each for each in elements if isinstance(each, Barrier)),
        arcs=tuple(each for each in elements if isinstance(each, Arc)),
    )
    return Graph((Part(deployable=deployable, file="p.json", place="here"),), recorded or {})


def node(name: str) -> Node:
    return Node("here", name, "1")


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_a_sound_pipeline_of_every_kind_has_no_findings() -> None:
    sound = graph(
        arrive("a"), arrive("b"), join("c", "a b"), rollup("d", "c"), copy("c", "e"), copy("d", "f"), out("c")
    )
    assert sound.findings() == ()
    assert [reader.path for reader in sound.readers] == [
        "$.arcs[0]", "$.arcs[1]", "$.barriers[0]", "$.barriers[1]", "$.boundaries[2]",
    ]  # fmt: skip


# ---- units and locations ---------------------------------------------------------------------------------------


def test_the_unit_of_what_a_barrier_makes_is_its_sources_or_its_own() -> None:
    both = graph(arrive("a"), arrive("b"), join("c", "a b"), rollup("d", "c"), copy("d", "e"))
    assert both.unit(node("c")) is LotUnit.HOURS
    assert both.unit(node("d")) is both.unit(node("e")) is LotUnit.DAYS


def test_a_joined_dataset_lies_where_its_sources_do() -> None:
    both = graph(arrive("a"), arrive("b"), join("c", "a b"), join("d", "c x"), arrive("x", "s3://other/"))
    assert both.roots(node("c")) == ("s3://bucket/in/a/", "s3://bucket/in/b/")
    assert both.location(node("c")) == "s3://bucket/in/"
    assert both.roots(node("d")) == (*both.roots(node("c")), "s3://other/")
    assert both.location(node("d")) == "s3://bucket/in/a/"
    assert (both.roots(node("a")), both.location(node("a"))) == (("s3://bucket/in/a/",), "s3://bucket/in/a/")


def test_a_location_that_is_declared_takes_the_place_of_the_roots_within_it() -> None:
    one = graph(arrive("a"), arrive("b", "s3://other/"), join("c", "a b", "s3://bucket/in/"))
    assert one.roots(node("c")) == ("s3://bucket/in/", "s3://other/")
    assert one.location(node("c")) == "s3://bucket/in/"


def test_a_joined_dataset_of_another_run_lies_where_its_record_says() -> None:
    dataset = LocatedDataset(name="a", version="1", path_uri="s3://x/")
    owned = HandedOver(owner=Owner(name="q", version="1"), dataset=dataset, roots=("s3://x/1/", "s3://x/2/"))
    seen = graph(join("c", "a b"), arrive("b"), recorded={node("a"): Recorded(owned=owned)})
    assert seen.roots(node("c")) == ("s3://x/1/", "s3://x/2/", "s3://bucket/in/b/")


def test_barriers_that_feed_each_other_are_a_cycle_and_end() -> None:
    cycle = graph(arrive("z"), join("a", "b z"), join("b", "a"))
    assert "join-a → join-b" in " → ".join([only(cycle.findings()).text] * 2)
    assert cycle.roots(node("a")) == ("s3://bucket/in/z/",)
    assert graph(join("a", "a")).roots(node("a")) == ()


# ---- what can never work ---------------------------------------------------------------------------------------


def test_a_join_that_can_never_be_met_is_an_error_and_an_arc_is_warned_about() -> None:
    arrivals = arrive("a", event_arrival=RARE), arrive("b")
    barrier = only(graph(*arrivals, join("c", "a b")).findings())
    assert (barrier.severity, barrier.path) == (Severity.ERROR, "$.barriers[0]")
    assert "boundary 'a-in' of p/1" in barrier.text
    arc = only(graph(*arrivals, copy("a b", "c")).findings())
    assert (arc.severity, arc.path) == (Severity.WARNING, "$.arcs[0]")


@pytest.mark.parametrize(
    "wait", [JoinWait(deadline_sec=5), JoinWait(for_=WaitFor.AT_LEAST, count=1)], ids=["deadline", "at least one"]
)
def test_a_join_that_need_not_wait_for_what_is_left_out_is_sound(wait: JoinWait) -> None:
    assert graph(arrive("a", event_arrival=RARE), arrive("b"), join("c", "a b", wait=wait)).findings() == ()


def test_sources_that_leave_out_the_same_lots_keep_no_join_waiting() -> None:
    rare = arrive("a", event_arrival=RARE)
    assert graph(rare, copy("a", "b"), copy("a", "c"), join("d", "b c")).findings() == ()


def test_what_a_join_leaves_out_reaches_the_next() -> None:
    elements = arrive("a", event_arrival=RARE), arrive("b", event_arrival=RARE), arrive("c")
    fires = join("d", "a b", wait=JoinWait(deadline_sec=5))
    finding = only(graph(*elements, fires, join("e", "c d")).findings())
    assert finding.path == "$.barriers[1]"
    assert "'a-in'" in finding.text
    assert "'b-in'" in finding.text


def test_a_join_that_fires_without_one_leaves_out_no_lot() -> None:
    elements = arrive("a", event_arrival=RARE), arrive("b"), arrive("c")
    fires = join("d", "a b", wait=JoinWait(deadline_sec=5))
    assert graph(*elements, fires, join("e", "c d")).findings() == ()


def test_a_barrier_that_hears_nothing_is_an_error() -> None:
    deaf = evolve(join("b", "a"), sources=sources("a", subscribe=False))
    assert only(graph(arrive("a"), deaf).findings()).severity is Severity.ERROR


@pytest.mark.parametrize("of", ["join", "arc"])
def test_more_sources_than_there_are_cannot_be_waited_for(of: str) -> None:
    wait = JoinWait(for_=WaitFor.AT_LEAST, count=3)
    element = join("c", "a b", wait=wait) if of == "join" else copy("a b", "c", wait=Wait(for_=wait.for_, count=3))
    finding = only(graph(arrive("a"), arrive("b"), element).findings())
    assert finding.path.endswith(".wait.count")
    assert finding.text == "it waits for 3 sources, and subscribes to 2"


# ---- rollups ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "of"),
    [(LotUnit.HOURS, LotUnit.HOURS), (LotUnit.HOURS, LotUnit.DAYS), (LotUnit.FOURTHS, LotUnit.SIXTHS)],
)
def test_a_larger_lot_is_a_multiple_of_the_smaller(unit: LotUnit, of: LotUnit) -> None:
    finding = only(graph(arrive("a", unit=of), rollup("b", "a", unit)).findings())
    assert finding.path == "$.barriers[0].lotUnit"
    assert of.label in finding.text


def test_a_rollup_of_what_leaves_out_lots_needs_a_deadline() -> None:
    rare = arrive("a", event_arrival=RARE)
    assert only(graph(rare, rollup("b", "a")).findings()).severity is Severity.ERROR
    assert graph(rare, rollup("b", "a", wait=RollupWait(deadline_sec=60))).findings() == ()


@pytest.mark.parametrize("start", ["20240131P1D000", "20240131PT1H003"])
def test_a_rollup_starts_at_a_lot_of_either_unit(start: str) -> None:
    assert graph(arrive("a"), rollup("b", "a", sources=sources("a", start=start))).findings() == ()
    wrong = only(graph(arrive("a"), rollup("b", "a", sources=sources("a", start="20240131PT5M000"))).findings())
    assert wrong.path == "$.barriers[0].sources.a.start"


# ---- names and locations ---------------------------------------------------------------------------------------


def test_what_works_lots_shares_names_and_what_brings_them_does_not() -> None:
    named = evolve(join("c", "a"), name="same")
    finding = only(graph(arrive("a"), evolve(copy("a", "b"), name="same"), named).findings())
    assert finding.path == "$.barriers[0].name"
    assert graph(evolve(arrive("a"), name="same"), named).findings() == ()


def test_what_a_barrier_makes_overlaps_with_nothing() -> None:
    """It writes no objects."""
    assert graph(arrive("a"), join("b", "a", "s3://bucket/in/a/"), copy("b", "c")).findings() == ()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("s3://bucket/in/a/published/", "would arrive again"),
        ("s3://bucket/", "would arrive again"),
        ("s3://bucket/out/c/x/", "arc 'copy-c' of p/1 writes to"),
    ],
)
def test_what_goes_out_lies_where_nothing_of_ours_does(where: str, said: str) -> None:
    findings = graph(arrive("a"), join("b", "a"), copy("b", "c"), out("b", where)).findings()
    assert any(said in finding.text for finding in findings)
    assert {finding.path for finding in findings} == {"$.boundaries[1].pathURI"}


def test_what_goes_out_may_arrive_in_another_pipeline() -> None:
    assert graph(arrive("a"), out("a", "s3://x/"), arrive("x", "s3://x/")).findings() == ()


def test_two_ways_out_do_not_share_a_location() -> None:
    finding = only(graph(arrive("a"), out("a"), out("a", "s3://outside/more/", "also")).findings())
    assert finding.path == "$.boundaries[2].pathURI"
