"""The smaller resources: an event bus, a queue, and what `cls run` does not make."""

from __future__ import annotations

import logging

from cls_aws.clients import client
from cls_aws.components import ComputeEnvironment, EventBus, SqsQueue
from cls_aws.errors import asking, code
from cls_aws.queues import RETENTION, make_queue
from cls_aws.tags import listed, tags
from clusterless.provider import Surroundings

_log = logging.getLogger(__name__)


def make_bus(resource: EventBus, surroundings: Surroundings) -> None:
    """Make the bus if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    from botocore.exceptions import ClientError

    events = client("events", surroundings.placement)
    marks = listed(tags(surroundings.project, surroundings.placement))
    with asking(f"the event bus {resource.event_bus_name}"):
        try:
            events.create_event_bus(Name=resource.event_bus_name, Tags=marks)
        except ClientError as error:
            if code(error.response) != "ResourceAlreadyExistsException":
                raise


def make_declared_queue(resource: SqsQueue, surroundings: Surroundings) -> None:
    """Make the queue if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    marks = {**tags(surroundings.project, surroundings.placement), **resource.tags}
    settings = {"MessageRetentionPeriod": str(RETENTION)}
    if resource.queue_name.endswith(".fifo"):
        settings["FifoQueue"] = "true"
    make_queue(client("sqs", surroundings.placement), resource.queue_name, settings, marks)


def leave_to_deploy(resource: ComputeEnvironment, _: Surroundings) -> None:
    """Nothing: a run works its arcs on this machine."""
    _log.debug("%s is made when the project is deployed", resource.compute_environment_name)
