"""Projects: what is deployed together."""

from __future__ import annotations

from attrs import field, frozen

from clusterless.model.activity import Activity
from clusterless.model.arc import Arc
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import Boundary, EgressBoundary, IngressBoundary
from clusterless.model.dataset import Owner
from clusterless.model.element import Element, Resource
from clusterless.model.naming import check_name
from clusterless.model.notifier import Notifier
from clusterless.model.placement import Placement


@frozen(kw_only=True)
class Project:
    name: str = field(validator=check_name)
    version: str = field(validator=check_name)

    @property
    def id(self) -> str:
        return f"{self.name}/{self.version}"

    @property
    def versioned(self) -> str:
        """As people call it where there are several versions."""
        return f"{self.name}:{self.version}"

    @property
    def spellings(self) -> frozenset[str]:
        """What people may call it by."""
        return frozenset({self.name, self.versioned})

    @property
    def owner(self) -> Owner:
        return Owner(name=self.name, version=self.version)


@frozen(kw_only=True)
class Consumer:
    """An *element* that works lots of its sources, declared at *path* below the deployable: as what *arc*."""

    element: Arc | Barrier | EgressBoundary
    path: str
    arc: Arc

    def sink_path(self, role: str) -> str:
        """Where the sink of that role is declared."""
        return f"{self.path}.dataset" if isinstance(self.element, Barrier) else f"{self.path}.sinks.{role}"


@frozen(kw_only=True)
class Deployable:
    """One project in one placement: what a project file holds, one or several times."""

    project: Project
    placement: Placement
    resources: tuple[Resource, ...] = ()
    activities: tuple[Activity, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    barriers: tuple[Barrier, ...] = ()
    arcs: tuple[Arc, ...] = ()
    notifiers: tuple[Notifier, ...] = ()

    @property
    def elements(self) -> tuple[Element, ...]:
        kinds = (self.resources, self.activities, self.boundaries, self.barriers, self.arcs, self.notifiers)
        return tuple(element for kind in kinds for element in kind)

    @property
    def ingress(self) -> tuple[tuple[str, IngressBoundary], ...]:
        """The boundaries where data comes in, each with its path below the deployable."""
        numbered = enumerate(self.boundaries)
        return tuple((f".boundaries[{i}]", each) for i, each in numbered if isinstance(each, IngressBoundary))

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """Whatever works lots, excluded or not: arcs, barriers and egress boundaries alike."""
        arcs = (Consumer(element=arc, path=f".arcs[{i}]", arc=arc) for i, arc in enumerate(self.arcs))
        others = (
            Consumer(element=each, path=f".{kind}[{i}]", arc=each.as_arc())
            for kind, elements in (("barriers", self.barriers), ("boundaries", self.boundaries))
            for i, each in enumerate(elements)
            if isinstance(each, Barrier | EgressBoundary)
        )
        return (*arcs, *others)
