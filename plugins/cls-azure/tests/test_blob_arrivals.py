"""`azure:core:blobPutListenerBoundary` on an Azurite, and what Event Grid tells: blobs put, noticed, handed over."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import define, evolve, field
from beds.azurite import ACCOUNT, REGION, Azurite
from beds.placed import surroundings
from hypothesis import given
from hypothesis import strategies as st

from cls_azure import clients
from cls_azure.arrivals import open_listener
from cls_azure.boundaries import BlobPutListenerBoundary, Notices
from cls_azure.notice_queue import StorageNotices
from cls_azure.notice_wiring import queue_name
from cls_azure.notices import read
from cls_azure.queues import Queue
from cls_azure.settings import reach
from clusterless.errors import InvalidValueError
from clusterless.model.boundary import EventArrival, LotSource
from clusterless.model.dataset import SinkDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import ArrivalSource, Arrived, Surroundings
from clusterless.runtime.bucket_boundary import Infrequent
from clusterless.runtime.noticed import Messages, Notice

KEYS = ["plain.txt", "a b=c+ü.txt", "deep/er/x%20y.txt", "hive=1/part=2/日本.parquet"]
CREATED = "Microsoft.Storage.BlobCreated"
TIME = "2024-01-31T08:09:10.1234567Z"
QUOTED = "a%20b=c+%C3%BC.txt"


def grid_event(container: str, subject: str, kind: str = CREATED, url: str = "", **data: Any) -> dict[str, Any]:
    """What Event Grid's pages show, in its own schema: *subject* as it stands there."""
    account = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
    return {
        "topic": account,
        "subject": f"/blobServices/default/containers/{container}/blobs/{subject}",
        "eventType": kind,
        "eventTime": TIME,
        "id": str(uuid4()),
        "data": {"api": "PutBlob", "eTag": "0x8D", "contentLength": 1, "blobType": "BlockBlob", "url": url, **data},
        "dataVersion": "",
        "metadataVersion": "1",
    }


def cloud_event(container: str, subject: str, kind: str = CREATED, **data: Any) -> dict[str, Any]:
    """The same as a CloudEvent."""
    told = grid_event(container, subject, kind, **data)
    return {
        "specversion": "1.0",
        "source": told["topic"],
        "type": told["eventType"],
        "time": told["eventTime"],
        **{name: told[name] for name in ("subject", "id", "data")},
    }


VALIDATION = {
    "id": "2d17",
    "topic": "/subscriptions/s",
    "subject": "",
    "data": {"validationCode": "512d", "validationUrl": "https://rp/"},
    "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    "eventTime": TIME,
    "metadataVersion": "1",
    "dataVersion": "1",
}


@define
class Container:
    """A container of its own, a boundary below ``in/`` there, and the listeners that were opened."""

    name: str
    around: Surroundings
    opened: list[ArrivalSource] = field(factory=list)

    @property
    def blobs(self) -> Any:
        return clients.blobs(reach(self.around.placement)).get_container_client(self.name)

    @property
    def queue(self) -> Queue:
        name = queue_name(self.declared().name, self.around.project, self.around.placement)
        return Queue(clients.queues(reach(self.around.placement)).get_queue_client(name))

    def put(self, *keys: str, body: bytes = b"x", below: str = "in/", tell: bool = True) -> None:
        """As a producer does it, and Event Grid then: in either schema by turns."""
        for number, key in enumerate(keys):
            blob = self.blobs.upload_blob(below + key, body, overwrite=True)
            if tell:
                made = (grid_event, cloud_event)[number % 2]
                self.tell(made(self.name, below + key, url=blob.url))

    def tell(self, *told: Any) -> None:
        for each in told:
            self.queue.put(b64encode(json.dumps(each).encode()).decode())

    def declared(
        self, notices: Notices = Notices.EVENT_GRID, below: str = "in/", **more: Any
    ) -> BlobPutListenerBoundary:
        dataset = SinkDataset(name="raw", version="1", path_uri=f"az://{self.name}/{below}")
        values: dict[str, Any] = {"lot_unit": LotUnit.TWELFTHS, "notices": notices, **more}
        return BlobPutListenerBoundary(type="azure:core:x", name="Ingress", dataset=dataset, **values)

    def listen(self, notices: Notices = Notices.EVENT_GRID, **more: Any) -> ArrivalSource:
        self.opened.append(open_listener(self.declared(notices, **more), self.around))
        return self.opened[-1]


@pytest.fixture
def container(azure: Azurite, tmp_path: Path) -> Iterator[Container]:
    place = Placement(provider="azure", stage=f"t{uuid4().hex[:8]}", account=ACCOUNT, region=REGION)
    around = evolve(surroundings(place, tmp_path), project=Project(name="Demo", version="20230101-00"))
    made = Container(f"c-{uuid4().hex[:8]}", around)
    clients.blobs(reach(place)).create_container(made.name)
    yield made
    for source in made.opened:
        source.close()


def keys(arrived: Arrived) -> list[str]:
    """The keys that arrived, and are then acknowledged."""
    arrived.acknowledge()
    return sorted(arrival.uri.partition("/in/")[2] for arrival in arrived.arrivals)


def drained(source: ArrivalSource, least: int = 0) -> list[str]:
    """All that arrives until nothing does, and at least so many did."""
    found: list[str] = []
    while (more := keys(source.receive(0, None))) or len(found) < least:
        found += more
    return sorted(found)


def test_blobs_of_any_key_are_noticed_and_each_arrives_once(container: Container) -> None:
    source = container.listen()
    assert keys(source.receive(0, None)) == []
    container.put(*KEYS, "folder/")
    container.put("elsewhere", below="out/")
    arrived = source.receive(1, None)
    assert sorted(each.uri for each in arrived.arrivals) == sorted(
        f"az://{container.name}/in/{key}"
        for key in ("plain.txt", QUOTED, "deep/er/x%2520y.txt", "hive=1/part=2/%E6%97%A5%E6%9C%AC.parquet")
    )
    assert {each.size for each in arrived.arrivals} == {1}
    assert len(keys(arrived)) == len(KEYS)
    assert drained(source) == []
    assert container.queue.count() == 0


def test_what_was_there_before_arrives_with_the_first_listing(container: Container) -> None:
    container.put("a", tell=False)
    source = container.listen()
    arrived = source.receive(0, None)
    assert keys(arrived) == ["a"]
    assert arrived.looked


def test_notice_and_listing_tell_of_a_blob_alike(container: Container) -> None:
    one = container.listen()
    one.receive(0, None)
    container.put("a")
    by_notice = one.receive(1, None).arrivals
    by_listing = container.listen(Notices.LISTING).receive(0, None).arrivals
    assert by_notice == by_listing != []


def test_of_two_who_listen_one_gets_the_notice(container: Container) -> None:
    one, other = container.listen(), container.listen()
    one.receive(0, None), other.receive(0, None)
    container.put(*map(str, range(40)))
    found = [*keys(one.receive(0, None)), *keys(other.receive(0, None)), *drained(one), *drained(other)]
    assert sorted(found) == sorted(map(str, range(40)))


def test_what_was_not_written_down_comes_again(container: Container) -> None:
    source, other = container.listen(), container.listen()
    source.receive(0, None), other.receive(0, None)
    container.put("a")
    assert source.receive(1, None).arrivals
    container.put("b")
    assert keys(source.receive(1, None)) == ["a", "b"]
    assert source.receive(0, None).unsettled  # "a" is with somebody still
    assert other.receive(0, None).unsettled


def test_removed_and_foreign_blobs_markers_and_nonsense_are_passed_over(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    source = container.listen()
    source.receive(0, None)
    container.put("gone", "kept", "folder/")
    container.blobs.delete_blob("in/gone")
    name = container.name
    container.tell(
        grid_event(name, "in/kept", "Microsoft.Storage.BlobDeleted"),
        cloud_event(name, "in/kept", "Microsoft.Storage.DirectoryCreated"),
        grid_event("another", "in/kept"),
        grid_event(name, "other/kept"),
        grid_event(name, "in/../x"),
        grid_event(name, "in/"),
        grid_event(name, "in/kept", api="CreateFile"),
        VALIDATION,
        {"hello": "world"},
        {**grid_event(name, "in/kept"), "eventType": "Somebody.Elses"},
    )
    container.queue.put("not even JSON")
    with caplog.at_level(logging.WARNING):
        found = drained(source) + drained(source)
    assert found == ["kept"]
    assert caplog.text.count("is passed over") == 3
    assert "'../x' is not a key" in caplog.text
    assert container.queue.count() == 0


def test_doubled_late_and_unordered_notices_tell_nothing_new(container: Container) -> None:
    source = container.listen()
    source.receive(0, None)
    container.put("b", "a")
    told = [grid_event(container.name, f"in/{key}") for key in "ab"]
    container.tell(*told, *told, *reversed(told))
    assert drained(source) == ["a", "b"]
    container.tell(*told)
    assert drained(source) == []


def test_a_blob_whose_bytes_are_replaced_arrives_as_it_is_now(container: Container) -> None:
    source = container.listen()
    source.receive(0, None)
    container.put("a", body=b"1")
    assert drained(source) == ["a"]
    container.put("a", body=b"333")
    assert [each.size for each in source.receive(1, None).arrivals] == [3]


def test_lost_notices_are_made_up_for_by_the_next_listing(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StorageNotices, "receive", lambda *_: Messages((), (), drained=True))
    source: Any = container.listen()
    source.receive(0, None)
    container.put("a")
    assert keys(source.receive(0, None)) == []
    source._reconcile = 0
    assert keys(source.receive(0, None)) == ["a"]


def test_a_queue_that_was_removed_is_made_again_and_all_is_listed(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    source = container.listen()
    source.receive(0, None)
    container.queue.client.delete_queue()
    container.put("a", tell=False)
    assert drained(source, 1) == ["a"]
    assert "was removed: it is made again" in caplog.text
    container.put("b")
    assert drained(source) == ["b"]


def test_events_time_is_what_the_notice_says(container: Container) -> None:
    source = container.listen(infrequent=Infrequent(lot_source=LotSource.EVENT_TIME))
    container.put("a")
    (arrival,) = source.receive(1, None).arrivals
    assert arrival.time == datetime(2024, 1, 31, 8, 9, 10, 123456, tzinfo=UTC)


def test_by_listing_nothing_is_made(container: Container) -> None:
    container.put("a", tell=False)
    source = container.listen(Notices.LISTING, event_arrival=EventArrival.FREQUENT)
    assert keys(source.receive(0, None)) == ["a"]
    there = clients.queues(reach(container.around.placement)).list_queues(
        name_starts_with=container.around.placement.stage
    )
    assert not list(there)


# ---- in text ---------------------------------------------------------------------------------------------------


def names(subject: str, url: str = "") -> list[str]:
    return [each.key for each in read(json.dumps(grid_event("c", subject, url=url)))]


@pytest.mark.parametrize(
    ("subject", "url", "meant"),
    [
        ("a b", "https://x/c/a%20b", ["a b"]),
        ("a b", "https://x/c/a b", ["a b"]),
        ("a%20b", "https://x/c/a%2520b", ["a%20b"]),
        ("a%20b", "https://x/c/a%20b", ["a%20b", "a b"]),
        ("a%20b", "", ["a%20b", "a b"]),
        ("a+b", "https://x/c/a+b", ["a+b"]),
    ],
)
def test_whether_a_name_is_encoded_is_told_by_the_url_where_it_can_be(
    subject: str, url: str, meant: Sequence[str]
) -> None:
    assert names(subject, url) == meant


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_the_name_of_any_blob_is_among_those_that_are_read(key: str) -> None:
    from urllib.parse import quote

    assert names(key, f"https://x.blob.core.windows.net/c/{quote(key)}") == [key]
    assert key in names(quote(key), f"https://x.blob.core.windows.net/c/{quote(key)}")


@pytest.mark.parametrize("told", [grid_event("c", "a/b"), cloud_event("c", "a/b"), [grid_event("c", "a/b")]])
def test_both_schemas_are_read_plain_and_in_base64(told: Any) -> None:
    text = json.dumps(told)
    wanted = [Notice("c", "a/b", datetime(2024, 1, 31, 8, 9, 10, 123456, tzinfo=UTC))]
    assert list(read(text)) == list(read(b64encode(text.encode()).decode())) == wanted


@pytest.mark.parametrize(
    "told",
    [
        {},
        7,
        {"eventType": 1},
        {**cloud_event("c", "k"), "specversion": "0.3"},
        {**cloud_event("c", "k"), "time": "noon"},
        {**cloud_event("c", "k"), "subject": "/elsewhere"},
        {**cloud_event("c", "k"), "data": "text"},
        grid_event("c", "k", url="https://x]c/a"),
        {**cloud_event("c", "k"), "type": "Microsoft.Resources.ResourceWriteSuccess"},
    ],
)
def test_what_is_no_notice_is_told_of(told: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"is no event of Event Grid's|tells of no blob"):
        read(json.dumps(told))


@pytest.mark.parametrize(
    ("location", "values", "told"),
    [
        ("az://c/", {"notices": Notices.LISTING, "infrequent": Infrequent(lot_source=LotSource.EVENT_TIME)}, "queue"),
        ("s3://b/", {}, "no place in a bucket"),
    ],
)
def test_what_cannot_be_listened_to_is_refused(location: str, values: dict[str, Any], told: str) -> None:
    dataset = SinkDataset(name="raw", version="1", path_uri=location)
    with pytest.raises(InvalidValueError, match=told):
        BlobPutListenerBoundary(type="azure:core:x", name="I", lot_unit=LotUnit.TWELFTHS, dataset=dataset, **values)
