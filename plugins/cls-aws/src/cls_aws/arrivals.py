"""`aws:core:s3PutListenerBoundary`: the objects that are put at a location, as arrivals."""

from __future__ import annotations

from collections.abc import Sequence

from cls_aws.boundaries import S3PutListenerBoundary
from cls_aws.clients import client
from cls_aws.dead_letters import DeadLetters
from cls_aws.notice_queue import SqsNotices
from cls_aws.notice_wiring import queue_name, wire
from cls_aws.notices import read
from cls_aws.queues import DEAD, find_queue
from clusterless.errors import InvalidValueError
from clusterless.provider import ArrivalSource, Redrivable, SetAside, Surroundings
from clusterless.runtime.bucket_listener import listen
from clusterless.runtime.noticed import Location


def open_listener(boundary: S3PutListenerBoundary, surroundings: Surroundings) -> ArrivalSource:
    """Listen to the location of the boundary's dataset.

    Raises:
        StoreRefusedError: what is needed for it may not be made, or the bucket is elsewhere, or another's.
        StoreUnavailableError: AWS did not answer.
    """
    location = Location.of(boundary.dataset.path_uri)

    def queue() -> SqsNotices:
        sqs = client("sqs", surroundings.placement)
        return SqsNotices(sqs, wire(boundary.name, location, surroundings, boundary.notices))

    return listen(boundary, surroundings, queue)


def open_aside(boundary: S3PutListenerBoundary, surroundings: Surroundings) -> Redrivable:
    """The notices that were put aside beside the boundary's queue; none where there is no queue.

    Raises:
        StoreRefusedError: the queues may not be looked for.
        StoreUnavailableError: AWS did not answer.
    """
    placement = surroundings.placement
    sqs, name = client("sqs", placement), queue_name(boundary.name, surroundings.project, placement)
    queue, dead = find_queue(sqs, name), find_queue(sqs, name + DEAD)
    return DeadLetters(sqs, queue, dead, _told) if queue and dead else _Nothing()


class _Nothing:
    """What is aside where nothing listens yet, or a listing does."""

    def set_aside(self) -> Sequence[SetAside]:
        return ()

    def redrive(self) -> int:
        return 0


def _told(body: str) -> str:
    """The objects that a notice tells of.

    Raises:
        InvalidValueError: it tells of none.
    """
    if notices := read(body):
        return ", ".join(f"s3://{each.bucket}/{each.key}" for each in notices)
    msg = "it tells of no object that was put"
    raise InvalidValueError(msg)
