"""`aws:core:s3PutListenerBoundary` by the services themselves: objects put, noticed, and handed over."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from cls_aws import notice_queue
from cls_aws.arrivals import open_listener
from cls_aws.boundaries import Infrequent, Notices, S3PutListenerBoundary
from cls_aws.clients import client
from cls_aws.notice_queue import SqsNotices
from cls_aws.queues import find_queue
from cls_aws.store import open_bucket
from clusterless.errors import StoreRefusedError
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import EventArrival, LotSource
from clusterless.model.dataset import SinkDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import ArrivalSource, Arrived, StoreRoots, Surroundings
from clusterless.runtime import noticed
from clusterless.runtime.clock import SystemClock, random_id
from clusterless.runtime.noticed import QueueMissingError

PLACE = Placement(provider="aws", stage="test", account="000000000000", region="us-west-2")
KEYS = ["plain.txt", "a b=c+ü.txt", "deep/er/x%20y.txt", "hive=1/part=2/日本.parquet"]
BY_QUEUE = pytest.mark.parametrize("notices", [Notices.EVENT_BRIDGE, Notices.BUCKET])


@define
class Bucket:
    """A bucket of its own, a boundary below ``in/`` there, and the listeners that were opened."""

    name: str = field(factory=lambda: f"b-{random_id()}")
    opened: list[ArrivalSource] = field(factory=list)
    s3: Any = field(factory=partial(client, "s3", PLACE))
    sqs: Any = field(factory=partial(client, "sqs", PLACE))

    def make(self, region: str = "us-west-2") -> Bucket:
        s3 = client("s3", evolve(PLACE, region=region))
        s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": region})
        return self

    def put(self, *keys: str, body: bytes = b"x", below: str = "in/") -> None:
        for key in keys:
            self.s3.put_object(Bucket=self.name, Key=below + key, Body=body)

    def listen(self, notices: Notices = Notices.EVENT_BRIDGE, below: str = "in/", **more: Any) -> ArrivalSource:
        dataset = SinkDataset(name="raw", version="1", path_uri=f"s3://{self.name}/{below}")
        declared: dict[str, Any] = {"lot_unit": LotUnit.TWELFTHS, "notices": notices, **more}
        boundary = S3PutListenerBoundary(type="aws:core:x", name="Ingress", dataset=dataset, **declared)
        root = f"s3://{self.name}/"
        around = Surroundings(
            project=Project(name=self.name, version="20230101-00"),
            placement=PLACE,
            roots=StoreRoots(metadata=root, arc_state=root, manifest=root),
            open_store=lambda uri: open_bucket(uri, PLACE),
            clock=SystemClock(),
            base=Path(),
            scratch=Path(),
        )
        self.opened.append(open_listener(boundary, around))
        return self.opened[-1]

    @property
    def queue(self) -> Any:
        """The boundary's queue, whatever fits its name."""
        queue = find_queue(self.sqs, f"TEST-{self.name}-ingress-20230101-00")
        assert queue
        return queue

    def send(self, body: Any) -> None:
        self.sqs.send_message(QueueUrl=self.queue.url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    def record(self, key: str, name: str = "ObjectCreated:Put", bucket: str = "") -> dict[str, Any]:
        s3 = {"bucket": {"name": bucket or self.name}, "object": {"key": key}}
        return {"Records": [{"eventName": name, "eventTime": "2024-01-31T08:09:10.5Z", "s3": s3}]}

    @property
    def waiting(self) -> int:
        """How many messages are in the queue, seen or not."""
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue.url, AttributeNames=["All"])["Attributes"]
        return sum(int(found[name]) for name in notice_queue._COUNTS)


@pytest.fixture
def bucket(ministack_endpoint: str, ask: Callable[[str], None]) -> Iterator[Bucket]:
    ask(ministack_endpoint)
    bucket = Bucket().make()
    yield bucket
    for source in bucket.opened:
        source.close()


def keys(arrived: Arrived) -> list[str]:
    """The keys that arrived, and are then acknowledged."""
    arrived.acknowledge()
    return sorted(uri_key(arrival) for arrival in arrived.arrivals)


def uri_key(arrival: Arrival) -> str:
    return arrival.uri.partition("/in/")[2]


def drained(source: ArrivalSource) -> list[str]:
    """All that arrives until nothing does."""
    found: list[str] = []
    while more := keys(source.receive(0, None)):
        found += more
    return sorted(found)


@BY_QUEUE
def test_objects_of_any_key_are_noticed_and_each_arrives_once(bucket: Bucket, notices: Notices) -> None:
    source = bucket.listen(notices)
    assert keys(source.receive(0, None)) == []
    bucket.put(*KEYS, "folder/")
    bucket.put("elsewhere", below="out/")
    arrived = source.receive(1, None)
    assert Counter(key for each in arrived.arrivals for key in [each.uri]) == dict.fromkeys(
        [f"s3://{bucket.name}/in/{key}" for key in _quoted(KEYS)], 1
    )
    assert {each.size for each in arrived.arrivals} == {1}
    assert bucket.waiting, "kept until it is written down"
    arrived.acknowledge()
    assert drained(source) == []
    assert not bucket.waiting


def _quoted(names: list[str]) -> list[str]:
    assert names == KEYS
    return ["plain.txt", "a%20b=c+%C3%BC.txt", "deep/er/x%2520y.txt", "hive=1/part=2/%E6%97%A5%E6%9C%AC.parquet"]


@BY_QUEUE
def test_what_was_there_before_arrives_with_the_first_listing(bucket: Bucket, notices: Notices) -> None:
    bucket.put("a", "b")
    source = bucket.listen(notices)
    arrived = source.receive(0, None)
    assert keys(arrived) == ["a", "b"]
    assert arrived.looked


def test_notice_and_listing_tell_of_an_object_alike(bucket: Bucket) -> None:
    one, other = bucket.listen(), bucket.listen()
    one.receive(0, None)
    bucket.put("a")
    by_listing = other.receive(0, None).arrivals
    by_notice = bucket.listen(Notices.LISTING).receive(0, None).arrivals
    assert by_notice == by_listing != []


def test_of_two_who_listen_one_gets_the_notice_and_both_may_list(bucket: Bucket) -> None:
    one, other = bucket.listen(), bucket.listen()
    one.receive(0, None), other.receive(0, None)
    bucket.put(*map(str, range(25)))
    found = drained(one) + drained(other)
    assert sorted(found) == sorted(map(str, range(25)))


def test_what_was_not_written_down_comes_again(bucket: Bucket) -> None:
    source = bucket.listen()
    source.receive(0, None)
    bucket.put("a")
    assert [uri_key(each) for each in source.receive(1, None).arrivals] == ["a"]
    bucket.put("b")
    assert keys(source.receive(1, None)) == ["a", "b"]
    assert keys(source.receive(0, None)) == []


def test_removed_and_foreign_objects_markers_and_nonsense_are_passed_over(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    source = bucket.listen()
    source.receive(0, None)
    bucket.put("gone", "kept", "folder/")
    bucket.s3.delete_object(Bucket=bucket.name, Key="in/gone")
    for message in (
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": bucket.name},
        bucket.record("in/kept", "ObjectRemoved:Delete"),
        bucket.record("in/kept", bucket="another"),
        bucket.record("other/kept"),
        bucket.record("in/../x"),
        bucket.record("in/"),
        "hello",
    ):
        bucket.send(message)
    with caplog.at_level(logging.WARNING):
        assert drained(source) == ["kept"]
    assert "'hello'" in caplog.text
    assert "'../x' is not a key" in caplog.text
    assert not bucket.waiting


def test_doubled_and_late_notices_tell_nothing_new(bucket: Bucket) -> None:
    source = bucket.listen()
    source.receive(0, None)
    bucket.put("b", "a")
    for _ in range(3):
        for key in ("in/a", "in/b"):
            bucket.send(bucket.record(key))
    assert drained(source) == ["a", "b"]
    bucket.send(bucket.record("in/a"))
    assert drained(source) == []


def test_an_object_whose_bytes_are_replaced_arrives_as_it_is_now(bucket: Bucket) -> None:
    bucket.s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    source = bucket.listen()
    source.receive(0, None)
    bucket.put("a", body=b"1")
    bucket.put("a", body=b"22")
    arrived = source.receive(1, None)
    assert {each.size for each in arrived.arrivals} == {2}
    assert keys(arrived) == ["a"]
    bucket.put("a", body=b"333")
    assert [each.size for each in source.receive(1, None).arrivals] == [3]


def test_more_than_is_taken_at_a_time_holds_up_what_is_sealed(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noticed, "_MESSAGES", 10)
    source = bucket.listen()
    before = source.receive(0, None).looked
    bucket.put(*(f"{number:02}" for number in range(25)))
    first = source.receive(1, None)
    assert first.backlog
    assert first.looked == before
    found = keys(first)
    while (more := source.receive(1, None)).backlog:
        found += keys(more)
    assert sorted(found + keys(more)) == [f"{number:02}" for number in range(25)]
    assert more.looked
    assert more.looked >= before


def test_lost_notices_are_made_up_for_by_the_next_listing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqsNotices, "receive", lambda *_: notice_queue.Messages((), (), drained=True))
    source: Any = bucket.listen()
    source.receive(0, None)
    bucket.put("a")
    assert keys(source.receive(0, None)) == []
    source._reconcile = 0
    assert keys(source.receive(0, None)) == ["a"]


def test_a_queue_that_was_removed_is_made_again_and_all_is_listed(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    source = bucket.listen()
    source.receive(0, None)
    bucket.sqs.delete_queue(QueueUrl=bucket.queue.url)
    bucket.put("a")
    assert drained(source) == []
    assert "was removed: it is made again" in caplog.text
    assert drained(source) == ["a"]
    bucket.put("b")
    assert drained(source) == ["b"]


def test_a_queue_that_is_removed_while_its_notices_are_dealt_with_is_told_as_that(bucket: Bucket) -> None:
    source: Any = bucket.listen()
    bucket.put("a")
    arrived = source.receive(1, None)
    bucket.sqs.delete_queue(QueueUrl=bucket.queue.url)
    notice_queue_rests(source)
    for ask in (arrived.acknowledge, source._queue.has_more):
        with pytest.raises(QueueMissingError, match=r"the queue TEST-b-.* was removed$"):
            ask()


def by_event(bucket: Bucket) -> Any:
    """One that has listed what was there before, which is nothing."""
    source: Any = bucket.listen(infrequent=Infrequent(lot_source=LotSource.EVENT_TIME))
    while (arrived := source.receive(0, None)).backlog:
        assert keys(arrived) == []
    return source


def test_events_time_is_what_the_notice_says(bucket: Bucket) -> None:
    source = by_event(bucket)
    bucket.s3.put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration={})
    bucket.put("a")
    bucket.send(bucket.record("in/a"))
    [arrival] = source.receive(1, None).arrivals
    assert arrival.time == datetime(2024, 1, 31, 8, 9, 10, 500_000, tzinfo=UTC)


def test_by_events_time_what_was_there_before_comes_apart_by_its_own(bucket: Bucket) -> None:
    bucket.put("before")
    source = bucket.listen(infrequent=Infrequent(lot_source=LotSource.EVENT_TIME))
    first = source.receive(0, None)
    assert (first.arrivals, first.backlog) == ([], True)
    found = source.receive(0, None)
    assert found.unnoticed
    assert [each.time.microsecond for each in found.arrivals] == [0]
    assert keys(found) == ["before"]
    assert drained(source) == []


def test_by_events_time_what_no_notice_told_of_is_found_once_its_notice_is_late(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = by_event(bucket)
    bucket.s3.put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration={})
    bucket.put("lost")
    since = source.receive(0, None).looked
    source._reconcile = 0
    assert [source.receive(0, since).arrivals for _ in range(3)] == [[], [], []], "it may be on its way"
    monkeypatch.setattr(noticed, "_LATE", timedelta(seconds=-5))
    found = next(each for each in (source.receive(0, since) for _ in range(20)) if each.arrivals)
    assert (found.unnoticed, keys(found)) == (True, ["lost"])


def test_while_another_holds_notices_nothing_is_settled(bucket: Bucket) -> None:
    one, other = bucket.listen(), bucket.listen()
    one.receive(0, None), other.receive(0, None)
    bucket.put("a")
    held = one.receive(1, None)
    assert held.arrivals
    assert other.receive(0, None).unsettled
    held.acknowledge()
    notice_queue_rests(other)
    assert not other.receive(0, None).unsettled


def notice_queue_rests(source: Any) -> None:
    source._queue._counted = None


def test_by_listing_no_queue_is_made(bucket: Bucket) -> None:
    bucket.put("a")
    source = bucket.listen(Notices.LISTING, event_arrival=EventArrival.FREQUENT)
    assert keys(source.receive(0, None)) == ["a"]
    assert find_queue(bucket.sqs, f"TEST-{bucket.name}-ingress-20230101-00") is None


# ---- what is made ----------------------------------------------------------------------------------------------


def configuration(bucket: Bucket) -> dict[str, Any]:
    found: dict[str, Any] = bucket.s3.get_bucket_notification_configuration(Bucket=bucket.name)
    found.pop("ResponseMetadata")
    return found


def others(bucket: Bucket) -> dict[str, Any]:
    """What somebody else's queue is told."""
    url = bucket.sqs.create_queue(QueueName=f"theirs-{bucket.name}")["QueueUrl"]
    arn = bucket.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    entry = {"Id": "theirs", "QueueArn": arn, "Events": ["s3:ObjectRemoved:*"]}
    bucket.s3.put_bucket_notification_configuration(
        Bucket=bucket.name, NotificationConfiguration={"QueueConfigurations": [entry]}
    )
    return entry


@BY_QUEUE
def test_what_others_are_told_of_a_bucket_stays(bucket: Bucket, notices: Notices) -> None:
    theirs = others(bucket)
    bucket.listen(notices)
    bucket.listen(notices, below="more/")
    found = configuration(bucket)
    assert theirs in found["QueueConfigurations"]
    assert ("EventBridgeConfiguration" in found) is (notices is Notices.EVENT_BRIDGE)
    assert len(found["QueueConfigurations"]) == (1 if notices is Notices.EVENT_BRIDGE else 2)
    before = found
    bucket.listen(notices, below="more/")
    assert configuration(bucket) == before


def test_what_was_changed_by_hand_is_put_right_when_a_run_begins(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.listen()
    edited = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "mine", "Effect": "Deny", "Principal": "*"}]})
    bucket.sqs.set_queue_attributes(QueueUrl=bucket.queue.url, Attributes={"Policy": edited})
    bucket.s3.put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration={})
    bucket.listen()
    policy = bucket.sqs.get_queue_attributes(QueueUrl=bucket.queue.url, AttributeNames=["Policy"])["Attributes"]
    assert [each["Sid"] == "mine" for each in json.loads(policy["Policy"])["Statement"]].count(True) == 1
    assert "events.amazonaws.com" in policy["Policy"]
    assert "EventBridgeConfiguration" in configuration(bucket)
    assert "was put right" in caplog.text


def test_a_bucket_that_is_not_there_is_named(bucket: Bucket) -> None:
    bucket.name = "not-there"
    with pytest.raises(StoreRefusedError, match="there is no bucket not-there"):
        bucket.listen()


def test_a_bucket_of_another_region_is_refused(ministack_endpoint: str, ask: Callable[[str], None]) -> None:
    ask(ministack_endpoint)
    bucket = Bucket().make("eu-west-1")
    with pytest.raises(StoreRefusedError, match="is in eu-west-1, and tells nobody in us-west-2") as refused:
        bucket.listen()
    assert "place the project in eu-west-1" in refused.value.hint
