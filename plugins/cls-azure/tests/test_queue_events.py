"""Events over Storage Queues: what is announced is heard, and what cannot be read, or came too often, is set aside."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve
from beds.azurite import ACCOUNT, REGION, Azurite
from beds.proxy import Answer, Lost, Plan, proxied
from hypothesis import example, given
from hypothesis import strategies as st

from cls_azure import clients, events, messages, subscriptions
from cls_azure.names import DEAD, check_queue, fitted, parse_queue
from cls_azure.provider import AzureProvider, subscriber_queue
from cls_azure.queues import Queue
from cls_azure.settings import reach
from cls_azure.subscriptions import QueueSubscription
from clusterless import codec
from clusterless.errors import InvalidValueError, MalformedError, StoreRefusedError, StoreUnavailableError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.provider import Asking, Redrivable, Surroundings
from clusterless.runtime import cloud_event
from clusterless.runtime.silence import NoSubscription
from clusterless.testing.clock import SettableClock
from clusterless.testing.vectors import vectors

A, B = (LocatedDataset(name=name, version="1", path_uri=f"az://data/{name}/") for name in "ab")
LOT = Lot.parse("20230101PT5M000")
PROJECT = Project(name="Demo", version="20230101-00")


def event(dataset: LocatedDataset = A, lot: Lot = LOT, revision: int = 0) -> Event:
    return Event(dataset=dataset, lot=lot, manifest="az://m/manifest.json", revision=revision)


# ---- in text ---------------------------------------------------------------------------------------------------

PLACE = Placement(provider="azure", stage="dev", account=ACCOUNT, region=REGION)


def told(event: Event, own: bool = False) -> bytes:
    """*event* as one of Event Grid's: in its own schema, or as a CloudEvent."""
    if not own:
        return cloud_event.body(event, PROJECT, PLACE)
    data = codec.to_json(event)
    return json.dumps({"eventType": "x", "subject": "s", "eventTime": "now", "id": "1", "data": data}).encode()


@pytest.mark.parametrize("case", [each for each in vectors("records") if each["record"] == "event"])
def test_an_event_has_the_bytes_of_the_reference_system(case: dict[str, Any]) -> None:
    read = events.read_event(messages.written(case["text"].encode()), "a vector")
    assert codec.record_bytes(read).decode() == case["text"]


@pytest.mark.parametrize("content", [codec.record_bytes(event()), told(event()), told(event(), own=True)])
def test_an_event_is_read_however_it_came(content: bytes) -> None:
    for message in (content.decode(), b64encode(content).decode(), f"[{content.decode()}]"):
        if not message.startswith('[{"dataset'):
            assert events.read_event(message, "here") == event()


@pytest.mark.parametrize("message", ["", "no JSON", "[]", "7", "{}", '{"lot": "x"}', "//4=", '{"specversion": "1.0"}'])
def test_what_is_no_event_is_told_with_where_it_was(message: str) -> None:
    with pytest.raises(MalformedError, match=r"message 1 of q"):
        events.read_event(message, "message 1 of q")


@given(st.binary())
def test_what_is_written_is_read(content: bytes) -> None:
    assert messages.plain(messages.written(content)) == content


def test_a_queue_is_marked_with_what_it_wants_in_any_order() -> None:
    assert events.marks(PLACE, [B, A, B]) == {"clsplacement": PLACE.id, "clsdatasets": "a/1,b/1"}
    many = [evolve(A, name=f"{number}" * 50) for number in range(99)]
    assert events.marks(PLACE, many)["clsdatasets"] == "*"


def test_a_queue_hears_what_it_wants_of_its_placement() -> None:
    marked = events.marks(PLACE, [A])
    assert events.hears(marked, PLACE, event(A))
    assert events.hears({name.title(): value for name, value in marked.items()}, PLACE, event(A))
    assert not events.hears(marked, PLACE, event(B))
    assert not events.hears(marked, evolve(PLACE, stage="prod"), event(A))
    assert not events.hears({}, PLACE, event(A))
    assert events.hears({**marked, "clsdatasets": "*"}, PLACE, event(B))


@given(st.text(min_size=1, max_size=300))
@example("-")
@example("a--b")
@example("A")
def test_names_fit_and_stay_apart(name: str) -> None:
    made = fitted(name)
    check_queue(made)
    check_queue(made + DEAD)
    assert fitted(name + "x") != made
    assert fitted(made) == made
    assert fitted(name.swapcase()) != made or name.swapcase() == name


@pytest.mark.parametrize("name", ["ab", "Capitals", "a--b", "-a-b", "a.b.c", "a" * 64, "abc\n", ""])
def test_what_no_queue_can_be_called_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match="cannot be the name of a queue"):
        check_queue(name)


def test_a_queue_is_named_alone_or_with_its_account() -> None:
    assert parse_queue("a-queue") == (None, "a-queue")
    assert parse_queue("https://them.queue.core.windows.net/a-queue") == ("them", "a-queue")
    for text in (
        "https://them.queue.core.windows.net/a/b",
        "https://x/a-queue",
        "http://them.queue.core.windows.net/a",
    ):
        with pytest.raises(InvalidValueError, match="queue"):
            parse_queue(text)


# ---- at an Azurite ---------------------------------------------------------------------------------------------


@pytest.fixture
def around(azure: Azurite, tmp_path: Path) -> Surroundings:
    """A placement that no other test has."""
    return placed(tmp_path)


def placed(folder: Path) -> Surroundings:
    place = evolve(PLACE, stage=f"t{uuid4().hex[:8]}")
    return Surroundings(
        project=PROJECT,
        placement=place,
        roots=AzureProvider().roots(place, folder),
        open_store=find_plugins().open_store,
        clock=SettableClock(),
        base=folder,
        scratch=folder,
    )


Subscribe = Callable[..., QueueSubscription]


@pytest.fixture
def subscribe(around: Surroundings) -> Subscribe:
    def subscribed(*datasets: Dataset, name: str = "Demo-1-arc") -> QueueSubscription:
        made = AzureProvider().subscription(around, name, datasets)
        assert isinstance(made, QueueSubscription)
        return made

    return subscribed


def queue(around: Surroundings, subscriber: str = "Demo-1-arc", after: str = "") -> Queue:
    """The queue of that subscriber, as the SDK has it."""
    name = subscriber_queue(around.placement, subscriber) + after
    return Queue(clients.queues(reach(around.placement)).get_queue_client(name))


def received(subscription: QueueSubscription, around: Surroundings) -> list[Event]:
    """What is there, acknowledged."""
    around.clock.sleep(2)
    found = subscription.receive(100)
    for delivery in found:
        delivery.acknowledge()
    return [each.event for each in found]


def test_what_is_announced_is_heard_by_each_subscriber_once(around: Surroundings, subscribe: Subscribe) -> None:
    first, second = subscribe(A), subscribe(A, B, name="Demo-1-other")
    publisher = AzureProvider().publisher(around)
    for each in (event(A), event(B), event(A, revision=1)):
        publisher.publish(each)
    assert sorted(each.revision for each in received(first, around)) == [0, 1]
    assert len(received(second, around)) == 3
    assert received(first, around) == []
    assert queue(around).count() == 0


def test_another_placement_of_the_account_hears_nothing(
    around: Surroundings, subscribe: Subscribe, tmp_path: Path
) -> None:
    subscription = subscribe(A)
    AzureProvider().publisher(placed(tmp_path)).publish(event())
    assert received(subscription, around) == []


def test_more_than_one_answer_holds_are_handed_out_and_no_more_than_are_asked_for(
    around: Surroundings, subscribe: Subscribe
) -> None:
    subscription, publisher = subscribe(A), AzureProvider().publisher(around)
    for revision in range(40):
        publisher.publish(event(revision=revision))
    first, rest = subscription.receive(35), subscription.receive(35)
    assert sorted(each.event.revision for each in (*first, *rest)) == list(range(40))
    assert (len(first), len(rest)) == (35, 5)


def test_an_event_that_is_deferred_comes_again(around: Surroundings, subscribe: Subscribe) -> None:
    subscription = subscribe(A)
    AzureProvider().publisher(around).publish(event())
    (delivery,) = subscription.receive(1)
    delivery.defer(0)
    assert received(subscription, around) == [event()]


def test_who_kept_an_event_too_long_has_no_say_in_it(around: Surroundings, subscribe: Subscribe) -> None:
    subscription, again = subscribe(A), subscribe(A)
    AzureProvider().publisher(around).publish(event())
    (late,) = subscription.receive(1)
    late.defer(0)
    (other,) = again.receive(1)
    late.acknowledge()
    late.defer(5)
    assert queue(around).count() == 1
    other.acknowledge()
    other.acknowledge()
    assert queue(around).count() == 0


def test_an_event_of_another_dataset_is_dropped(around: Surroundings, subscribe: Subscribe) -> None:
    subscription = subscribe(A)
    queue(around).send(codec.record_bytes(event(B)))
    queue(around).send(told(event()))
    assert received(subscription, around) == [event()]
    assert queue(around).count() == 0


def test_what_cannot_be_read_is_set_aside_and_what_then_can_is_handed_out_again(
    around: Surroundings, subscribe: Subscribe, caplog: pytest.LogCaptureFixture
) -> None:
    subscription, dead = subscribe(A), queue(around, after=DEAD)
    queue(around).send(b"\xff\xfe")
    queue(around).put("hello")
    AzureProvider().publisher(around).publish(event())
    assert received(subscription, around) == [event()]
    assert caplog.text.count("was set aside") == 2
    assert isinstance(subscription, Redrivable)
    dead.put(told(event(revision=7)).decode())
    found = subscription.set_aside()
    assert sorted(each.event.revision if each.event else -1 for each in found) == [-1, -1, 7]
    assert all(each.why for each in found)
    assert subscription.redrive() == 1
    assert [each.revision for each in received(subscription, around)] == [7]
    assert [each.event for each in subscription.set_aside()] == [None, None]


def test_what_was_received_too_often_is_set_aside(
    around: Surroundings, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "RECEIVES", 2)
    subscription = subscribe(A)
    AzureProvider().publisher(around).publish(event())
    for _ in range(2):
        (delivery,) = subscription.receive(1)
        delivery.defer(0)
    assert received(subscription, around) == []
    (aside,) = subscription.set_aside()
    assert aside.event == event()
    assert "too often" in aside.why


def test_other_datasets_mark_the_same_queue_anew(around: Surroundings, subscribe: Subscribe) -> None:
    subscribe(A)
    queue(around).client.set_queue_metadata({**events.marks(around.placement, [A]), "theirs": "kept"})
    again = subscribe(B)
    AzureProvider().publisher(around).publish(event(A))
    AzureProvider().publisher(around).publish(event(B))
    assert received(again, around) == [event(B)]
    assert dict(queue(around).client.get_queue_properties().metadata)["theirs"] == "kept"


def test_a_queue_that_was_removed_is_made_again(
    around: Surroundings, subscribe: Subscribe, caplog: pytest.LogCaptureFixture
) -> None:
    subscription, publisher = subscribe(A), AzureProvider().publisher(around)
    publisher.publish(event())
    (held,) = subscription.receive(1)
    queue(around).client.delete_queue()
    held.acknowledge()
    publisher.publish(event(revision=1))
    assert received(subscription, around) == []
    assert "is made again" in caplog.text
    publisher.publish(event(revision=2))
    assert [each.revision for each in received(subscription, around)] == [2]


def test_nothing_is_heard_by_who_subscribes_to_nothing(around: Surroundings) -> None:
    subscription = AzureProvider().subscription(around, "x", [])
    assert isinstance(subscription, NoSubscription)
    assert subscription.receive(3) == []
    subscription.close()


# ---- troubles --------------------------------------------------------------------------------------------------


@pytest.fixture
def plan(azure: Azurite, apart: pytest.MonkeyPatch) -> Iterator[Plan]:
    """What becomes of requests about queues."""
    with proxied(azure.queue, made := Plan()) as proxy:
        for name, value in azure.variables(queue=f"{proxy}/{ACCOUNT}").items():
            apart.setenv(name, value)
        yield made


def refusal(status: int, code: str) -> Answer:
    """How Storage Queues say no."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>so it is</Message></Error>".encode()
    return Answer(status, body, {"Content-Type": "application/xml", "x-ms-error-code": code})


def test_an_announcement_whose_answer_was_lost_is_made_again(plan: Plan, around: Surroundings) -> None:
    subscription = AzureProvider().subscription(around, "Demo-1-arc", [A])
    plan.add("POST .*/messages", Lost(), refusal(503, "ServerBusy"))
    AzureProvider().publisher(around).publish(event())
    found: Sequence[Any] = subscription.receive(10)
    assert {each.event for each in found} == {event()}


@pytest.mark.parametrize(
    ("answer", "raised", "says"),
    [
        (refusal(403, "AuthorizationFailure"), StoreRefusedError, "access was denied"),
        (refusal(409, "QueueBeingDeleted"), StoreUnavailableError, "is just being removed"),
    ],
)
def test_a_queue_that_may_not_be_made_is_told_of(
    plan: Plan, around: Surroundings, answer: Answer, raised: Any, says: str
) -> None:
    plan.add("PUT .*demo-1-arc-events", *[answer] * 9)
    with pytest.raises(raised, match=says):
        AzureProvider().subscription(around, "Demo-1-arc", [A])


# ---- placed ----------------------------------------------------------------------------------------------------


def test_what_a_placement_leaves_out_is_completed(apart: pytest.MonkeyPatch, tmp_path: Path) -> None:
    apart.chdir(tmp_path)
    bare = Placement(provider="azure", stage="dev")
    with pytest.raises(InvalidValueError, match="no storage account"):
        AzureProvider().complete(bare)
    apart.setenv("AZURE_STORAGE_ACCOUNT", ACCOUNT)
    with pytest.raises(InvalidValueError, match="no region") as refused:
        AzureProvider().complete(bare)
    assert "AZURE_LOCATION" in refused.value.hint
    apart.setenv("AZURE_LOCATION", REGION)
    assert AzureProvider().complete(bare) == PLACE
    assert AzureProvider().roots(bare, tmp_path).manifest == f"az://dev-clusterless-manifest-{ACCOUNT}-{REGION}/"


def test_who_finds_no_placement_is_told_who_was_asked_and_what_is_there(around: Surroundings) -> None:
    provider, stage = AzureProvider(), around.placement.stage
    told = provider.asked(around.placement)
    assert told.startswith(f"the storage account {ACCOUNT} was asked, by its connection string")
    clients.blobs(reach(None)).create_container(f"a-{stage}-clusterless-metadata-{ACCOUNT}-{REGION}")
    assert f"azure:a-{stage}:{ACCOUNT}:{REGION}" in provider.asked(around.placement)
    assert isinstance(provider, Asking)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"account": "Capitals"}, "is not a storage account"),
        ({"account": "0f0e-1111"}, "is not a storage account"),
        ({"region": "West-Europe"}, "is not a region of Azure"),
        ({"stage": "a_b"}, "cannot be the name of a container"),
        ({"stage": "a-stage-that-is-much-too-long"}, "cannot be the name of a container"),
    ],
)
def test_what_is_no_placement_is_told_of(
    apart: pytest.MonkeyPatch, tmp_path: Path, values: dict[str, str], says: str
) -> None:
    apart.chdir(tmp_path)
    with pytest.raises(InvalidValueError, match=says):
        AzureProvider().roots(evolve(PLACE, **values), tmp_path)
