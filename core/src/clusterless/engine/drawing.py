"""A pipeline as it is drawn: what there is, in which project, and what leads to what."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import cached_property

from attrs import Factory, evolve, frozen

from clusterless.engine.standing import Standing, worst


class Kind(enum.Enum):
    DATASET = "dataset"
    BOUNDARY = "boundary"
    ARC = "arc"
    BARRIER = "barrier"
    EGRESS = "egress"
    NOTIFIER = "notifier"
    ACTIVITY = "activity"


@frozen(kw_only=True)
class Vertex:
    """One thing that is drawn: *id* tells it apart, *note* says what else is worth knowing.

    *home* is the project that it belongs to, as in `Drawing.homes`. *lots* counts how its lots stand, where that was
    asked; None where it has none. It *is_off* where it was turned off, as far as that was asked.
    """

    id: str
    kind: Kind
    name: str
    home: str
    note: str = ""
    lots: Mapping[Standing, int] | None = None
    is_off: bool = False

    @property
    def label(self) -> str:
        return self.name if self.kind is Kind.DATASET else f"{self.kind.value} {self.name}"

    @property
    def state(self) -> Standing | None:
        """How its worst lot stands."""
        return worst(self.lots or ())

    @property
    def standing(self) -> str:
        """How its lots stand, in words, the worst first; nothing where nobody asked."""
        if self.lots is None:
            return ""
        ordered = sorted(self.lots.items(), key=lambda pair: -pair[0].badness)
        said = ["off"] if self.is_off else []
        return ", ".join([*said, *(f"{state.value} {count:,}" for state, count in ordered if count)]) or "no lots"


class Flow(enum.Enum):
    LOTS = "lots"  # each lot is heard of, or written
    READ = "read"  # what is read of besides, without waiting for it
    NEWS = "news"  # what is announced


@frozen
class Edge:
    """From one vertex's id to another's."""

    tail: str
    head: str
    flow: Flow = Flow.LOTS


@frozen
class Drawing:
    """*homes* are the projects, each with where it lives; the order of all is that in which they are drawn."""

    homes: Mapping[str, str] = Factory(dict)
    vertices: Sequence[Vertex] = ()
    edges: Sequence[Edge] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Vertex]:
        return {vertex.id: vertex for vertex in self.vertices}

    @cached_property
    def heads(self) -> Mapping[str, Sequence[Edge]]:
        """The edges that leave each vertex."""
        return _grouped(self.edges, lambda edge: edge.tail)

    @cached_property
    def tails(self) -> Mapping[str, Sequence[Edge]]:
        """The edges that come into each vertex."""
        return _grouped(self.edges, lambda edge: edge.head)

    @property
    def by_home(self) -> Iterator[tuple[str, Sequence[Vertex]]]:
        """The projects that have something to draw, each with its own."""
        for home in self.homes:
            if own := [vertex for vertex in self.vertices if vertex.home == home]:
                yield home, own

    @property
    def states(self) -> Sequence[Standing]:
        """Those that occur as somebody's worst, from what is well to what is worst."""
        return [state for state in Standing if any(vertex.state is state for vertex in self.vertices)]


def narrowed(drawing: Drawing, is_wanted: Callable[[Vertex], bool]) -> Drawing:
    """What is wanted, and what stands beside it."""
    wanted = {vertex.id for vertex in drawing.vertices if is_wanted(vertex)}
    edges = [edge for edge in drawing.edges if {edge.tail, edge.head} & wanted]
    kept = wanted.union(*({edge.tail, edge.head} for edge in edges))
    return evolve(drawing, vertices=[vertex for vertex in drawing.vertices if vertex.id in kept], edges=edges)


def coloured(drawing: Drawing, lots: Mapping[str, Counter[Standing]], off: Container[str] = ()) -> Drawing:
    """The drawing, with how the *lots* of each id stand, and which ids are *off*."""
    vertices = [evolve(each, lots=lots.get(each.id), is_off=each.id in off) for each in drawing.vertices]
    return evolve(drawing, vertices=vertices)


def _grouped(edges: Sequence[Edge], end: Callable[[Edge], str]) -> Mapping[str, Sequence[Edge]]:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(end(edge), []).append(edge)
    return found
