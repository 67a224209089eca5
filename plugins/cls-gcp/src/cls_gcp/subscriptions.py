"""Subscriptions: made if they are not there, or not as they should be, and pulled from."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from cls_gcp.errors import asking
from cls_gcp.names import TopicName
from cls_gcp.topics import TIMEOUT
from clusterless.errors import ObjectExistsError, ObjectMissingError

if TYPE_CHECKING:
    from google.pubsub_v1 import SubscriberClient

_log = logging.getLogger(__name__)

VISIBILITY = 60  # seconds that what was received is hidden from others
LONGEST = 600  # seconds that the service hides a message at most
_RETENTION = 7 * 24 * 3600  # seconds that a message is kept
_BATCH = 500  # messages at a time


@frozen
class Pulled:
    """A subscription, *name*d as the service does, that any number of processes pull from."""

    name: str
    subscriber: Any = field(repr=False)

    def __str__(self) -> str:
        return f"the subscription {self.name}"

    def pull(self, most: int, wait: float = 0) -> Sequence[Any]:
        """Up to *most* messages, waiting up to *wait* seconds for the first.

        Raises:
            ObjectMissingError: the subscription was removed.
        """
        from google.api_core.exceptions import DeadlineExceeded
        from google.api_core.gapic_v1.method import wrap_method
        from google.api_core.gapic_v1.routing_header import to_grpc_metadata
        from google.pubsub_v1.types import PullRequest

        # The SDK's own method warns of asking without waiting each time: it may miss messages, which come later.
        ask = wrap_method(self.subscriber.transport.pull)
        request = PullRequest(subscription=self.name, max_messages=min(most, _BATCH), return_immediately=not wait)
        with asking(str(self)):
            try:
                metadata = [to_grpc_metadata((("subscription", self.name),))]
                answer = ask(request, timeout=wait or TIMEOUT, metadata=metadata)
            except DeadlineExceeded:
                if not wait:
                    raise
                return []
        found: Sequence[Any] = answer.received_messages
        return found

    def acknowledge(self, receipts: Sequence[str]) -> None:
        for start in range(0, len(receipts), _BATCH):
            with asking(str(self)):
                self.subscriber.acknowledge(
                    subscription=self.name, ack_ids=list(receipts[start : start + _BATCH]), timeout=TIMEOUT
                )

    def hide(self, receipt: str, seconds: float) -> None:
        """Hand that message out again after *seconds*, or as long as the service hides one at most."""
        hidden = min(max(round(seconds), 0), LONGEST)
        with asking(str(self)):
            self.subscriber.modify_ack_deadline(
                subscription=self.name, ack_ids=[receipt], ack_deadline_seconds=hidden, timeout=TIMEOUT
            )


def subscribed(
    subscriber: SubscriberClient, topic: TopicName, name: str, wanted: str, labels: Mapping[str, str]
) -> Pulled:
    """The subscription *name* to *topic*, in the topic's project, which takes up what the filter *wanted* says.

    Raises:
        StoreRefusedError: it may not be made.
        ObjectMissingError: the topic is not there.
    """
    pulled = Pulled(f"projects/{topic.project}/subscriptions/{name}", subscriber)
    found = _found(pulled)
    if found is not None and (found.topic != str(topic) or found.filter != wanted or found.detached):
        # Neither can be changed. What was waiting there were hints, and what they told of is found without them.
        _log.warning("%s is not as it should be (%s %s), and is made anew", pulled, found.topic, found.filter)
        with suppress(ObjectMissingError), asking(str(pulled)):
            subscriber.delete_subscription(subscription=pulled.name, timeout=TIMEOUT)
        found = None
    if found is None:
        _make(pulled, topic, wanted, labels)
    return pulled


def _found(pulled: Pulled) -> Any:
    try:
        with asking(str(pulled)):
            return pulled.subscriber.get_subscription(subscription=pulled.name, timeout=TIMEOUT)
    except ObjectMissingError:
        return None


def _make(pulled: Pulled, topic: TopicName, wanted: str, labels: Mapping[str, str]) -> None:
    request = {
        "name": pulled.name,
        "topic": str(topic),
        "filter": wanted,
        "ack_deadline_seconds": VISIBILITY,
        "message_retention_duration": {"seconds": _RETENTION},
        "expiration_policy": {},  # it stays, however long nobody asks
        "labels": dict(labels),
    }
    # Of what the service itself puts aside there is none: to defer counts there as to fail.
    with suppress(ObjectExistsError), asking(str(pulled)):
        pulled.subscriber.create_subscription(request=request, timeout=TIMEOUT)
