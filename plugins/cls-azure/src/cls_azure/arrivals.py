"""`azure:core:blobPutListenerBoundary`: the blobs that are put at a location, as arrivals."""

from __future__ import annotations

from attrs import evolve

from cls_azure import clients, queues
from cls_azure.boundaries import BlobPutListenerBoundary
from cls_azure.event_grid import tell_of_blobs
from cls_azure.events import PLACEMENT
from cls_azure.notice_queue import StorageNotices
from cls_azure.queues import Queue
from cls_azure.settings import reach
from clusterless.engine.names import ProjectNames
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import ArrivalSource, Surroundings
from clusterless.runtime.bucket_listener import listen
from clusterless.runtime.noticed import Location


def open_listener(boundary: BlobPutListenerBoundary, surroundings: Surroundings) -> ArrivalSource:
    """Listen to the location of the boundary's dataset.

    Raises:
        StoreRefusedError: what is needed for it may not be made.
        StoreUnavailableError: Azure did not answer.
    """
    return listen(boundary, surroundings, lambda: StorageNotices(wire(boundary, surroundings), surroundings.clock))


def wire(boundary: BlobPutListenerBoundary, surroundings: Surroundings) -> Queue:
    """The queue that what is put at the boundary's location is told in, made if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    placement = surroundings.placement
    found, name = reach(placement), queue_name(boundary, surroundings.project, placement)
    queue = queues.make(clients.queues(found), name, {PLACEMENT: placement.id})
    tell_of_blobs(found, name, Location.of(boundary.dataset.path_uri))
    return queue


def queue_name(boundary: BlobPutListenerBoundary, project: Project, placement: Placement) -> str:
    """What the boundary's queue is called."""
    named = ProjectNames(project, evolve(placement, stage=None)).element(boundary.name)
    return queues.fitted("-".join(part for part in (placement.stage, named) if part))
