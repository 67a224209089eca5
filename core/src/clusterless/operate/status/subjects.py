"""What a status is of: boundaries, datasets, and whatever works lots, each once and upstream first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from attrs import frozen

from clusterless.engine.graph_parts import Node
from clusterless.errors import InvalidValueError
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import EgressBoundary
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView, Landscape
from clusterless.operate.listing import unit_of
from clusterless.store.api import ObjectStore

View = ArcView | BoundaryView | DatasetView


@frozen
class Shelf:
    """Where something's lots are listed: below *path* of *store*."""

    store: ObjectStore
    path: str

    @property
    def key(self) -> str:
        return self.store.root + self.path


def shelf_of(view: ArcView | DatasetView) -> Shelf:
    """That of an arc's ledgers, or of a dataset's manifests."""
    if isinstance(view, DatasetView):
        return Shelf(view.manifests.store, view.path)
    return Shelf(view.state, view.keys.path)


def unit_in(view: View) -> LotUnit | None:
    """The unit of its lots, as declared or else as its first lot has it; None where it never had one."""
    if isinstance(view, BoundaryView):
        return view.boundary.booking.unit
    shelf = shelf_of(view)
    return view.unit or unit_of(shelf.store, shelf.path)


@frozen(eq=False)
class Subject:
    """One row of a status."""

    view: View

    @property
    def kind(self) -> str:
        if isinstance(self.view, DatasetView):
            return "dataset"
        if isinstance(self.view, BoundaryView):
            return "boundary"
        kinds = {Barrier: "barrier", EgressBoundary: "egress"}
        return next((word for kind, word in kinds.items() if isinstance(self.view.reader.element, kind)), "arc")

    @property
    def name(self) -> str:
        return self.view.dataset.id if isinstance(self.view, DatasetView) else self.view.name

    @property
    def project(self) -> Project:
        return self.view.owner if isinstance(self.view, DatasetView) else self.view.project

    @property
    def placement(self) -> Placement:
        return self.view.placement

    @cached_property
    def unit(self) -> LotUnit | None:
        """That of its lots; None where it never had one."""
        return unit_in(self.view)

    @cached_property
    def names(self) -> frozenset[str]:
        """What people may call it by: its project too."""
        project = self.project
        own = self.view.dataset.name if isinstance(self.view, DatasetView) else self.name.partition("/")[2]
        return project.spellings | {self.name, own, *(f"{each}/{own}" for each in project.spellings)}


def subjects(landscape: Landscape) -> list[Subject]:
    """All in view, in the order of the graph: whatever is read comes before what reads it."""
    return list(_ordered(landscape))


def chosen(among: Sequence[Subject], names: Sequence[str]) -> list[Subject]:
    """Those that any of *names* means: ``orders``, ``orders/1``, ``shop``, ``shop:1``, ``shop/copy``; else all.

    Raises:
        InvalidValueError: a name means nothing that is known.
    """
    for name in names:
        if not any(name in subject.names for subject in among):
            known = ", ".join(dict.fromkeys(subject.name for subject in among)) or "none"
            msg = f"nothing is known by the name of {name[:60]!r}; known are {known}"
            raise InvalidValueError(msg, hint="name one of these, a project, or the file that declares it: -p FILE")
    return [subject for subject in among if not names or not subject.names.isdisjoint(names)]


def _ordered(landscape: Landscape) -> Iterator[Subject]:
    views = dict(landscape.datasets)
    for boundary in landscape.boundaries:
        yield Subject(boundary)
        if view := views.pop(boundary.node, None):
            yield Subject(view)
    made = {sink for arc in landscape.arcs for sink in arc.sinks.values()}
    for node in [node for node in views if node not in made]:
        yield Subject(views.pop(node))
    arcs = list(landscape.arcs)
    while arcs:
        # What goes round has no beginning: then the first is as good as any.
        following = next((arc for arc in arcs if not _waits(arc, arcs)), arcs[0])
        arcs.remove(following)
        yield Subject(following)
        yield from (Subject(views.pop(sink)) for sink in following.sinks.values() if sink in views)


def _waits(arc: ArcView, arcs: Sequence[ArcView]) -> bool:
    ahead: set[Node] = {sink for other in arcs if other is not arc for sink in other.sinks.values()}
    return not ahead.isdisjoint(arc.sources.values())
