"""The objects of a bucket, held to the contract of every store."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import unquote

import pytest
from beds.aws import REGION
from botocore.exceptions import ClientError

from cls_aws.clients import client
from cls_aws.store import BucketStore, open_bucket
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
