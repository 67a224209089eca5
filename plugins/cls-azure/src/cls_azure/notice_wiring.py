"""What makes Azure tell a queue of blobs: made if it is not there, as far as we may."""

from __future__ import annotations

from attrs import evolve

from cls_azure import clients, queues
from cls_azure.event_grid import tell_of_blobs
from cls_azure.events import PLACEMENT
from cls_azure.names import fitted
from cls_azure.queues import Queue
from cls_azure.settings import reach
from clusterless.engine.names import ProjectNames
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import Surroundings
from clusterless.runtime.noticed import Location


def wire(element: str, location: Location, surroundings: Surroundings) -> Queue:
    """The queue of the *element* that what is put at *location* is told in, made if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    return _wired(element, location, surroundings)[0]


def wire_if_told(element: str, location: Location, surroundings: Surroundings) -> Queue | None:
    """The same for whoever looks at *location* often otherwise: None where we may not have Event Grid tell.

    Raises:
        StoreRefusedError: it may not be made.
    """
    if not reach(surroundings.placement).subscription:
        return None
    queue, is_told = _wired(element, location, surroundings)
    return queue if is_told else None


def _wired(element: str, location: Location, surroundings: Surroundings) -> tuple[Queue, bool]:
    placement = surroundings.placement
    found, name = reach(placement), queue_name(element, surroundings.project, placement)
    queue = queues.make(clients.queues(found), name, {PLACEMENT: placement.id})
    return queue, tell_of_blobs(found, name, location)


def queue_name(element: str, project: Project, placement: Placement) -> str:
    """What the queue of an *element* is called."""
    named = ProjectNames(project, evolve(placement, stage=None)).element(element)
    return fitted("-".join(part for part in (placement.stage, named) if part))
