"""Events announced to a topic, a queue or another bus."""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import evolve

from cls_aws.arn import Arn, parse_arn
from cls_aws.bus import DETAIL_TYPE, BusPublisher
from cls_aws.clients import reached
from cls_aws.components import EventBridgeNotifier, SnsNotifier, SqsNotifier
from cls_aws.errors import asking
from cls_aws.queues import find_queue
from cls_aws.settings import reach
from clusterless import codec
from clusterless.errors import NotifyError
from clusterless.model.event import Event
from clusterless.provider import Surroundings


class TopicPublisher:
    """Publishes to a topic; threads may share it."""

    def __init__(self, notifier: SnsNotifier, surroundings: Surroundings) -> None:
        self._topic = notifier.topic_arn
        self._sns = _client("sns", parse_arn(notifier.topic_arn), surroundings)

    def publish(self, event: Event) -> None:
        with asking(f"the topic {self._topic}"):
            self._sns.publish(
                TopicArn=self._topic,
                Subject=DETAIL_TYPE,
                Message=codec.record_bytes(event).decode(),
                MessageAttributes={"datasetId": {"DataType": "String", "StringValue": event.dataset.id}},
                **_ordered(self._topic, event),
            )


class QueuePublisher:
    """Sends to a queue; threads may share it."""

    def __init__(self, notifier: SqsNotifier, surroundings: Surroundings) -> None:
        self._arn = parse_arn(notifier.queue_arn)
        self._sqs = _client("sqs", self._arn, surroundings)
        self._url = ""

    def publish(self, event: Event) -> None:
        with asking(f"the queue {self._arn}"):
            self._sqs.send_message(
                QueueUrl=self._found(),
                MessageBody=codec.record_bytes(event).decode(),
                **_ordered(self._arn.resource, event),
            )

    def _found(self) -> str:
        if not self._url:
            queue = find_queue(self._sqs, self._arn.resource, self._arn.account)
            if queue is None:
                msg = f"there is no queue {self._arn}"
                raise NotifyError(msg, hint="declare it as an aws:core:sqsQueue, or correct 'queueArn'")
            self._url = queue.url
        return self._url


def bus_publisher(notifier: EventBridgeNotifier, surroundings: Surroundings) -> BusPublisher:
    """What puts events on the bus that *notifier* names."""
    events = _client("events", parse_arn(notifier.event_bus_arn), surroundings)
    return BusPublisher(events, notifier.event_bus_arn, surroundings.clock)


def _client(service: str, arn: Arn, surroundings: Surroundings) -> Any:
    """As the placement reaches it, in the region of what is told."""
    return reached(service, evolve(reach(surroundings.placement, service), region=arn.region))


def _ordered(name: str, event: Event) -> dict[str, str]:
    """What a topic or a queue that keeps order wants besides: each dataset's events in turn, each of them once."""
    if not name.endswith(".fifo"):
        return {}
    told = f"{event.dataset.id}/{event.lot}/{event.revision}"
    digest = hashlib.sha256(told.encode()).hexdigest()
    return {"MessageGroupId": hashlib.sha256(event.dataset.id.encode()).hexdigest(), "MessageDeduplicationId": digest}
