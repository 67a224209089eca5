"""`gcp:core:gcsPutListenerBoundary` by servers themselves: objects put, noticed, and handed over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from beds.fake_gcs import Telling, fake_gcs
from beds.proxy import Answer, proxied

from cls_gcp import clients, topics
from cls_gcp.arrivals import open_listener
from cls_gcp.boundaries import GcsPutListenerBoundary, Notices
from cls_gcp.notice_queue import PubSubNotices
from cls_gcp.notice_wiring import allow, objects_topic, wanting
from cls_gcp.notices import read
from cls_gcp.provider import GcpProvider
from cls_gcp.settings import reach
from cls_gcp.store import open_bucket
from clusterless.errors import InvalidValueError, StoreRefusedError
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import EventArrival, LotSource
from clusterless.model.dataset import Dataset, LocatedDataset, SinkDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import ArrivalSource, Arrived, StoreRoots, Surroundings
from clusterless.runtime import cloud_event
from clusterless.runtime import inbox as inboxes
from clusterless.runtime.bucket_boundary import Infrequent
from clusterless.runtime.clock import SystemClock, random_id
from clusterless.runtime.noticed import Location, Messages

MADE = Dataset(name="made", version="1")
KEYS = ["plain.txt", "a b=c+ü.txt", "deep/er/x%20y.txt", "hive=1/part=2/日本.parquet"]
_NOWHERE = Answer(404, b'{"error": {"code": 404, "message": "The specified bucket does not exist."}}')


@define
class Bucket:
    """A bucket of its own, a boundary below ``in/`` there, and the listeners that were opened."""

    name: str
    place: Placement
    telling: Telling
    opened: list[ArrivalSource] = field(factory=list)

    @property
    def gcs(self) -> Any:
        return clients.storage(reach(self.place)).bucket(self.name)

    def put(self, *keys: str, body: bytes = b"x", below: str = "in/") -> None:
        for key in keys:
            self.gcs.blob(below + key).upload_from_string(body)

    def declared(self, notices: Notices = Notices.PUB_SUB, below: str = "in/", **more: Any) -> GcsPutListenerBoundary:
        dataset = SinkDataset(name="raw", version="1", path_uri=f"gs://{self.name}/{below}")
        values: dict[str, Any] = {"lot_unit": LotUnit.TWELFTHS, "notices": notices, **more}
        return GcsPutListenerBoundary(type="gcp:core:x", name="Ingress", dataset=dataset, **values)

    @property
    def around(self) -> Surroundings:
        root = f"gs://{self.name}/"
        return Surroundings(
            project=Project(name=self.name, version="20230101-00"),
            placement=self.place,
            roots=StoreRoots(metadata=root, arc_state=root, manifest=root),
            open_store=lambda uri: open_bucket(uri, self.place),
            clock=SystemClock(),
            base=Path(),
            scratch=Path(),
        )

    def listen(self, notices: Notices = Notices.PUB_SUB, below: str = "in/", **more: Any) -> ArrivalSource:
        self.opened.append(open_listener(self.declared(notices, below, **more), self.around))
        return self.opened[-1]

    def tell(self, key: str, kind: str = "OBJECT_FINALIZE", bucket: str = "", **more: str) -> None:
        told = {
            "eventType": kind,
            "bucketId": bucket or self.name,
            "objectId": key,
            "eventTime": "2024-01-31T08:09:10.5Z",
        }
        topic = objects_topic(self.place, self.name)
        topics.publish(clients.publisher(reach(self.place)), topic, b"{}", {**told, **more})

    @property
    def queue(self) -> str:
        return f"projects/project-1/subscriptions/TEST-{self.name}-ingress-20230101-00"


@pytest.fixture
def bucket(emulator: str, apart: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    place = Placement(provider="gcp", stage="test", account="project-1", region="europe-west1")
    made = Bucket(f"b-{random_id()}".lower(), place, Telling())
    topic = objects_topic(place, made.name).name
    server = fake_gcs(tmp_path / "gcs", emulator=emulator, project="project-1", topic=topic)
    with server as endpoint, proxied(endpoint, made.telling) as proxy:
        apart.setenv("STORAGE_EMULATOR_HOST", proxy)
        clients.storage(reach(place)).create_bucket(made.name)
        yield made
        for source in made.opened:
            source.close()


def keys(arrived: Arrived) -> list[str]:
    """The keys that arrived, and are then acknowledged."""
    arrived.acknowledge()
    return sorted(uri_key(arrival) for arrival in arrived.arrivals)


def uri_key(arrival: Arrival) -> str:
    return arrival.uri.partition("/in/")[2]


def drained(source: ArrivalSource, least: int = 1) -> list[str]:
    """All that arrives until nothing does, and at least so many did."""
    found: list[str] = []
    for _ in range(10):
        more = keys(source.receive(0, None))
        found += more
        if not more and len(found) >= least:
            break
    return sorted(found)


def test_objects_of_any_key_are_noticed_and_each_arrives_once(bucket: Bucket) -> None:
    source = bucket.listen()
    assert keys(source.receive(0, None)) == []
    bucket.put(*KEYS, "folder/")
    bucket.put("elsewhere", below="out/")
    arrived = source.receive(1, None)
    while len(arrived.arrivals) < len(KEYS):  # what is not acknowledged is handed over with what comes next
        found = {each.uri: each for each in (*arrived.arrivals, *source.receive(1, None).arrivals)}
        arrived = Arrived(arrivals=list(found.values()))
    assert sorted(each.uri for each in arrived.arrivals) == sorted(
        f"gs://{bucket.name}/in/{key}"
        for key in (
            "plain.txt",
            "a%20b=c+%C3%BC.txt",
            "deep/er/x%2520y.txt",
            "hive=1/part=2/%E6%97%A5%E6%9C%AC.parquet",
        )
    )
    assert {each.size for each in arrived.arrivals} == {1}


def test_what_was_there_before_arrives_with_the_first_listing(bucket: Bucket) -> None:
    bucket.put("a", "b")
    source = bucket.listen()
    arrived = source.receive(0, None)
    assert keys(arrived) == ["a", "b"]
    assert arrived.looked


def test_notice_and_listing_tell_of_an_object_alike(bucket: Bucket) -> None:
    one = bucket.listen()
    one.receive(0, None)
    bucket.put("a")
    by_notice: Any = []
    while not by_notice:
        by_notice = one.receive(1, None).arrivals
    by_listing = bucket.listen(Notices.LISTING).receive(0, None).arrivals
    assert by_notice == by_listing != []


def test_of_two_who_listen_one_gets_the_notice(bucket: Bucket) -> None:
    one, other = bucket.listen(), bucket.listen()
    one.receive(0, None), other.receive(0, None)
    bucket.put(*map(str, range(25)))
    found: list[str] = []
    for _ in range(20):
        found += [*keys(one.receive(0, None)), *keys(other.receive(0, None))]
        if len(found) >= 25:
            break
    assert sorted(found) == sorted(map(str, range(25)))


def test_what_was_not_written_down_comes_again(bucket: Bucket) -> None:
    source = bucket.listen()
    source.receive(0, None)
    bucket.put("a")
    while not source.receive(1, None).arrivals:
        pass
    bucket.put("b")
    assert {*drained(source, 2)} == {"a", "b"}


def test_removed_and_foreign_objects_markers_and_nonsense_are_passed_over(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    source = bucket.listen()
    source.receive(0, None)
    bucket.put("gone", "kept", "folder/")
    bucket.gcs.blob("in/gone").delete()
    bucket.tell("in/kept", kind="OBJECT_DELETE")
    bucket.tell("in/kept", bucket="another")
    bucket.tell("other/kept")
    bucket.tell("in/../x")
    bucket.tell("in/")
    bucket.tell("in/kept", kind="hello")
    with caplog.at_level(logging.WARNING):
        found = drained(source) + drained(source, 0)
    assert found == ["kept"]
    assert "'hello'" in caplog.text
    assert "'../x' is not a key" in caplog.text


def test_doubled_and_late_notices_tell_nothing_new(bucket: Bucket) -> None:
    source = bucket.listen()
    source.receive(0, None)
    bucket.put("b", "a")
    for _ in range(3):
        for key in ("in/a", "in/b"):
            bucket.tell(key)
    assert drained(source, 2) == ["a", "b"]
    bucket.tell("in/a")
    assert drained(source, 0) == []


def test_an_object_whose_bytes_are_replaced_arrives_as_it_is_now(bucket: Bucket) -> None:
    source = bucket.listen()
    source.receive(0, None)
    bucket.put("a", body=b"1")
    assert drained(source) == ["a"]
    bucket.put("a", body=b"333")
    arrived = source.receive(1, None)
    while not arrived.arrivals:
        arrived = source.receive(1, None)
    assert [each.size for each in arrived.arrivals] == [3]


def test_lost_notices_are_made_up_for_by_the_next_listing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PubSubNotices, "receive", lambda *_: Messages((), (), drained=True))
    source: Any = bucket.listen()
    source.receive(0, None)
    bucket.put("a")
    assert keys(source.receive(0, None)) == []
    source._reconcile = 0
    assert keys(source.receive(0, None)) == ["a"]


def test_a_subscription_that_was_removed_is_made_again_and_all_is_listed(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    source = bucket.listen()
    source.receive(0, None)
    clients.subscriber(reach(bucket.place)).delete_subscription(subscription=bucket.queue)
    bucket.put("a")
    assert drained(source) == ["a"]
    assert "was removed: it is made again" in caplog.text
    bucket.put("b")
    assert drained(source) == ["b"]


def test_events_time_is_what_the_notice_says(bucket: Bucket) -> None:
    source = bucket.listen(infrequent=Infrequent(lot_source=LotSource.EVENT_TIME))
    bucket.put("a")
    assert drained(source) == ["a"]
    bucket.tell("in/a")
    arrivals: Any = []
    while not arrivals:
        arrivals = source.receive(1, None).arrivals
    assert arrivals[0].time == datetime(2024, 1, 31, 8, 9, 10, 500_000, tzinfo=UTC)


def test_by_listing_nothing_is_made(bucket: Bucket) -> None:
    bucket.put("a")
    source = bucket.listen(Notices.LISTING, event_arrival=EventArrival.FREQUENT)
    assert keys(source.receive(0, None)) == ["a"]
    assert bucket.telling.configurations == {}


# ---- what is made ----------------------------------------------------------------------------------------------


def test_a_bucket_is_told_once_to_tell_and_whom_else_it_tells_stays(bucket: Bucket) -> None:
    theirs = bucket.gcs.notification(topic_name="theirs", topic_project="project-1", payload_format="NONE")
    theirs.create()
    bucket.listen()
    bucket.listen(below="more/")
    kept, ours = bucket.telling.configurations[bucket.name]
    assert kept["topic"].endswith("/theirs")
    assert ours["topic"] == f"//pubsub.googleapis.com/{objects_topic(bucket.place, bucket.name)}"
    assert ours["event_types"] == ["OBJECT_FINALIZE"]


def test_a_bucket_that_is_not_there_or_tells_nothing_is_told_of(bucket: Bucket) -> None:
    missing = Bucket("nowhere", bucket.place, bucket.telling)
    bucket.telling.add("/nowhere/notificationConfigs", *[_NOWHERE] * 2)
    with pytest.raises(StoreRefusedError, match="no bucket nowhere") as refused:
        missing.listen()
    assert "'notices' to 'listing'" in refused.value.hint


def test_who_may_publish_to_a_topic_already_stays() -> None:
    from google.iam.v1.policy_pb2 import Policy

    class Topic:
        policy = Policy()
        policy.bindings.add(role="roles/viewer", members=["user:x"])

        def get_iam_policy(self, request: Any, timeout: float) -> Policy:
            return Policy.FromString(self.policy.SerializeToString())

        def set_iam_policy(self, request: Any, timeout: float) -> None:
            self.policy = request["policy"]

    topic: Any = Topic()
    place = Placement(provider="gcp", account="project-1", region="europe-west1")
    for member in ("serviceAccount:a", "serviceAccount:a", "serviceAccount:b"):
        allow(topic, objects_topic(place, "b"), member)
    found = {each.role: list(each.members) for each in topic.policy.bindings}
    assert found == {"roles/viewer": ["user:x"], "roles/pubsub.publisher": ["serviceAccount:a", "serviceAccount:b"]}


# ---- inboxes ---------------------------------------------------------------------------------------------------


def test_an_inbox_hears_of_what_is_put_there_without_a_list(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    root = f"gs://{bucket.name}/post/"
    inbox = inboxes.Inbox(
        open_bucket(root, bucket.place),
        [MADE],
        SystemClock(),
        lambda: GcpProvider().notices(bucket.around, "arc", root),
    )
    assert not inbox.receive(10)  # by a list, as each first look
    monkeypatch.setattr(type(inbox._store), "list_keys", lambda *_: pytest.fail("it is listed"))
    dataset = LocatedDataset(name="made", version="1", path_uri="s3://b/made/")
    event = Event(dataset=dataset, lot=Lot.parse("20240131PT5M001"), manifest="s3://m/manifest.json")
    body = cloud_event.body(event, bucket.around.project, bucket.place)
    bucket.put("elsewhere.json", below="in/")
    bucket.put(inboxes.key(event), body=body, below="post/")
    found = [each for _ in range(10) for each in inbox.receive(10)]
    assert [each.event for each in found] == [event]
    found[0].acknowledge()
    assert not [*bucket.gcs.list_blobs(prefix="post/")]


def test_an_inbox_elsewhere_is_left_to_be_listed(bucket: Bucket) -> None:
    assert GcpProvider().notices(bucket.around, "arc", "s3://post/orders/") is None


# ---- in text ---------------------------------------------------------------------------------------------------


def test_a_filter_takes_up_what_is_put_at_the_location() -> None:
    put = 'attributes.eventType = "OBJECT_FINALIZE"'
    assert wanting(Location("b", "")) == put
    assert wanting(Location("b", 'a"b/')) == put + ' AND hasPrefix(attributes.objectId, "a\\"b/")'
    assert wanting(Location("b", "long/" * 60)) == put


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"eventType": "x"},
        {"eventType": "OBJECT_FINALIZE", "bucketId": "b", "eventTime": "2024-01-31T08:09:10Z"},
        {"eventType": "OBJECT_FINALIZE", "bucketId": "b", "objectId": "o", "eventTime": "noon"},
    ],
)
def test_what_is_no_notice_is_told_of(message: dict[str, str]) -> None:
    with pytest.raises(InvalidValueError, match="no attributes of a message of Cloud Storage"):
        read(message)


@pytest.mark.parametrize(
    ("location", "values", "told"),
    [
        ("gs://b/", {"notices": Notices.LISTING, "infrequent": Infrequent(lot_source=LotSource.EVENT_TIME)}, "queue"),
        ("s3://b/", {}, "no place in a bucket"),
    ],
)
def test_what_cannot_be_listened_to_is_refused(location: str, values: dict[str, Any], told: str) -> None:
    dataset = SinkDataset(name="raw", version="1", path_uri=location)
    with pytest.raises(InvalidValueError, match=told):
        GcsPutListenerBoundary(type="gcp:core:x", name="I", lot_unit=LotUnit.TWELFTHS, dataset=dataset, **values)
