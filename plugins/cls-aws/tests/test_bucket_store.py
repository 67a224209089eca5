"""The objects of a bucket, held to the contract of every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from urllib.parse import unquote

import pytest
from beds.aws import REGION
from botocore.exceptions import ClientError

from cls_aws.clients import client
from cls_aws.store import BucketStore, open_bucket
from clusterless.engine.ranges import LotRange
from clusterless.errors import StoreRefusedError
from clusterless.model.lot import Lot
from clusterless.operate.listing import list_lots
from clusterless.testing.store_contract import ObjectStoreContract

BUCKET = "bucket-of-tests"  # for SeaweedFS sets space aside for each bucket

_NUMBERS = count(1)


@pytest.fixture
def root(any_endpoint: str) -> str:
    """A location that nobody else writes to, in the bucket of one of the servers."""
    asked: Any = client("s3", None)
    try:
        asked.head_bucket(Bucket=BUCKET)
    except ClientError:
        asked.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return f"s3://{BUCKET}/{next(_NUMBERS)}/a%20folder/"


class TestBucketStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, root: str) -> BucketStore:
        store = open_bucket(root, None)
        assert isinstance(store, BucketStore)
        return store

    def poke(self, store: Any, key: str, body: bytes) -> None:
        client("s3", None).put_object(Bucket=BUCKET, Key=full_key(store, key), Body=body)

    def peek(self, store: Any, key: str) -> bytes:
        body: bytes = client("s3", None).get_object(Bucket=BUCKET, Key=full_key(store, key))["Body"].read()
        return body


def full_key(store: BucketStore, key: str) -> str:
    return unquote(store.root.removeprefix(f"s3://{BUCKET}/")) + key


def test_years_of_lots_are_listed_in_shards_at_a_time(root: str) -> None:
    store = open_bucket(root, None)
    lots = [Lot.parse(f"{year}0{month}15PT5M100") for year in (2023, 2024, 2025) for month in range(1, 10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda lot: store.create(f"arcs/lot={lot}/000001.json", b"{}"), lots))
    wanted = LotRange(lots[1], lots[-2])
    assert [listed.lot for listed in list_lots(store, "arcs/", wanted)] == lots[1:-1]


def test_a_folder_marker_at_the_root_is_no_object_below_it(root: str) -> None:
    store = open_bucket(root, None)
    assert isinstance(store, BucketStore)
    client("s3", None).put_object(Bucket=BUCKET, Key=full_key(store, ""), Body=b"")
    store.put("a", b"")
    assert [info.key for info in store.list()] == ["a"]


def test_json_is_kept_as_such(root: str) -> None:
    store = open_bucket(root, None)
    assert isinstance(store, BucketStore)
    store.create("a.json", b"{}")
    kept: Any = client("s3", None).head_object(Bucket=BUCKET, Key=full_key(store, "a.json"))
    assert kept["ContentType"] == "application/json"


@pytest.mark.parametrize("uri", ["s3:///", "s3:///a/"])
def test_a_location_without_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(StoreRefusedError, match="names no bucket") as refused:
        open_bucket(uri, None)
    assert "s3://BUCKET/" in refused.value.hint
