"""A subscriber's queue, and the one beside it for what nobody can read, or was received too often."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from cls_azure import events, queues
from cls_azure.names import DEAD
from cls_azure.queues import Queue
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.event import Event
from clusterless.model.placement import Placement
from clusterless.provider import Clock, SetAside
from clusterless.runtime.polling import Polled

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage, QueueServiceClient

_log = logging.getLogger(__name__)

RECEIVES = 1000
"""How often a message is received before it is set aside: to defer one counts as well."""

_ASIDE = 32  # messages at a time
_KEPT = "it was received too often, or could not be read by an older version"


@frozen(kw_only=True)
class Subscriber:
    """What a subscriber has of its own: a *queue*, and one for the *dead*."""

    queue: Queue
    dead: Queue


def subscribe(service: QueueServiceClient, placement: Placement, name: str, datasets: Sequence[Dataset]) -> Subscriber:
    """Make what is missing for the placement's events of *datasets* to come to the queue *name*.

    Raises:
        StoreRefusedError: something of it may not be made.
    """
    dead = queues.make(service, name + DEAD, {events.PLACEMENT: placement.id})
    return Subscriber(queue=queues.make(service, name, events.marks(placement, datasets)), dead=dead)


@frozen
class QueuedDelivery:
    event: Event
    _queue: Queue = field(repr=False)
    _message: Any = field(repr=False)

    def acknowledge(self) -> None:
        self._queue.delete(self._message.id, self._message.pop_receipt)

    def defer(self, seconds: float) -> None:
        self._queue.hide(self._message, seconds)


class QueueSubscription:
    """Hands out the events of the datasets that are *wanted*; any number of processes may do so.

    What nobody can read is set aside at once: to read it again would not help.
    """

    def __init__(self, wire: Callable[[], Subscriber], wanted: frozenset[str], clock: Clock) -> None:
        self._wire = wire
        self._wanted = wanted
        self._polled = Polled(self._messages, self._delivery, clock)
        self._subscriber = wire()

    def receive(self, limit: int) -> Sequence[QueuedDelivery]:
        return self._polled.receive(limit)

    def close(self) -> None:
        """Nothing is held."""

    def set_aside(self) -> Sequence[SetAside]:
        messages = self._dead()
        for message in messages:
            self._subscriber.dead.hide(message, 0)
        return [_told(message) for message in messages]

    def redrive(self) -> int:
        moved, own = 0, self._subscriber
        for message in self._dead():
            if _told(message).event is None:
                own.dead.hide(message, 0)
                continue
            own.queue.put(message.content)
            own.dead.delete(message.id, message.pop_receipt)
            moved += 1
        return moved

    def _messages(self, most: int) -> Sequence[QueueMessage]:
        try:
            return self._subscriber.queue.receive(most)
        except ObjectMissingError:
            queue = self._subscriber.queue
            _log.warning("%s was removed, and is made again: lots that it told of are found later", queue)
            self._subscriber = self._wire()
            return []

    def _delivery(self, message: QueueMessage) -> QueuedDelivery | None:
        queue = self._subscriber.queue
        try:
            event = events.read_event(message.content, f"message {message.id} of {queue}")
        except MalformedError as error:
            self._put_aside(message, f"an event that cannot be read was set aside: {error}")
            return None
        if event.dataset.id not in self._wanted:  # there was no room for all of them, or who feeds it has no filter
            queue.delete(message.id, message.pop_receipt)
            return None
        if (message.dequeue_count or 0) > RECEIVES:
            self._put_aside(message, f"an event was received {RECEIVES} times, and is set aside: {event}")
            return None
        return QueuedDelivery(event, queue, message)

    def _put_aside(self, message: QueueMessage, why: str) -> None:
        own = self._subscriber
        own.dead.put(message.content)
        own.queue.delete(message.id, message.pop_receipt)
        _log.error("in %s: %s", own.dead, why)

    def _dead(self) -> list[QueueMessage]:
        found: list[QueueMessage] = []
        while messages := self._subscriber.dead.receive(_ASIDE):
            found += messages
        return found


def _told(message: QueueMessage) -> SetAside:
    try:
        return SetAside(event=events.read_event(message.content, f"message {message.id}"), why=_KEPT)
    except MalformedError as error:
        return SetAside(event=None, why=error.problem)
