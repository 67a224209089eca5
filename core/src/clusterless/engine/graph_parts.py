"""What the graph is made of: datasets, and who writes and reads them, where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import Factory, frozen

from clusterless.engine.findings import Finding, Severity
from clusterless.model.arc import Arc
from clusterless.model.boundary import Boundary
from clusterless.model.dataset import Dataset, HandedOver, SinkDataset, SourceDataset
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
    """A boundary or arc, and one dataset that it writes, declared at *path*."""

    part: Part
    element: Boundary | Arc
    dataset: SinkDataset
    path: str

    @property
    def node(self) -> Node:
        return self.part.sink(self.dataset)

    @property
    def label(self) -> str:
        kind = "arc" if isinstance(self.element, Arc) else "boundary"
        return f"{kind} {self.element.name!r} of {self.part.project.id}"


@frozen(kw_only=True)
class Reader:
    """An arc and where it is declared."""

    part: Part
    arc: Arc
    path: str

    @property
    def subscribed(self) -> Sequence[tuple[str, SourceDataset]]:
        return [(role, source) for role, source in self.arc.sources.items() if source.subscribe]

    def finding(self, text: str, *, at: str = "", severity: Severity = Severity.ERROR, remedy: str = "") -> Finding:
        return Finding(severity=severity, file=self.part.file, path=self.path + at, text=text, remedy=remedy)
