"""Events over a topic to subscriptions: what is announced is heard, once each, and what cannot be read is set aside."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given
from hypothesis import strategies as st

from cls_gcp import clients, topics
from cls_gcp.components import Form, PubSubNotifier
from cls_gcp.events import TopicSubscription
from cls_gcp.names import TopicName, bus, fitted
from cls_gcp.notifiers import PubSubPublisher
from cls_gcp.provider import GcpProvider
from cls_gcp.settings import reach
from cls_gcp.subscriptions import Pulled, subscribed
from clusterless import codec
from clusterless.errors import ClsError, MalformedError, StoreRefusedError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.provider import Redrivable, Surroundings
from clusterless.runtime.silence import NoSubscription
from clusterless.testing.clock import SettableClock
from clusterless.testing.vectors import vectors

A, B = (LocatedDataset(name=name, version="1", path_uri=f"gs://bucket/{name}/") for name in "ab")
LOT = Lot.parse("20230101PT5M000")


def event(dataset: LocatedDataset = A, lot: Lot = LOT, revision: int = 0) -> Event:
    return Event(dataset=dataset, lot=lot, manifest="gs://m/manifest.json", revision=revision)


# ---- in text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [each for each in vectors("records") if each["record"] == "event"])
def test_an_event_has_the_bytes_of_the_reference_system(case: dict[str, Any]) -> None:
    told = topics.read_event(case["text"].encode(), "a vector")
    assert codec.record_bytes(told).decode() == case["text"]
    assert topics.attributes(told)["datasetId"] == json.loads(case["text"])["datasetId"]


@pytest.mark.parametrize("message", [b"", b"no JSON", b"[]", b"7", b"{}", b'{"lot": "x"}', b"\xff\xfe"])
def test_what_is_no_event_is_told_with_where_it_was(message: bytes) -> None:
    with pytest.raises(MalformedError, match=r"message 1 of q"):
        topics.read_event(message, "message 1 of q")


def test_a_filter_takes_up_datasets_by_their_ids_in_any_order() -> None:
    assert topics.wanting([B, A, B]) == 'attributes.datasetId = "a/1" OR attributes.datasetId = "b/1"'
    assert topics.wanting([A, B]) == topics.wanting([B, A])
    assert topics.wanting([evolve(A, name=f"{number}" * 9) for number in range(20)]) == ""


@given(st.text(min_size=1, max_size=300))
def test_names_fit_and_stay_apart(name: str) -> None:
    made = fitted(name)
    assert TopicName("p", made)
    assert len(made) <= 250
    assert made[0].isalpha()
    assert not made.startswith("goog")
    assert fitted(name + "x") != made
    assert fitted(made) == made


# ---- at the emulator -------------------------------------------------------------------------------------------


@pytest.fixture
def place(emulator: str) -> Placement:
    """One with a topic, that no other test has."""
    made = Placement(provider="gcp", stage=f"t{uuid4().hex[:8]}", account="project-1", region="europe-west1")
    topics.make(clients.publisher(reach(made)), bus(made), {})
    return made


@pytest.fixture
def around(place: Placement, tmp_path: Path) -> Surroundings:
    return Surroundings(
        project=Project(name="Demo", version="20230101-00"),
        placement=place,
        roots=GcpProvider().roots(place, tmp_path),
        open_store=find_plugins().open_store,
        clock=SettableClock(),
        base=tmp_path,
        scratch=tmp_path,
    )


Subscribe = Callable[..., TopicSubscription]


@pytest.fixture
def subscribe(around: Surroundings) -> Subscribe:
    def subscribed(*datasets: Dataset, name: str = "Demo-1-arc") -> TopicSubscription:
        made = GcpProvider().subscription(around, name, datasets)
        assert isinstance(made, TopicSubscription)
        return made

    return subscribed


def received(subscription: TopicSubscription, around: Surroundings, least: int = 1) -> list[Event]:
    """What comes within some seconds, acknowledged."""
    found: list[Event] = []
    for _ in range(20):
        for delivery in subscription.receive(10):
            found.append(delivery.event)
            delivery.acknowledge()
        if len(found) >= least:
            break
        around.clock.sleep(2)
    return found


def test_what_is_announced_is_heard_by_each_subscriber_once(around: Surroundings, subscribe: Subscribe) -> None:
    first, second = subscribe(A), subscribe(A, B, name="Demo-1-other")
    publisher = GcpProvider().publisher(around)
    for told in (event(A), event(B), event(A, revision=1)):
        publisher.publish(told)
    assert sorted(each.revision for each in received(first, around, 2)) == [0, 1]
    assert len(received(second, around, 3)) == 3
    assert received(first, around, 0) == []


def test_an_event_that_is_not_acknowledged_comes_again(around: Surroundings, subscribe: Subscribe) -> None:
    subscription = subscribe(A)
    GcpProvider().publisher(around).publish(event())
    deliveries: Sequence[Any] = []
    while not deliveries:
        deliveries = subscription.receive(1)
        around.clock.sleep(2)
    deliveries[0].defer(0)
    assert received(subscription, around) == [event()]


def test_what_cannot_be_read_is_set_aside_and_what_then_can_is_sent_again(
    around: Surroundings, subscribe: Subscribe, caplog: pytest.LogCaptureFixture
) -> None:
    subscription, place = subscribe(A), around.placement
    publisher = clients.publisher(reach(place))
    topics.publish(publisher, bus(place), b"\xff", {"datasetId": A.id})
    GcpProvider().publisher(around).publish(event())
    assert received(subscription, around) == [event()]
    around.clock.sleep(2)
    assert received(subscription, around, 0) == []
    assert "set aside" in caplog.text
    assert isinstance(subscription, Redrivable)
    dead = TopicName("project-1", fitted(f"{(place.stage or '').upper()}-Demo-1-arc-events") + "-dead")
    topics.publish(publisher, dead, codec.record_bytes(event(revision=7)), {})
    found = subscription.set_aside()
    assert sorted(each.event.revision if each.event else -1 for each in found) == [-1, 7]
    assert subscription.redrive() == 1
    around.clock.sleep(2)
    assert [each.revision for each in received(subscription, around)] == [7]
    assert [each.event for each in subscription.set_aside()] == [None]


def test_other_datasets_make_another_subscription_of_the_same_name(around: Surroundings, subscribe: Subscribe) -> None:
    subscribe(A)
    again = subscribe(B)
    GcpProvider().publisher(around).publish(event(B))
    assert received(again, around) == [event(B)]


def test_a_placement_that_is_not_bootstrapped_says_so(around: Surroundings) -> None:
    elsewhere = evolve(around, placement=evolve(around.placement, stage="nowhere"))
    with pytest.raises(StoreRefusedError, match="not bootstrapped") as refused:
        GcpProvider().publisher(elsewhere)
    assert "cls bootstrap --provider gcp --stage nowhere" in refused.value.hint


def test_nothing_is_heard_by_who_subscribes_to_nothing(around: Surroundings) -> None:
    subscription = GcpProvider().subscription(around, "x", [])
    assert isinstance(subscription, NoSubscription)
    assert subscription.receive(3) == []
    subscription.close()


# ---- told to other topics --------------------------------------------------------------------------------------


@pytest.fixture
def queue(around: Surroundings) -> Pulled:
    """A subscription to a topic of its own."""
    topic = TopicName("project-1", f"t-{uuid4().hex[:8]}")
    topics.make(clients.publisher(reach(around.placement)), topic, {})
    return subscribed(clients.subscriber(reach(around.placement)), topic, topic.name, "", {})


def only(queue: Pulled) -> Any:
    (received,) = queue.pull(10, wait=10)
    return received.message


def notifier(topic: str, form: Form = Form.EVENT) -> PubSubNotifier:
    return PubSubNotifier(type="gcp:core:pubSubNotifier", name="it", topic=topic, form=form)


def test_a_topic_is_told_the_event(around: Surroundings, queue: Pulled) -> None:
    PubSubPublisher(notifier(queue.name.rpartition("/")[2]), around).publish(event())
    message = only(queue)
    assert message.data == codec.record_bytes(event())
    assert message.attributes["datasetId"] == "a/1"


def test_a_topic_is_told_a_cloud_event(around: Surroundings, queue: Pulled) -> None:
    topic = queue.name.replace("/subscriptions/", "/topics/")
    PubSubPublisher(notifier(topic, Form.CLOUD_EVENT), around).publish(event())
    message = only(queue)
    assert message.attributes["content-type"].startswith("application/cloudevents+json")
    read = from_http_event(HTTPMessage(headers=dict(message.attributes), body=message.data))
    assert read.get_id() == "a/1/20230101PT5M000/0"
    assert read.get_data() == codec.to_json(event())


def test_a_topic_that_is_not_there_is_told_of(around: Surroundings) -> None:
    with pytest.raises(ClsError, match="projects/project-1/topics/nowhere"):
        PubSubPublisher(notifier("nowhere"), around).publish(event())
