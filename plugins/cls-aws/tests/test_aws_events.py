"""Events over a bus to queues: what is announced is heard, once each, and in the reference system's form."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve
from beds.placed import placement, surroundings

from cls_aws.bus import DETAIL_TYPE, SOURCE, BusPublisher, entry, pattern, read_event
from cls_aws.clients import client
from cls_aws.provider import AwsProvider
from cls_aws.subscription import QueuedDelivery, QueueSubscription
from clusterless.errors import MalformedError, StoreRefusedError, StoreUnavailableError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.provider import Redrivable, Surroundings
from clusterless.runtime.silence import NoSubscription
from clusterless.testing.clock import SettableClock
from clusterless.testing.vectors import vectors

A, B = (LocatedDataset(name=name, version="1", path_uri=f"s3://bucket/{name}/") for name in "ab")
LOT = Lot.parse("20230101PT5M000")


def event(dataset: LocatedDataset = A, lot: Lot = LOT, revision: int = 0) -> Event:
    return Event(dataset=dataset, lot=lot, manifest="s3://m/manifest.json", revision=revision)


# ---- in text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [each for each in vectors("records") if each["record"] == "event"])
def test_an_event_has_the_bytes_of_the_reference_system(case: dict[str, Any]) -> None:
    told = read_event(case["text"], "a vector")
    put = entry(told, "bus")
    assert put["Detail"] == case["text"]
    assert (put["Source"], put["DetailType"]) == ("clusterless.arc", "Clusterless Arc Notification")


def test_an_event_of_the_reference_system_which_knows_no_revisions_is_read() -> None:
    (case,) = (each for each in vectors("records") if each["record"] == "event")
    theirs = json.loads(case["text"])
    del theirs["revision"]
    sent = json.dumps({"version": "0", "source": SOURCE, "detail-type": DETAIL_TYPE, "detail": theirs})
    assert read_event(sent, "a queue") == read_event(case["text"], "a vector")


@pytest.mark.parametrize("message", ["", "no JSON", "[]", "7", "{}", '{"detail": "text"}', '{"detail": {"lot": "x"}}'])
def test_what_is_no_event_is_told_with_where_it_was(message: str) -> None:
    with pytest.raises(MalformedError, match=r"message 1 of q"):
        read_event(message, "message 1 of q")


def test_a_rule_takes_up_datasets_by_their_ids_in_any_order() -> None:
    wanted = {"source": [SOURCE], "detail-type": [DETAIL_TYPE], "detail": {"datasetId": ["a/1", "b/1"]}}
    assert json.loads(pattern([B, A, B])) == wanted
    assert pattern([A, B]) == pattern([B, A])


# ---- entries that fail -----------------------------------------------------------------------------------------


class Answering:
    """A client that answers one after another; what a real bus refuses, it does not do on demand."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)

    def put_events(self, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803  as the SDK has it
        assert len(Entries) == 1
        return self.answers.pop(0)


FAILED = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}]}


def test_an_entry_that_fails_is_put_again_after_a_pause() -> None:
    client, clock = Answering(FAILED, FAILED, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}), SettableClock()
    began = clock.now()
    BusPublisher(client, "bus", clock).publish(event())
    assert client.answers == []
    assert clock.now() > began


def test_an_entry_that_always_fails_is_not_taken_for_announced() -> None:
    with pytest.raises(StoreUnavailableError, match="bus bus did not take an event: ThrottlingException: Rate"):
        BusPublisher(Answering(*[FAILED] * 9), "bus", SettableClock()).publish(event())


# ---- on a server -----------------------------------------------------------------------------------------------


@pytest.fixture
def place(ask: Callable[[str], None], ministack_endpoint: str) -> Placement:
    """One with a bus, that no other test has."""
    ask(ministack_endpoint)
    made = placement(f"t{uuid4().hex[:8]}")
    client("events", made).create_event_bus(Name=f"{made.stage.upper()}-arc-events-us-west-2")  # type: ignore[union-attr]
    return made


@pytest.fixture
def around(place: Placement, tmp_path: Path) -> Surroundings:
    return evolve(surroundings(place, tmp_path), clock=SettableClock())


Subscribe = Callable[..., QueueSubscription]


@pytest.fixture
def subscribe(around: Surroundings) -> Subscribe:
    def subscribed(*datasets: Dataset, name: str = "Demo-1-arc") -> QueueSubscription:
        made = AwsProvider().subscription(around, name, datasets)
        assert isinstance(made, QueueSubscription)
        return made

    return subscribed


@pytest.fixture
def publisher(around: Surroundings) -> BusPublisher:
    return AwsProvider().publisher(around)


def received(queue: QueueSubscription, clock: Any, count: int = 1) -> Sequence[QueuedDelivery]:
    """What comes within a moment: the bus delivers when it will."""
    import time

    taken: list[QueuedDelivery] = []
    for _ in range(100):
        clock.advance(2)
        taken += queue.receive(10)
        if len(taken) >= count:
            break
        time.sleep(0.02)
    return taken


def test_an_event_is_heard_as_it_was_announced(
    publisher: BusPublisher, subscribe: Subscribe, around: Surroundings
) -> None:
    queue = subscribe(A)
    publisher.publish(event(revision=3))
    (delivery,) = received(queue, around.clock)
    assert delivery.event == event(revision=3)


def test_each_subscriber_hears_of_its_datasets_only(
    publisher: BusPublisher, subscribe: Subscribe, around: Surroundings
) -> None:
    both, only_b = subscribe(A, B, name="both"), subscribe(B, name="only.b")
    for dataset in (A, B):
        publisher.publish(event(dataset))
    assert {each.event.dataset for each in received(both, around.clock, 2)} == {A, B}
    assert [each.event.dataset for each in received(only_b, around.clock)] == [B]


def test_what_is_acknowledged_is_heard_no_more_and_what_is_deferred_is(
    publisher: BusPublisher, subscribe: Subscribe, around: Surroundings
) -> None:
    queue = subscribe(A)
    publisher.publish(event())
    (delivery,) = received(queue, around.clock)
    delivery.defer(0)
    (again,) = received(queue, around.clock)
    again.acknowledge()
    delivery.acknowledge()  # its time ran out: no error
    delivery.defer(10**9)
    around.clock.advance(100)  # type: ignore[attr-defined]
    assert queue.receive(10) == []


def test_all_who_name_a_subscriber_share_its_queue(
    publisher: BusPublisher, subscribe: Subscribe, around: Surroundings
) -> None:
    one, other = subscribe(A), subscribe(A)
    publisher.publish(event())
    (delivery,) = received(one, around.clock)
    assert other.receive(1) == []
    delivery.acknowledge()


def test_a_queue_with_nothing_in_it_is_asked_once_a_second(subscribe: Subscribe, around: Surroundings) -> None:
    asked: list[object] = []
    queue = subscribe(A)
    sqs = client("sqs", around.placement)
    sqs.meta.events.register("before-call.sqs.ReceiveMessage", lambda **_: asked.append(1))
    for _ in range(10):
        assert queue.receive(5) == []
        around.clock.advance(0.2)  # type: ignore[attr-defined]
    assert len(asked) == 2


def test_what_nobody_can_read_is_set_aside_and_told(
    subscribe: Subscribe, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    queue = subscribe(A)
    sqs, made = client("sqs", around.placement), queue._subscriber
    sqs.send_message(QueueUrl=made.queue.url, MessageBody='{"detail": {"lot": 1}}')
    assert queue.receive(10) == []
    assert f"set aside in {made.dead.name}" in caplog.text
    (dead,) = sqs.receive_message(QueueUrl=made.dead.url)["Messages"]
    assert dead["Body"] == '{"detail": {"lot": 1}}'


def test_what_was_set_aside_is_told_and_what_can_be_read_is_handed_out_again(
    subscribe: Subscribe, around: Surroundings
) -> None:
    queue = subscribe(A)
    sqs, made = client("sqs", around.placement), queue._subscriber
    lots = [LOT, LOT.next]
    for lot in lots:
        detail = json.loads(entry(event(lot=lot), "bus")["Detail"])
        sqs.send_message(QueueUrl=made.dead.url, MessageBody=json.dumps({"source": SOURCE, "detail": detail}))
    sqs.send_message(QueueUrl=made.dead.url, MessageBody="rubbish")
    assert isinstance(queue, Redrivable)
    for _ in range(2):  # to look changes nothing
        aside = queue.set_aside()
        assert sorted(str(each.event.lot) for each in aside if each.event) == [str(each) for each in lots]
        (unreadable,) = (each for each in aside if each.event is None)
        assert "not JSON" in unreadable.why
    assert queue.redrive() == 2
    assert {each.event.lot for each in received(queue, around.clock, 2)} == set(lots)
    assert [each.event for each in queue.set_aside()] == [None]
    assert queue.redrive() == 0


def test_datasets_that_are_added_later_are_heard_of(
    publisher: BusPublisher, subscribe: Subscribe, around: Surroundings
) -> None:
    subscribe(A)
    queue = subscribe(A, B)
    publisher.publish(event(B))
    assert [each.event.dataset for each in received(queue, around.clock)] == [B]


def test_a_policy_that_was_edited_is_put_right_and_that_is_told(
    publisher: BusPublisher, subscribe: Subscribe, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    made, sqs = subscribe(A)._subscriber, client("sqs", around.placement)
    assert caplog.text == ""
    theirs = {"Sid": "theirs", "Effect": "Deny", "Principal": "*", "Action": "sqs:Purge", "Resource": made.queue.arn}
    text = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    sqs.set_queue_attributes(QueueUrl=made.queue.url, Attributes={"Policy": text})
    with caplog.at_level(logging.WARNING):
        queue = subscribe(A)
    assert f"policy of the queue {made.queue.name}" in caplog.text
    policy = sqs.get_queue_attributes(QueueUrl=made.queue.url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert theirs in json.loads(policy)["Statement"]
    publisher.publish(event())
    assert len(received(queue, around.clock)) == 1


def test_a_rule_that_somebody_disabled_stays_so_and_that_is_told(
    subscribe: Subscribe, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    made, events = subscribe(A)._subscriber, client("events", around.placement)
    events.disable_rule(Name=made.rule, EventBusName=made.bus)
    subscribe(A, B)
    assert "is disabled" in caplog.text
    assert events.describe_rule(Name=made.rule, EventBusName=made.bus)["State"] == "DISABLED"


def test_queues_that_somebody_removed_are_made_again_and_that_is_told(
    subscribe: Subscribe, publisher: BusPublisher, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    queue, sqs = subscribe(A), client("sqs", around.placement)
    for each in (queue._subscriber.queue, queue._subscriber.dead):
        sqs.delete_queue(QueueUrl=each.url)
    assert queue.receive(10) == []
    assert "-arc-events was removed, and is made again" in caplog.text
    publisher.publish(event())
    assert [each.event for each in received(queue, around.clock)] == [event()]
    assert queue.set_aside() == []


def test_rubbish_is_set_aside_though_somebody_removed_where_it_goes(
    subscribe: Subscribe, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    queue, sqs = subscribe(A), client("sqs", around.placement)
    made = queue._subscriber
    sqs.delete_queue(QueueUrl=made.dead.url)
    sqs.send_message(QueueUrl=made.queue.url, MessageBody="rubbish")
    good = json.dumps({"detail": json.loads(entry(event(), "bus")["Detail"])})
    sqs.send_message(QueueUrl=made.queue.url, MessageBody=good)
    assert [each.event for each in received(queue, around.clock)] == [event()]
    assert f"{made.dead.name} was removed, and is made again" in caplog.text
    (aside,) = queue.set_aside()
    assert "not JSON" in aside.why


@pytest.mark.parametrize("removed", ["target", "rule"])
def test_a_rule_that_somebody_removed_is_made_again_within_the_hour_and_that_is_told(
    subscribe: Subscribe, publisher: BusPublisher, around: Surroundings, caplog: pytest.LogCaptureFixture, removed: str
) -> None:
    queue, clock = subscribe(A), around.clock
    made, events = queue._subscriber, client("events", around.placement)
    events.remove_targets(Rule=made.rule, EventBusName=made.bus, Ids=["queue"])
    if removed == "rule":
        events.delete_rule(Name=made.rule, EventBusName=made.bus)
    assert queue.receive(10) == []
    assert caplog.text == ""
    clock.advance(3600)  # type: ignore[attr-defined]
    assert queue.receive(10) == []
    assert f"the rule {made.rule} was removed or changed, and is put right" in caplog.text
    publisher.publish(event())
    assert [each.event for each in received(queue, clock)] == [event()]


def test_runs_that_begin_together_do_not_take_each_other_for_somebody_who_removed_a_rule(
    subscribe: Subscribe, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    """The one has made the queue, and its rule not yet, when the other comes."""
    made = subscribe(A)._subscriber
    client("events", around.placement).remove_targets(Rule=made.rule, EventBusName=made.bus, Ids=["queue"])
    subscribe(A)
    assert caplog.text == ""


def test_where_the_hourly_look_is_refused_events_are_heard_all_the_same(
    subscribe: Subscribe, publisher: BusPublisher, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, asked = subscribe(A), 0

    def refused() -> Any:
        nonlocal asked
        asked += 1
        msg = "access was denied"
        raise StoreRefusedError(msg)

    monkeypatch.setattr(queue, "_wire", refused)
    publisher.publish(event())
    around.clock.advance(3600)  # type: ignore[attr-defined]
    with pytest.raises(StoreRefusedError, match="access was denied"):
        queue.receive(10)
    assert [each.event for each in received(queue, around.clock)] == [event()]
    assert asked == 1


def test_an_arc_that_subscribes_to_nothing_has_no_queue(around: Surroundings) -> None:
    silent = AwsProvider().subscription(around, "silent", [])
    assert isinstance(silent, NoSubscription)
    assert silent.receive(10) == []
    silent.close()


def test_a_placement_without_a_bus_is_refused_with_what_to_type(around: Surroundings) -> None:
    bare = evolve(around, placement=evolve(around.placement, stage="bare"))
    with pytest.raises(StoreRefusedError, match=r"BARE-arc-events-us-west-2.*is not bootstrapped") as refused:
        AwsProvider().publisher(bare)
    assert refused.value.hint.startswith("cls bootstrap --provider aws --stage bare --account 000000000000")


def test_credentials_of_another_account_are_refused(around: Surroundings) -> None:
    other = evolve(around, placement=evolve(around.placement, account="111122223333"))
    for ask_ in (AwsProvider().publisher, lambda each: AwsProvider().subscription(each, "s", [A])):
        with pytest.raises(StoreRefusedError, match=r"111122223333.*of account 000000000000"):
            ask_(other)
