"""The objects of a bucket, held to the contract of every store."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any
from urllib.parse import unquote

import pytest
from google.api_core.exceptions import Conflict

from cls_gcp import clients
from cls_gcp.settings import reach
from cls_gcp.store import BucketStore, open_bucket
from clusterless.testing.store_contract import ObjectStoreContract

BUCKET = "bucket-of-tests"

_NUMBERS = count(1)


@pytest.fixture
def root(gcs: str) -> str:
    """A location that nobody else writes to."""
    with suppress(Conflict):
        clients.storage(reach(None)).create_bucket(BUCKET, project="p1")
    return f"gs://{BUCKET}/{next(_NUMBERS)}/a%20folder/"


class TestBucketStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, root: str) -> BucketStore:
        store = open_bucket(root, None)
        assert isinstance(store, BucketStore)
        return store

    def poke(self, store: Any, key: str, body: bytes) -> None:
        blob(store, key).upload_from_string(body)

    def peek(self, store: Any, key: str) -> bytes:
        body: bytes = blob(store, key).download_as_bytes()
        return body


def blob(store: BucketStore, key: str) -> Any:
    name = unquote(store.root.removeprefix(f"gs://{BUCKET}/")) + key
    return clients.storage(reach(None)).bucket(BUCKET).blob(name)
