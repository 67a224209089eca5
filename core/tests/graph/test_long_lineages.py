"""Pipelines that are long, wide, or go round are looked at once each, and without recursion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clusterless.engine.graph import Graph
from clusterless.engine.graph_parts import Node, Part
from clusterless.model.arc import Arc
from clusterless.model.boundary import Booking, EventArrival, IngressBoundary, LotSource
from clusterless.model.dataset import SinkDataset, SourceDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project


class Listener(IngressBoundary):
    @property
    def booking(self) -> Booking:
        by = LotSource.OBJECT_MODIFIED_TIME
        return Booking(unit=self.lot_unit, arrival=self.event_arrival, lot_source=by, key_regex=None, grace=0, settle=0)


def graph(sources: Mapping[str, Sequence[str]]) -> Graph:
    """Arcs that make each dataset from others, and a boundary that makes ``raw``."""
    listener = Listener(
        type="t:t:t",
        name="in",
        dataset=SinkDataset(name="raw", version="1", path_uri="s3://b/raw/"),
        lot_unit=LotUnit.HOURS,
        event_arrival=EventArrival.INFREQUENT,
    )
    arcs = tuple(
        Arc(
            type="t:t:t",
            name=name,
            sources={each: SourceDataset(name=each, version="1") for each in of},
            sinks={"main": SinkDataset(name=name, version="1", path_uri=f"s3://b/{name}/")},
        )
        for name, of in sources.items()
    )
    placement = Placement(provider="p")
    project = Project(name="p", version="1")
    whole = Deployable(project=project, placement=placement, boundaries=(listener,), arcs=arcs)
    return Graph((Part(deployable=whole, file="p.json", place="p"),))


def node(name: str) -> Node:
    return Node("p", name, "1")


def test_a_chain_of_ten_thousand() -> None:
    chain = graph({f"d{number}": [f"d{number - 1}" if number else "raw"] for number in range(10_000)})
    assert chain.unit(node("d9999")) is LotUnit.HOURS
    assert chain.infrequent(node("d9999")) == {"boundary 'in' of p/1"}
    assert [each.element.name for each in chain.origins(node("d9999"))] == ["in"]


def test_ten_thousand_joins_of_the_two_before() -> None:
    """Each looked at anew would take longer than anything lasts."""
    names = ["raw", "d0", *(f"d{number}" for number in range(1, 10_000))]
    wide = graph({"d0": ["raw"], **{names[at]: [names[at - 1], names[at - 2]] for at in range(2, len(names))}})
    assert wide.unit(node("d9999")) is LotUnit.HOURS
    assert wide.infrequent(node("d9999")) == {"boundary 'in' of p/1"}
    assert len(wide.origins(node("d9999"))) == 1


def test_what_goes_round_comes_to_an_end() -> None:
    cycle = graph({"a": ["b", "raw"], "b": ["a"], "c": ["c"]})
    assert cycle.unit(node("a")) is LotUnit.HOURS
    assert cycle.unit(node("c")) is None
    assert cycle.infrequent(node("a")) == {"boundary 'in' of p/1"}
    assert len([finding for finding in cycle.findings() if "feed themselves" in finding.text]) == 2
