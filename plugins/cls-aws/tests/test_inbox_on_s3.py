"""An inbox in a bucket of AWS: event objects are heard of by EventBridge, and acted on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from beds.placed import surroundings

from cls_aws.clients import client
from cls_aws.provider import AwsProvider
from cls_aws.store import open_bucket
from clusterless.errors import StoreRefusedError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.provider import Surroundings
from clusterless.runtime import cloud_event
from clusterless.runtime.clock import SystemClock, random_id
from clusterless.runtime.inbox import Inbox, key

MADE = Dataset(name="made", version="1")
PLACE = Placement(provider="aws", stage="test", account="000000000000", region="us-west-2")


@pytest.fixture
def around(ministack_endpoint: str, ask: Callable[[str], None], tmp_path: Path) -> Surroundings:
    ask(ministack_endpoint)
    return surroundings(PLACE, tmp_path)


@pytest.fixture
def root(around: Surroundings) -> str:
    bucket = f"b-{random_id()}"
    client("s3", PLACE).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": PLACE.region})
    return f"s3://{bucket}/post/"


def test_an_inbox_hears_of_what_is_put_there_without_a_list(
    around: Surroundings, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = open_bucket(root, PLACE)
    inbox = Inbox(store, [MADE], SystemClock(), lambda: AwsProvider().notices(around, "take-main-inbox", root))
    assert not inbox.receive(10)  # by a list, as each first look
    monkeypatch.setattr(type(store), "list_keys", lambda *_: pytest.fail("it is listed"))
    dataset = LocatedDataset(name="made", version="1", path_uri="s3://b/made/")
    event = Event(dataset=dataset, lot=Lot.parse("20240131PT5M001"), manifest="s3://m/manifest.json")
    store.put(key(event), cloud_event.body(event, around.project, PLACE))
    found = [each for _ in range(10) for each in inbox.receive(10)]
    assert [each.event for each in found] == [event]
    found[0].acknowledge()
    monkeypatch.undo()
    assert not list(store.list())


def test_an_inbox_elsewhere_is_left_to_be_listed(around: Surroundings) -> None:
    assert AwsProvider().notices(around, "take-main-inbox", "gs://post/orders/") is None


def test_an_inbox_in_another_region_is_told_of_by_nobody_here(around: Surroundings, root: str) -> None:
    away = evolve(around, placement=evolve(PLACE, region="eu-west-1"))
    with pytest.raises(StoreRefusedError, match="is in us-west-2, and tells nobody in eu-west-1"):
        AwsProvider().notices(away, "take-main-inbox", root)
