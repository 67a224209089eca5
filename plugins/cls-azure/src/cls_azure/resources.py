"""Containers and queues that a project declares: made if they are not there; what is there stays as it is."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from cls_azure import clients, queues
from cls_azure.components import BlobContainer, StorageQueue
from cls_azure.errors import asking, code
from cls_azure.names import marks
from cls_azure.settings import Reach, reach
from clusterless.errors import StoreUnavailableError
from clusterless.provider import Surroundings

_log = logging.getLogger(__name__)


def make_declared_container(resource: BlobContainer, surroundings: Surroundings) -> None:
    """Make the container if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    made_for = marks(surroundings.project, surroundings.placement)
    make_container(reach(surroundings.placement), resource.container_name, {**made_for, **resource.metadata})


def make_container(found: Reach, name: str, metadata: Mapping[str, str]) -> None:
    """Make the container if it is not there: closed to the public.

    Raises:
        StoreRefusedError: it may not be made.
        StoreUnavailableError: one of that name is being removed.
    """
    from azure.core.exceptions import ResourceExistsError

    with asking(f"az://{name}/"):
        try:
            clients.blobs(found).create_container(name, metadata=dict(metadata))
        except ResourceExistsError as error:
            if code(error) == "ContainerAlreadyExists":
                return
            msg = f"the container {name} is being removed, and Azure makes no other by that name yet"
            raise StoreUnavailableError(msg, hint="try again in a minute") from error
    _log.info("made the container %s", name)


def make_declared_queue(resource: StorageQueue, surroundings: Surroundings) -> None:
    """Make the queue if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    placement = surroundings.placement
    made_for = marks(surroundings.project, placement)
    queues.make(clients.queues(reach(placement)), resource.queue_name, {**made_for, **resource.metadata})
