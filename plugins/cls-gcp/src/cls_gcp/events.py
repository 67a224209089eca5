"""The placement's own events, as a subscriber receives them; and what nobody can read, set aside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from cls_gcp import topics
from cls_gcp.names import TopicName
from cls_gcp.subscriptions import Pulled, subscribed
from clusterless.errors import MalformedError
from clusterless.model.event import Event
from clusterless.provider import Clock, SetAside
from clusterless.runtime.polling import Polled

if TYPE_CHECKING:
    from google.pubsub_v1 import PublisherClient, SubscriberClient

_log = logging.getLogger(__name__)

_DEAD = "-dead"
_ASIDE = 100  # messages at a time


@frozen(kw_only=True)
class Subscriber:
    """What a subscriber to *topic* has of its own: a *queue* to pull from, and a topic and a queue of the *dead*."""

    topic: TopicName
    queue: Pulled
    dead_topic: TopicName
    dead: Pulled
    publisher: Any = field(repr=False)


def subscribe(
    publisher: PublisherClient,
    subscriber: SubscriberClient,
    topic: TopicName,
    name: str,
    wanted: str,
    labels: dict[str, str],
) -> Subscriber:
    """Make what is missing for messages on *topic* that the filter *wanted* takes up to come to the queue *name*.

    Raises:
        StoreRefusedError: something of it may not be made.
    """
    dead_topic = TopicName(topic.project, name + _DEAD)
    topics.make(publisher, dead_topic, labels)
    return Subscriber(
        topic=topic,
        queue=subscribed(subscriber, topic, name, wanted, labels),
        dead_topic=dead_topic,
        dead=subscribed(subscriber, dead_topic, name + _DEAD, "", labels),
        publisher=publisher,
    )


@frozen
class PulledDelivery:
    event: Event
    _queue: Pulled = field(repr=False)
    _receipt: str = field(repr=False)

    def acknowledge(self) -> None:
        self._queue.acknowledge([self._receipt])

    def defer(self, seconds: float) -> None:
        self._queue.hide(self._receipt, seconds)


class TopicSubscription:
    """Hands out the events of the datasets that are *wanted*; any number of processes may do so.

    What nobody can read is set aside at once: to read it again would not help.
    """

    def __init__(self, subscriber: Subscriber, wanted: frozenset[str], clock: Clock) -> None:
        self._subscriber = subscriber
        self._wanted = wanted
        self._polled = Polled(subscriber.queue.pull, self._delivery, clock)

    def receive(self, limit: int) -> Sequence[PulledDelivery]:
        return self._polled.receive(limit)

    def close(self) -> None:
        """Nothing is held."""

    def set_aside(self) -> Sequence[SetAside]:
        messages = self._dead()
        for message in messages:
            self._subscriber.dead.hide(message.ack_id, 0)
        return [self._told(message) for message in messages]

    def redrive(self) -> int:
        moved = 0
        for message in self._dead():
            if (event := self._told(message).event) is None:
                self._subscriber.dead.hide(message.ack_id, 0)
                continue
            # Nothing can be sent to this queue alone; other subscribers find that they have done it.
            topics.TopicPublisher(self._subscriber.publisher, self._subscriber.topic).publish(event)
            self._subscriber.dead.acknowledge([message.ack_id])
            moved += 1
        return moved

    def _delivery(self, received: Any) -> PulledDelivery | None:
        queue, message = self._subscriber.queue, received.message
        try:
            event = topics.read_event(message.data, f"message {message.message_id} of {queue}")
        except MalformedError as error:
            self._put_aside(received, error)
            return None
        if event.dataset.id not in self._wanted:  # there was no room for all of them in the filter
            queue.acknowledge([received.ack_id])
            return None
        return PulledDelivery(event, queue, received.ack_id)

    def _put_aside(self, received: Any, error: MalformedError) -> None:
        own = self._subscriber
        topics.publish(own.publisher, own.dead_topic, received.message.data, received.message.attributes)
        own.queue.acknowledge([received.ack_id])
        _log.error("an event that cannot be read was set aside in %s: %s", own.dead, error)

    def _dead(self) -> list[Any]:
        found: list[Any] = []
        while messages := self._subscriber.dead.pull(_ASIDE):
            found += messages
        return found

    def _told(self, received: Any) -> SetAside:
        try:
            event = topics.read_event(received.message.data, f"message {received.message.message_id}")
        except MalformedError as error:
            return SetAside(event=None, why=error.problem)
        return SetAside(event=event, why="it could not be read by an older version")
