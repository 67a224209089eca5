"""What the graph is made of: datasets, and who writes and reads them, where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import Factory, frozen

from clusterless.engine.findings import Finding, Severity
from clusterless.model.arc import Arc
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import EgressBoundary, IngressBoundary
from clusterless.model.dataset import Dataset, HandedOver, SinkDataset, SourceDataset
from clusterless.model.element import Element
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project


@frozen
class Node:
    """A dataset version of a place: datasets of one name in two places are two."""

    place: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@frozen(kw_only=True)
class Part:
    """One deployable of the graph, found at the JSON path *at* of *file*.

    *place* is the same text for all that share a placement's stores, *elsewhere* that of each
    placement that a source names.
    """

    deployable: Deployable
    file: str
    place: str
    at: str = "$"
    elsewhere: Mapping[Placement, str] = Factory(dict)

    @property
    def project(self) -> Project:
        return self.deployable.project

    def sink(self, dataset: Dataset) -> Node:
        return Node(self.place, dataset.name, dataset.version)

    def source(self, dataset: SourceDataset) -> Node:
        place = self.place if dataset.placement is None else self.elsewhere[dataset.placement]
        return Node(place, dataset.name, dataset.version)


@frozen(kw_only=True)
class Recorded:
    """A dataset as its placement's metadata knows it; *unit* where a lot of it was seen."""

    owned: HandedOver
    unit: LotUnit | None = None


@frozen(kw_only=True)
class Writer:
    """A boundary, or what is worked as *arc*, and one dataset that it writes, declared at *path*."""

    part: Part
    element: Element
    dataset: SinkDataset
    path: str
    arc: Arc | None = None

    @property
    def node(self) -> Node:
        return self.part.sink(self.dataset)

    @property
    def label(self) -> str:
        return label(self.element, self.part)

    @property
    def sources(self) -> Sequence[Node]:
        """What it hears of, if anything."""
        sources = self.arc.sources.values() if self.arc else ()
        return [self.part.source(source) for source in sources if source.subscribe]

    @property
    def writes_objects(self) -> bool:
        is_clock = isinstance(self.element, IngressBoundary) and self.element.booking.schedule
        return not (is_clock or isinstance(self.element, Barrier))

    def finding(self, text: str, remedy: str = "", *, at: str = "", severity: Severity = Severity.ERROR) -> Finding:
        return Finding(severity=severity, file=self.part.file, path=self.path + at, text=text, remedy=remedy)


@frozen(kw_only=True)
class Reader:
    """What works lots of its sources as *arc*, and where it is declared."""

    part: Part
    element: Element
    arc: Arc
    path: str

    @property
    def label(self) -> str:
        return label(self.element, self.part)

    @property
    def subscribed(self) -> Sequence[tuple[str, SourceDataset]]:
        return [(role, source) for role, source in self.arc.sources.items() if source.subscribe]

    @property
    def outside(self) -> str:
        """The location that it takes lots out to, if it does."""
        return self.element.path_uri if isinstance(self.element, EgressBoundary) else ""

    @property
    def least(self) -> int:
        """How many of its sources must be there before a lot can ever be worked."""
        return 1 if self.arc.wait.deadline_sec is not None else max(self.arc.wait.needed(len(self.subscribed)), 1)

    @property
    def if_never(self) -> Severity:
        """How bad it is if it never works a lot: a barrier is there for nothing else."""
        return Severity.ERROR if isinstance(self.element, Barrier) else Severity.WARNING

    def finding(self, text: str, *, at: str = "", severity: Severity = Severity.ERROR, remedy: str = "") -> Finding:
        return Finding(severity=severity, file=self.part.file, path=self.path + at, text=text, remedy=remedy)


def label(element: Element, part: Part) -> str:
    kind = "arc" if isinstance(element, Arc) else "barrier" if isinstance(element, Barrier) else "boundary"
    return f"{kind} {element.name!r} of {part.project.id}"
