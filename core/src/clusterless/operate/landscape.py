"""All that commands ask about: boundaries, datasets and whatever works lots, with the stores of their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from attrs import field, frozen

from clusterless import layout
from clusterless.deploy.places import Placed, Survey
from clusterless.engine.graph_parts import Node, Reader, Recorded, Writer
from clusterless.model.arc import Arc
from clusterless.model.boundary import IngressBoundary
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import Plugins
from clusterless.provider import StoreRoots
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger, SealLedger, seals_of
from clusterless.store.manifests import Manifests

NARROWER = "name one file with -p, or one placement by --stage, --account and --region"
"""What to type where there are several of a name."""


@frozen(kw_only=True)
class DatasetView:
    """A dataset: who writes it, as far as that is known, and its committed *manifests*."""

    node: Node
    dataset: LocatedDataset
    placement: Placement
    owner: Project
    unit: LotUnit | None
    writer: Writer | None
    manifests: Manifests = field(eq=False, repr=False)

    @property
    def path(self) -> str:
        """The key that its manifests lie below."""
        return layout.dataset_path(self.dataset)


@frozen(kw_only=True)
class ArcView:
    """What works lots of its sources (an arc, a barrier, an egress boundary), and the *state* store of its ledgers.

    *unit* is that of its lots, where it is known.
    """

    reader: Reader
    placed: Placed
    unit: LotUnit | None
    sources: Mapping[str, Node]
    sinks: Mapping[str, Node]
    state: ObjectStore = field(eq=False, repr=False)

    @property
    def arc(self) -> Arc:
        return self.reader.arc

    @property
    def project(self) -> Project:
        return self.reader.part.project

    @property
    def placement(self) -> Placement:
        return self.reader.part.deployable.placement

    @property
    def name(self) -> str:
        return f"{self.project.name}/{self.arc.name}"

    @cached_property
    def keys(self) -> layout.ArcKeys:
        return layout.ArcKeys(self.project, self.arc.name)

    def ledger(self, lot: Lot) -> LotLedger:
        return LotLedger(self.state, self.keys, lot)


@frozen(kw_only=True)
class BoundaryView:
    """A boundary where data comes in, the dataset that it makes, and the *state* store of its seals and intake."""

    boundary: IngressBoundary
    project: Project
    placement: Placement
    node: Node
    state: ObjectStore = field(eq=False, repr=False)

    @property
    def name(self) -> str:
        return f"{self.project.name}/{self.boundary.name}"

    @cached_property
    def keys(self) -> layout.BoundaryKeys:
        return layout.BoundaryKeys(self.project, self.boundary.name)

    @cached_property
    def seals(self) -> SealLedger:
        return seals_of(self.state, self.keys)


@frozen
class Landscape:
    """What was *surveyed*, ready to be asked: the projects of *files*, and what is upstream of these."""

    surveyed: Survey
    plugins: Plugins
    files: frozenset[str]

    @cached_property
    def own(self) -> frozenset[tuple[Placement, Project]]:
        """The projects that are asked about, and where they are; what else is in view, they only read from."""
        parts = (placed.part for placed in self.surveyed.placed if placed.part.file in self.files)
        return frozenset((part.deployable.placement, part.project) for part in parts)

    @cached_property
    def arcs(self) -> Sequence[ArcView]:
        """In the order of the projects; what is excluded is left out."""
        graph = self.surveyed.graph
        placed = {id(each.part): each for each in self.surveyed.placed}
        return tuple(self._arc(reader, placed[id(reader.part)]) for reader in graph.readers)

    @cached_property
    def boundaries(self) -> Sequence[BoundaryView]:
        return tuple(
            BoundaryView(
                boundary=boundary,
                project=placed.part.project,
                placement=placed.part.deployable.placement,
                node=placed.part.sink(boundary.dataset),
                state=self.plugins.open_store(_roots(placed).arc_state),
            )
            for placed in self.surveyed.placed
            for _, boundary in placed.part.deployable.ingress
            if not boundary.exclude
        )

    @cached_property
    def datasets(self) -> Mapping[Node, DatasetView]:
        """What is written here, and what is read from elsewhere."""
        graph = self.surveyed.graph
        written = {writer.node: writer for writer in graph.active}
        read = {node for arc in self.arcs for node in arc.sources.values()}
        views = (self._dataset(node, written.get(node)) for node in [*written, *sorted(read - written.keys(), key=str)])
        return {view.node: view for view in views if view}

    def readers_of(self, node: Node) -> Sequence[ArcView]:
        """Whatever subscribes to the dataset."""
        return [arc for arc in self.arcs if any(node == arc.sources[role] for role, _ in arc.reader.subscribed)]

    def maker_of(self, node: Node) -> ArcView | BoundaryView | None:
        """What writes the dataset, where that is known."""
        return self._makers.get(node)

    @cached_property
    def _makers(self) -> Mapping[Node, ArcView | BoundaryView]:
        makers: dict[Node, ArcView | BoundaryView] = {sink: arc for arc in self.arcs for sink in arc.sinks.values()}
        return makers | {boundary.node: boundary for boundary in self.boundaries}

    def _arc(self, reader: Reader, placed: Placed) -> ArcView:
        sources = {role: reader.part.source(source) for role, source in reader.arc.sources.items()}
        known = filter(None, map(self.surveyed.graph.unit, sources.values()))
        return ArcView(
            reader=reader,
            placed=placed,
            unit=reader.arc.lot_unit or next(known, None),
            sources=sources,
            sinks={role: reader.part.sink(sink) for role, sink in reader.arc.sinks.items()},
            state=self.plugins.open_store(_roots(placed).arc_state),
        )

    @cached_property
    def _places(self) -> Mapping[str, tuple[Placement, StoreRoots]]:
        """The placements in view, by the text that tells them apart."""
        found = (pair for placed in self.surveyed.placed for pair in placed.roots.items())
        return {roots.metadata: (placement, roots) for placement, roots in found}

    def _dataset(self, node: Node, writer: Writer | None) -> DatasetView | None:
        graph = self.surveyed.graph
        owner = writer.part.project if writer else _owner(graph.recorded.get(node))
        if owner is None or node.place not in self._places:
            return None
        placement, roots = self._places[node.place]
        return DatasetView(
            node=node,
            dataset=LocatedDataset(name=node.name, version=node.version, path_uri=graph.location(node)),
            placement=placement,
            owner=owner,
            unit=graph.unit(node),
            writer=writer,
            manifests=Manifests(self.plugins.open_store(roots.manifest)),
        )


def _owner(recorded: Recorded | None) -> Project | None:
    return Project(name=recorded.owned.owner.name, version=recorded.owned.owner.version) if recorded else None


def _roots(placed: Placed) -> StoreRoots:
    return placed.roots[placed.part.deployable.placement]
