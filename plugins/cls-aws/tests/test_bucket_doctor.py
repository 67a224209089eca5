"""What the lot protocol assumes of a store is raced on each of the servers, by processes of their own."""

from __future__ import annotations

from typing import Any

import pytest
from beds.aws import REGION
from botocore.exceptions import ClientError

from cls_aws.clients import client
from clusterless.doctor import stores
from clusterless.plugins import find_plugins
from clusterless.runtime.clock import SystemClock, random_id


@pytest.mark.slow
def test_nothing_is_wrong_with_a_bucket(any_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "ROUNDS", 10)  # a hundred take minutes of SeaweedFS
    bucket, asked = "bucket-of-tests", client("s3", None)
    try:
        asked.head_bucket(Bucket=bucket)
    except ClientError:
        location: Any = {"LocationConstraint": REGION}
        asked.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    uri = f"s3://{bucket}/doctor/"
    checks = stores.examine(uri, find_plugins().open_store(uri), SystemClock(), random_id)
    assert [(each.name, each.result.name, each.detail) for each in checks if each.result.name == "FAILED"] == []
    assert len(checks) == 6
    assert list(find_plugins().open_store(uri).list()) == []
