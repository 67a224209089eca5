"""Copies of what is larger than S3 copies whole: as large as S3 takes them, though no server here holds one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from beds.aws import REGION
from beds.proxy import Answer, Plan, proxied, s3_error
from hypothesis import given
from hypothesis import strategies as st

from cls_aws.clients import client
from cls_aws.copies import _parts
from cls_aws.store import BucketStore, open_bucket
from cls_aws.uploads import Place

GIB = 1 << 30
WHOLE, LARGEST = 5 * GIB, 5 << 40  # bytes that S3 copies by one request, and that an object may have
SOURCE = Place(client=None, uri="s3://b/k", bucket="b", key="k")


@given(st.integers(WHOLE + 1, LARGEST))
def test_the_parts_are_all_of_an_object_in_order_and_as_many_and_large_as_s3_takes(size: int) -> None:
    ranges = [each["CopySourceRange"].removeprefix("bytes=").split("-") for each in _parts(SOURCE, size, "e")]
    ends = [(int(first), int(last)) for first, last in ranges]
    assert ends[0][0] == 0
    assert ends[-1][1] == size - 1
    assert all(following[0] == part[1] + 1 for part, following in pairwise(ends))
    assert len(ends) <= 10_000
    assert max(last - first + 1 for first, last in ends) <= WHOLE


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def store(moto_endpoint: str, ask: Callable[[str], None], plan: Plan) -> Iterator[BucketStore]:
    with proxied(moto_endpoint, plan) as endpoint:
        ask(endpoint)
        asked: Any = client("s3", None)
        bucket = f"large-{uuid4().hex}"
        asked.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        opened = open_bucket(f"s3://{bucket}/", None)
        assert isinstance(opened, BucketStore)
        yield opened


def test_an_object_of_more_than_five_gibibytes_is_copied_by_its_ranges(store: BucketStore, plan: Plan) -> None:
    """Its size, and what is answered to the parts, are the proxy's."""
    store.put("large", b"as far as anybody knows")
    size, ranges = WHOLE + 1, []
    copied = b'<CopyPartResult><ETag>"part"</ETag></CopyPartResult>'
    plan.add("PUT .*/copy$", s3_error(400, "InvalidRequest", "The specified copy source is larger than the maximum"))
    plan.add("HEAD .*/large$", Answer(200, headers={"Content-Length": str(size), "ETag": '"whole"'}))
    plan.add("PUT .*partNumber=", *[Answer(200, copied, {"Content-Type": "application/xml"})] * 11)
    plan.add("POST .*uploadId=", Answer(200, b"<CompleteMultipartUploadResult/>", {"Content-Type": "application/xml"}))

    def note(params: Any, **_: Any) -> None:
        assert params["CopySourceIfMatch"] == '"whole"', "or parts of two objects would be one"
        ranges.append(params["CopySourceRange"])

    client("s3", None).meta.events.register("provide-client-params.s3.UploadPartCopy", note)
    store.copy("copy", store, "large")
    assert len(ranges) == 11
    assert f"bytes={WHOLE}-{WHOLE}" in ranges
    assert plan.rules == []
