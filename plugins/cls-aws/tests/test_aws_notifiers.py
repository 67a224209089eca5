"""What is announced to topics, queues and other buses is the event as the placement's own bus has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from beds.aws import ACCOUNT, REGION
from beds.placed import placement, surroundings

from cls_aws.clients import client
from clusterless import codec
from clusterless.errors import ClsError, NotifyError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.plugins import find_plugins
from clusterless.provider import Publisher, Surroundings

DATASET = LocatedDataset(name="orders", version="1", path_uri="s3://b/p/")
EVENT = Event(dataset=DATASET, lot=Lot.parse("20230101PT5M000"), manifest="s3://m/manifest.json", revision=2)
DETAIL = codec.record_bytes(EVENT).decode()
PLACE = placement("note")


@pytest.fixture
def around(ask: Callable[[str], None], ministack_endpoint: str, tmp_path: Path) -> Surroundings:
    ask(ministack_endpoint)
    return surroundings(PLACE, tmp_path)


def notifier(around: Surroundings, type_: str, **values: Any) -> Publisher:
    component = find_plugins().notifiers()[f"aws:core:{type_}"]
    read = codec.read_declaration({"type": component.type, "name": "it", **values}, component.model, source="x")
    return component.load()(read, around)


def queue(end: str = "") -> tuple[str, str]:
    """A queue's URL and ARN."""
    sqs, name = client("sqs", PLACE), f"q-{uuid4().hex[:8]}{end}"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if end else {})["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def bodies(url: str) -> list[str]:
    found = client("sqs", PLACE).receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
    return [each["Body"] for each in found.get("Messages", [])]


def test_a_queue_is_sent_the_event(around: Surroundings) -> None:
    url, arn = queue()
    notifier(around, "sqsNotifier", queueArn=arn).publish(EVENT)
    assert bodies(url) == [DETAIL]


def test_a_queue_that_keeps_order_takes_an_event_once(around: Surroundings) -> None:
    url, arn = queue(".fifo")
    publisher = notifier(around, "sqsNotifier", queueArn=arn)
    for _ in range(2):
        publisher.publish(EVENT)
    assert bodies(url) == [DETAIL]


def test_a_queue_that_is_not_there_is_told(around: Surroundings) -> None:
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:nowhere"
    with pytest.raises(NotifyError, match=f"there is no queue {arn}"):
        notifier(around, "sqsNotifier", queueArn=arn).publish(EVENT)


def test_a_topic_is_published_the_event(around: Surroundings) -> None:
    sns = client("sns", PLACE)
    topic = sns.create_topic(Name=f"t-{uuid4().hex[:8]}")["TopicArn"]
    url, arn = queue()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    notifier(around, "snsNotifier", topicArn=topic).publish(EVENT)
    (body,) = bodies(url)
    told = json.loads(body)
    assert told["Message"] == DETAIL
    assert told["MessageAttributes"]["datasetId"]["Value"] == "orders/1"


def test_a_topic_that_is_not_there_is_told(around: Surroundings) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:nowhere"
    with pytest.raises(ClsError, match=f"the topic {topic}"):
        notifier(around, "snsNotifier", topicArn=topic).publish(EVENT)


def test_another_bus_gets_the_event_as_our_own_does(around: Surroundings) -> None:
    events, bus = client("events", PLACE), f"bus-{uuid4().hex[:8]}"
    bus_arn = events.create_event_bus(Name=bus)["EventBusArn"]
    url, arn = queue()
    pattern = json.dumps({"detail": {"datasetId": ["orders/1"]}})
    events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern, State="ENABLED")
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
    notifier(around, "eventBridgeNotifier", eventBusArn=bus_arn).publish(EVENT)
    (body,) = bodies(url)
    told = json.loads(body)
    assert (told["source"], told["detail-type"]) == ("clusterless.arc", "Clusterless Arc Notification")
    assert codec.read_record(json.dumps(told["detail"]).encode(), Event, source="x") == EVENT
