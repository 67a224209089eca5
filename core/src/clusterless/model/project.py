"""Projects: what is deployed together."""

from __future__ import annotations

from attrs import field, frozen

from clusterless.model.activity import Activity
from clusterless.model.arc import Arc
from clusterless.model.boundary import Boundary
from clusterless.model.dataset import Owner
from clusterless.model.element import Barrier, Element, Resource
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
    def owner(self) -> Owner:
        return Owner(name=self.name, version=self.version)


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
