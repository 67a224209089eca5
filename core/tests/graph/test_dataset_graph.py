"""The graph of datasets and arcs: who owns what, in which lots, and every mistake that it shows."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph import Graph
from clusterless.engine.graph_parts import Node, Part, Recorded
from clusterless.model.arc import Arc, Wait, WaitFor
from clusterless.model.boundary import Boundary, EventArrival, IngressBoundary
from clusterless.model.dataset import HandedOver, LocatedDataset, Owner, SinkDataset, SourceDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project

HERE, THERE = Placement(provider="local"), Placement(provider="local", stage="there")


def sink(name: str, where: str = "", **others: Any) -> SinkDataset:
    return SinkDataset(name=name, version="1", path_uri=where or f"s3://bucket/{name}/", **others)


def boundary(name: str, where: str = "", **others: Any) -> IngressBoundary:
    settings = {"lot_unit": LotUnit.TWELFTHS, "event_arrival": EventArrival.FREQUENT, **others}
    return IngressBoundary(type="local:core:b", name=f"{name}-in", dataset=sink(name, where), **settings)


def arc(name: str, sources: str | dict[str, SourceDataset], *sinks: str | SinkDataset, **others: Any) -> Arc:
    if isinstance(sources, str):
        sources = {each: SourceDataset(name=each, version="1") for each in sources.split()}
    made = [sink(each) if isinstance(each, str) else each for each in sinks]
    return Arc(type="cls:core:a", name=name, sources=sources, sinks={each.name: each for each in made}, **others)


def part(*elements: Boundary | Arc, project: str = "p", file: str = "p.json", place: str = "here") -> Part:
    deployable = Deployable(
        project=Project(name=project, version="1"),
        placement=HERE,
        boundaries=tuple(each for each in elements if isinstance(each, Boundary)),
        arcs=tuple(each for each in elements if isinstance(each, Arc)),
    )
    return Part(deployable=deployable, file=file, place=place, elsewhere={THERE: "there"})


def graph(*elements: Boundary | Arc) -> Graph:
    return Graph((part(*elements),))


def node(name: str, place: str = "here") -> Node:
    return Node(place, name, "1")


def recorded(name: str, owner: str = "q", unit: LotUnit | None = None) -> Recorded:
    dataset = LocatedDataset(name=name, version="1", path_uri=f"s3://bucket/{name}/")
    return Recorded(owned=HandedOver(owner=Owner(name=owner, version="1"), dataset=dataset), unit=unit)


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_a_sound_pipeline_has_no_findings() -> None:
    sound = graph(boundary("a"), boundary("b"), arc("join", "a b", "c"), arc("copy", "c", "d"))
    assert sound.findings() == ()


def test_projects_of_several_files_make_one_graph() -> None:
    first, second = part(boundary("a")), part(arc("copy", "a", "b"), project="q", file="q.json")
    assert Graph((first, second)).findings() == ()


# ---- owners ----------------------------------------------------------------------------------------------------


def test_a_dataset_has_one_owner() -> None:
    first, second = part(boundary("a")), part(boundary("a", "s3://other/"), project="q", file="q.json")
    finding = only(Graph((first, second)).findings())
    assert (finding.file, finding.path) == ("q.json", "$.boundaries[0].dataset")
    assert finding.text == "dataset a/1 has two owners: boundary 'a-in' of p/1 and boundary 'a-in' of q/1"


def test_an_excluded_element_leaves_its_dataset_to_another() -> None:
    old, new = arc("old", "a", "b", exclude=True), arc("new", "a", "b")
    both = graph(boundary("a"), old, new)
    assert both.findings() == ()
    owner = both.owner(node("b"))
    assert owner is not None
    assert owner.element is new


def test_what_is_excluded_still_owns_its_dataset() -> None:
    assert graph(evolve(boundary("a"), exclude=True), arc("copy", "a", "b")).findings() == ()


def test_an_excluded_arc_is_not_checked() -> None:
    assert graph(arc("copy", "nothing", "b", exclude=True)).findings() == ()


def test_a_project_may_take_a_dataset_over() -> None:
    new = evolve(boundary("a", "s3://other/"), dataset=sink("a", "s3://other/", take_over="20240131PT5M000"))
    assert Graph((part(boundary("a")), part(new, project="q"))).findings() == ()


def test_a_dataset_that_is_recorded_as_anothers_is_refused() -> None:
    finding = only(Graph((part(boundary("a")),), {node("a"): recorded("a")}).findings())
    assert finding.text == "dataset a/1 belongs to project q/1"
    assert finding.path == "$.boundaries[0].dataset"


def test_ones_own_dataset_may_be_recorded() -> None:
    assert Graph((part(boundary("a")),), {node("a"): recorded("a", owner="p")}).findings() == ()


def test_a_source_that_nobody_owns_is_named_by_its_path() -> None:
    finding = only(graph(boundary("a"), arc("ok", "a", "b"), arc("copy", "x", "c")).findings())
    assert finding.path == "$.arcs[1].sources.x"
    assert finding.text == "nobody owns dataset x/1"
    assert finding.severity is Severity.ERROR


def test_a_source_may_be_owned_by_what_is_recorded() -> None:
    assert Graph((part(arc("copy", "a", "b")),), {node("a"): recorded("a")}).findings() == ()


def test_the_version_that_is_there_is_told() -> None:
    source = {"main": SourceDataset(name="a", version="2")}
    assert "there is version 1" in only(graph(boundary("a"), arc("copy", source, "b")).findings()).remedy


def test_datasets_of_two_placements_are_two() -> None:
    there = part(boundary("a"), place="there", project="q")
    finding = only(Graph((there, part(arc("copy", "a", "b")))).findings())
    assert finding.text == "nobody owns dataset a/1"
    assert finding.remedy == "it is kept below another root folder"
    named = {"main": SourceDataset(name="a", version="1", placement=THERE)}
    assert Graph((there, part(arc("copy", named, "b")))).findings() == ()


def test_a_source_that_is_in_several_other_placements_must_say_in_which() -> None:
    placed = [Placement(provider="local", account=account, region="here") for account in ("east", "west")]
    there = [
        evolve(each, deployable=evolve(each.deployable, placement=placement))
        for each, placement in zip(
            (part(boundary("a"), place=name, project=name) for name in ("e", "w")), placed, strict=True
        )
    ]
    one = only(Graph((there[0], part(arc("copy", "a", "b")))).findings())
    assert one.text == "nobody owns dataset a/1"
    east = '"placement": {"provider": "local", "account": "east", "region": "here"}'
    assert one.remedy == f"name its placement in the source: {east}"
    several = only(Graph((*there, part(arc("copy", "a", "b")))).findings())
    assert several.text == "dataset a/1 is in several placements, and not in this one"
    assert several.remedy == f"name its placement in the source: {east} or {east.replace('east', 'west')}"


# ---- cycles ----------------------------------------------------------------------------------------------------


def test_a_cycle_is_named_with_its_path() -> None:
    finding = only(
        graph(boundary("z"), arc("one", "a z", "b"), arc("two", "b", "c"), arc("three", "c", "a")).findings()
    )
    names = finding.text.removeprefix("arcs feed themselves: ").split(" → ")
    assert names[0] == names[-1]
    assert set(names) == {"one", "two", "three"}
    assert "one → two → three" in " → ".join([*names, *names[1:]])


def test_every_cycle_is_found() -> None:
    findings = graph(arc("one", "a", "a"), arc("two", "b", "c"), arc("three", "c", "b")).findings()
    assert sorted(len(finding.text.split(" → ")) for finding in findings) == [2, 3]


def test_an_arc_may_read_its_own_sink_unless_it_subscribes_to_it() -> None:
    sources = {
        "main": SourceDataset(name="a", version="1"),
        "past": SourceDataset(name="b", version="1", subscribe=False),
    }
    assert graph(boundary("a"), arc("sum", sources, "b")).findings() == ()


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12, unique=True))
def test_a_cycle_is_found_exactly_where_there_is_one(edges: list[tuple[int, int]]) -> None:
    """Compared with a closure by brute force: arc i subscribes to arc j's sink."""
    arcs = [arc(f"a{i}", " ".join([f"d{j}" for k, j in edges if k == i] or ["z"]), f"d{i}") for i in range(7)]
    reach = set(edges)
    for _ in range(7):
        reach |= {(i, end) for i, j in reach for k, end in reach if j == k}
    found = [each for each in graph(boundary("z"), *arcs).findings() if each.text.startswith("arcs feed themselves")]
    assert bool(found) == any(i == j for i, j in reach)


# ---- units -----------------------------------------------------------------------------------------------------


def test_the_unit_comes_from_the_boundary_through_arcs() -> None:
    both = graph(boundary("a", lot_unit=LotUnit.HOURS), arc("one", "a", "b"), arc("two", "b", "c"))
    assert both.unit(node("c")) is LotUnit.HOURS
    assert both.unit(node("x")) is None


def test_the_unit_of_a_recorded_dataset_is_that_of_its_lots() -> None:
    seen = Graph((part(arc("one", "a", "b")),), {node("a"): recorded("a", unit=LotUnit.DAYS)})
    assert seen.unit(node("b")) is LotUnit.DAYS


def test_the_unit_in_a_cycle_is_unknown_and_ends() -> None:
    assert graph(arc("one", "a", "b"), arc("two", "b", "a")).unit(node("a")) is None


def test_sources_of_different_units_cannot_be_joined() -> None:
    finding = only(graph(boundary("a"), boundary("b", lot_unit=LotUnit.HOURS), arc("join", "a b", "c")).findings())
    assert finding.text == "its sources have lots of different units (a: Twelfths, b: Hours)"


def test_a_start_must_be_a_lot_of_its_dataset() -> None:
    source = {"main": SourceDataset(name="a", version="1", start="20240131PT1H003")}
    finding = only(graph(boundary("a"), arc("copy", source, "b")).findings())
    assert finding.path == "$.arcs[0].sources.main.start"
    assert "has lots of Twelfths" in finding.text


def test_what_is_taken_over_from_must_be_a_lot() -> None:
    wrong = evolve(boundary("a"), dataset=sink("a", take_over="tomorrow"))
    finding = only(graph(wrong).findings())
    assert finding.path == "$.boundaries[0].dataset.takeOver"
    assert "'tomorrow' is not a lot" in finding.text


# ---- joins and subscriptions -----------------------------------------------------------------------------------


def test_a_join_needs_its_boundaries_frequent_also_through_arcs() -> None:
    rare = boundary("a", event_arrival=EventArrival.INFREQUENT)
    finding = only(graph(rare, boundary("b"), arc("copy", "a", "c"), arc("join", "b c", "d")).findings())
    assert finding.severity is Severity.WARNING
    assert finding.path == "$.arcs[1]"
    assert "boundary 'a-in' of p/1" in finding.text


def test_a_join_that_does_not_wait_for_all_needs_none() -> None:
    rare = boundary("a", event_arrival=EventArrival.INFREQUENT)
    for wait in (Wait(deadline_sec=5), Wait(for_=WaitFor.AT_LEAST, count=1)):
        assert graph(rare, boundary("b"), arc("join", "a b", "c", wait=wait)).findings() == ()


def test_an_arc_that_subscribes_to_nothing_is_warned_about() -> None:
    source = {"main": SourceDataset(name="a", version="1", subscribe=False)}
    finding = only(graph(boundary("a"), arc("copy", source, "b")).findings())
    assert finding.severity is Severity.WARNING
    assert "nothing starts it" in finding.text


# ---- locations -------------------------------------------------------------------------------------------------


def test_what_an_arc_writes_must_not_arrive_again() -> None:
    for arrivals, written in (
        ("s3://b/in/", "s3://b/in/out/"),
        ("s3://b/in/", "s3://b/"),
        ("s3://b/in/", "s3://b/in/"),
    ):
        finding = only(graph(boundary("a", arrivals), arc("copy", "a", sink("b", written))).findings())
        assert finding.text.startswith("what is written would arrive again")
        assert finding.path == "$.arcs[0].sinks.b"


def test_sinks_must_not_overlap() -> None:
    arcs = arc("one", "a", sink("b", "s3://b/out/")), arc("two", "a", sink("c", "s3://b/out/c/"))
    finding = only(graph(boundary("a"), *arcs).findings())
    assert finding.text.startswith("sinks overlap")


def test_neighbours_with_a_common_beginning_do_not_overlap() -> None:
    assert graph(boundary("a", "s3://b/in/"), arc("copy", "a", sink("b", "s3://b/in-2/"))).findings() == ()


def test_boundaries_that_share_a_location_are_warned_of() -> None:
    finding = only(graph(boundary("a", "s3://b/in/"), boundary("b", "s3://b/in/new/")).findings())
    assert finding.severity is Severity.WARNING
    assert finding.text.startswith("arrivals are booked twice")


def test_boundaries_of_other_versions_may_share_a_location() -> None:
    parts = part(boundary("a", "s3://b/in/")), part(boundary("b", "s3://b/in/"))
    newer = evolve(parts[1].deployable, project=evolve(parts[1].project, version="2"))
    assert Graph((parts[0], evolve(parts[1], deployable=newer))).findings() == ()


def test_paths_begin_where_the_deployable_stands() -> None:
    second = evolve(part(arc("copy", "x", "b")), at="$[1]")
    assert only(Graph((second,)).findings()).path == "$[1].arcs[0].sources.x"
