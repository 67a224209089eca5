"""What makes Event Grid put events into a queue, by a server that takes its own messages, answering as documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import define, evolve, field
from azure.mgmt.eventgrid import models
from beds.answering import Asked, answering
from beds.azurite import ACCOUNT, REGION, Azurite
from beds.placed import surroundings
from beds.proxy import Answer, Plan, proxied

from cls_azure import clients
from cls_azure.arrivals import open_listener
from cls_azure.boundaries import BlobPutListenerBoundary
from cls_azure.notice_wiring import queue_name
from cls_azure.provider import AzureProvider, subscriber_queue
from cls_azure.settings import reach
from clusterless.model.dataset import LocatedDataset, SinkDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.provider import Surroundings

STORAGE = f"/subscriptions/0f0e/resourceGroups/Data/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
TOPIC = "/subscriptions/0f0e/resourceGroups/Data/providers/Microsoft.EventGrid/topics/lots"
ENDPOINT = "https://lots.westeurope-1.eventgrid.azure.net/api/events"
DENIED = Answer(403, b'{"error": {"code": "AuthorizationFailed", "message": "no role"}}')


@define
class Manager:
    """Azure Resource Manager, as far as the pages about Event Grid and storage accounts tell."""

    subscriptions: dict[str, Any] = field(factory=dict)
    asked: list[str] = field(factory=list)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        path, body = asked.path.partition("?")[0], asked.json
        self.asked.append(f"{asked.method} {path}")
        if path == "/subscriptions/0f0e/providers/Microsoft.Storage/storageAccounts":
            return 200, {"value": [{"name": "other", "id": "/x"}, {"name": ACCOUNT, "id": STORAGE}]}
        if path == "/subscriptions/0f0e/providers/Microsoft.EventGrid/topics":
            return 200, {"value": [{"id": TOPIC, "name": "lots", "properties": {"endpoint": ENDPOINT}}]}
        if not re.fullmatch(r".+/providers/Microsoft\.EventGrid/eventSubscriptions/[A-Za-z0-9-]{3,64}", path):
            return 404, {"error": {"code": "InvalidResourceType", "message": path}}
        if asked.method == "PUT":
            read = models.EventSubscription.deserialize(body)
            assert read.serialize() == body  # nothing is in it that the service does not know
            assert isinstance(read.destination, models.StorageQueueEventSubscriptionDestination)
            # It gives back more than it was given, and ids in another case.
            told = json.loads(json.dumps(body).replace("resourceGroups", "resourcegroups"))
            told["properties"]["filter"].setdefault("subjectEndsWith", "")
            self.subscriptions[path] = {"id": path, **told, "properties": {**told["properties"], "topic": "/x"}}
            return 201, self.subscriptions[path]
        if path in self.subscriptions:
            return 200, self.subscriptions[path]
        return 404, {"error": {"code": "ResourceNotFound", "message": "no event subscription"}}


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def around(
    manager: Manager, plan: Plan, azure: Azurite, apart: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Surroundings]:
    with answering(manager.answer) as endpoint, proxied(endpoint, plan) as proxy:
        lines = (f'managementEndpoint = "{proxy}"', 'subscription = "0f0e"', f'eventGrid = "{ENDPOINT}"')
        (tmp_path / ".clsconfig-azure").write_text("\n".join(lines))
        apart.chdir(tmp_path)
        place = Placement(provider="azure", stage=f"t{uuid4().hex[:8]}", account=ACCOUNT, region=REGION)
        yield surroundings(place, tmp_path)


def boundary(below: str = "in/") -> BlobPutListenerBoundary:
    dataset = SinkDataset(name="raw", version="1", path_uri=f"az://data/{below}")
    return BlobPutListenerBoundary(type="azure:core:x", name="Ingress", lot_unit=LotUnit.TWELFTHS, dataset=dataset)


def made(manager: Manager, path: str) -> Any:
    return manager.subscriptions[path]["properties"]


def test_an_account_is_told_once_to_tell_of_its_blobs(around: Surroundings, manager: Manager) -> None:
    for below in ("in/", "in/", "moved/"):
        open_listener(boundary(below), around).close()
    name = queue_name(boundary().name, around.project, around.placement)
    found = made(manager, f"{STORAGE}/providers/Microsoft.EventGrid/eventSubscriptions/{name}")
    assert found["filter"]["subjectBeginsWith"] == "/blobServices/default/containers/data/blobs/moved/"
    assert found["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    assert found["destination"]["properties"]["queueName"] == name
    assert len([each for each in manager.asked if each.startswith("PUT")]) == 2


def test_the_topic_that_is_set_is_told_once_to_tell_a_subscriber(around: Surroundings, manager: Manager) -> None:
    datasets = [LocatedDataset(name=name, version="1", path_uri="az://data/x/") for name in "ba"]
    for _ in range(2):
        AzureProvider().subscription(around, "arc", datasets)
    name = subscriber_queue(around.placement, "arc")
    found = made(manager, f"{TOPIC}/providers/Microsoft.EventGrid/eventSubscriptions/{name}")
    assert found["filter"]["advancedFilters"] == [
        {"operatorType": "StringIn", "key": "data.datasetId", "values": ["a/1", "b/1"]}
    ]
    assert len([each for each in manager.asked if each.startswith("PUT")]) == 1


def test_more_datasets_than_a_filter_takes_come_unfiltered(around: Surroundings, manager: Manager) -> None:
    datasets = [LocatedDataset(name=f"d{number}", version="1", path_uri="az://data/x/") for number in range(30)]
    AzureProvider().subscription(around, "arc", datasets)
    (found,) = manager.subscriptions.values()
    assert "advancedFilters" not in found["properties"]["filter"]


@pytest.mark.parametrize(
    "asked", ["GET .*/storageAccounts", "GET .*/eventSubscriptions/", "PUT .*/eventSubscriptions/"]
)
def test_who_may_not_make_them_listens_all_the_same(
    around: Surroundings, plan: Plan, caplog: pytest.LogCaptureFixture, asked: str
) -> None:
    plan.add(asked, DENIED)
    open_listener(boundary(), around).close()
    assert "may hear of nothing that is put in data, which is listed now and then" in caplog.text
    assert "access was denied" in caplog.text


def test_an_account_of_another_subscription_is_told_of(
    around: Surroundings, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    plan.add("/storageAccounts", Answer(200, b'{"value": []}'))
    open_listener(boundary(), around).close()
    assert f"the storage account {ACCOUNT} is not seen in /subscriptions/0f0e" in caplog.text


def test_where_no_subscription_is_set_nobody_is_asked(
    around: Surroundings, manager: Manager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".clsconfig-azure").write_text("")
    open_listener(boundary(), evolve(around)).close()
    assert manager.asked == []
    assert not [each for each in caplog.records if each.levelname == "WARNING"]


# ---- inboxes ---------------------------------------------------------------------------------------------------


def test_an_inbox_is_told_of_by_event_grid_as_a_boundary_is(around: Surroundings, manager: Manager) -> None:
    found = AzureProvider().notices(around, "take-main-inbox", "az://post/orders/")
    assert found
    name = queue_name("take-main-inbox", around.project, around.placement)
    told = made(manager, f"{STORAGE}/providers/Microsoft.EventGrid/eventSubscriptions/{name}")
    assert told["filter"]["subjectBeginsWith"] == "/blobServices/default/containers/post/blobs/orders/"
    event = {
        "id": "1",
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": "/blobServices/default/containers/post/blobs/orders/a.json",
        "eventTime": "2024-01-31T08:09:10Z",
        "data": {"api": "PutBlob", "url": f"https://{ACCOUNT}.blob.core.windows.net/post/orders/a.json"},
    }
    clients.queues(reach(around.placement)).get_queue_client(name).send_message(json.dumps(event))
    messages = found.receive(10, 1)
    assert [(each.bucket, each.key) for each in messages.notices] == [("post", "orders/a.json")]


@pytest.mark.parametrize("asked", ["GET .*/storageAccounts", "PUT .*/eventSubscriptions/"])
def test_an_inbox_of_which_nobody_may_be_told_is_left_to_be_listed(
    around: Surroundings, plan: Plan, asked: str
) -> None:
    plan.add(asked, *[DENIED] * 9)
    assert AzureProvider().notices(around, "take-main-inbox", "az://post/orders/") is None


def test_an_inbox_elsewhere_or_without_a_subscription_is_left_to_be_listed(
    around: Surroundings, manager: Manager, tmp_path: Path
) -> None:
    assert AzureProvider().notices(around, "take-main-inbox", "gs://post/orders/") is None
    (tmp_path / ".clsconfig-azure").unlink()
    assert AzureProvider().notices(around, "take-main-inbox", "az://post/orders/") is None
    assert not manager.asked
