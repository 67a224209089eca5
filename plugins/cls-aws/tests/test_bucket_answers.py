"""Every answer that S3 may give to a conditional write, and answers that are lost or break off."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from attrs import evolve
from beds.aws import REGION
from beds.proxy import Answer, Lost, Plan, proxied, s3_error

from cls_aws import copies, uploads
from cls_aws.clients import client
from cls_aws.store import BucketStore, open_bucket
from clusterless.errors import (
    ClsError,
    ObjectExistsError,
    ObjectMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.store.retrying import RetryingStore
from clusterless.testing.clock import SettableClock

_SLOW = s3_error(503, "SlowDown", "Please reduce your request rate.")
_PART = 5 << 20  # the least that S3 takes


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def store(moto_endpoint: str, ask: Callable[[str], None], plan: Plan) -> Iterator[BucketStore]:
    """A bucket of its own, behind a proxy that goes by `plan`."""
    with proxied(moto_endpoint, plan) as endpoint:
        ask(endpoint)
        asked: Any = client("s3", None)
        bucket = f"answers-{uuid4().hex}"
        asked.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        opened = open_bucket(f"s3://{bucket}/", None)
        assert isinstance(opened, BucketStore)
        plan.asked.clear()
        yield opened


@pytest.fixture
def retrying(store: BucketStore, settable_clock: SettableClock) -> RetryingStore:
    return RetryingStore(store, settable_clock.sleep)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(uploads, "_PART", _PART)
    return _PART


# ---- create, in one request


def test_412_is_that_it_exists(store: BucketStore, plan: Plan) -> None:
    plan.add("PUT .*/a", s3_error(412, "PreconditionFailed"))
    with pytest.raises(ObjectExistsError, match="a: it exists already"):
        store.create("a", b"1")


def test_409_is_that_another_write_is_under_way(store: BucketStore, plan: Plan) -> None:
    plan.add("PUT .*/a", s3_error(409, "ConditionalRequestConflict"))
    with pytest.raises(StoreUnavailableError, match="another write of it is under way"):
        store.create("a", b"1")


def test_404_is_that_a_deletion_came_between(store: BucketStore, plan: Plan) -> None:
    plan.add("PUT .*/a", s3_error(404, "NoSuchKey"))
    with pytest.raises(StoreUnavailableError):
        store.create("a", b"1")


@pytest.mark.parametrize(
    "answer", [_SLOW, s3_error(500, "InternalError"), Answer(502), s3_error(400, "RequestTimeout"), Lost()]
)
def test_what_is_no_answer_says_so(store: BucketStore, plan: Plan, answer: Answer | Lost) -> None:
    plan.add("PUT .*/a", answer)
    with pytest.raises(StoreUnavailableError):
        store.create("a", b"1")
    assert len(plan.asked) == 1  # the SDK sent it once


def test_a_bucket_that_is_not_there_is_no_deletion_that_came_between(store: BucketStore, plan: Plan) -> None:
    plan.add("PUT .*/a", s3_error(404, "NoSuchBucket"))
    with pytest.raises(StoreRefusedError, match="no such bucket"):
        store.create("a", b"1")


def test_a_server_that_knows_no_conditions_is_refused(store: BucketStore, plan: Plan) -> None:
    plan.add("PUT .*/a", s3_error(501, "NotImplemented", "A header you provided implies functionality"))
    with pytest.raises(StoreRefusedError, match="does not know how"):
        store.create("a", b"1")


@pytest.mark.parametrize("trouble", [[Lost()], [_SLOW, Lost(), s3_error(409, "ConditionalRequestConflict")]])
def test_asked_again_a_create_whose_answer_was_lost_is_ours(
    retrying: RetryingStore, plan: Plan, trouble: list[Answer | Lost]
) -> None:
    plan.add("PUT .*/a", *trouble)
    retrying.create("a", b"ours")
    assert retrying.get("a") == b"ours"


def test_asked_again_a_create_that_another_won_is_theirs(
    retrying: RetryingStore, store: BucketStore, plan: Plan
) -> None:
    store.create("a", b"theirs")
    plan.add("PUT .*/a", s3_error(409, "ConditionalRequestConflict"), _SLOW)
    with pytest.raises(ObjectExistsError):
        retrying.create("a", b"ours")


def test_what_is_asked_again_shows_in_the_log(
    retrying: RetryingStore, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    plan.add("GET .*/a", _SLOW, _SLOW)
    with caplog.at_level(logging.INFO), pytest.raises(ObjectMissingError):
        retrying.get("a")
    assert len([text for text in caplog.messages if "SlowDown" in text]) == 2


# ---- in parts


def test_a_create_in_parts_is_conditional_at_its_end(store: BucketStore, small_parts: int) -> None:
    body = b"x" * (2 * small_parts + 1)
    store.create("a", body)
    assert store.get("a") == body
    with pytest.raises(ObjectExistsError):
        store.create("a", body)
    assert pending(store) == []


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (s3_error(412, "PreconditionFailed"), ObjectExistsError),
        (s3_error(409, "ConditionalRequestConflict"), StoreUnavailableError),
        (s3_error(404, "NoSuchUpload"), StoreUnavailableError),
        (s3_error(503, "SlowDown"), StoreUnavailableError),
        (s3_error(200, "InternalError"), StoreUnavailableError),  # S3 answers before it has put them together
    ],
)
def test_what_does_not_come_to_an_object_leaves_no_parts(
    store: BucketStore, plan: Plan, small_parts: int, answer: Answer, raised: type[ClsError]
) -> None:
    plan.add(r"POST .*/a\?uploadId", answer)
    with pytest.raises(raised):
        store.create("a", b"x" * (small_parts + 1))
    assert pending(store) == []
    assert list(store.list()) == []


@pytest.mark.parametrize("send", ["upload_part", "upload_part_copy"])
def test_parts_have_checksums_where_it_is_s3_that_is_asked(store: BucketStore, small_parts: int, send: str) -> None:
    plain: Any = boto3.client("s3")  # as it asks S3; whatever has an endpoint of its own is asked without
    created: list[Any] = []
    plain.meta.events.register(
        "provide-client-params.s3.CreateMultipartUpload", lambda params, **_: created.append(params)
    )
    store.put("from", b"x" * small_parts)
    parts: dict[str, list[dict[str, Any]]] = {
        "upload_part": [{"Body": b"x" * small_parts}, {"Body": b"y"}],
        "upload_part_copy": [{"CopySource": store.place("from").where}],
    }
    place = evolve(store.place("a"), client=plain)
    uploads.write_parts(place, getattr(plain, send), parts[send], uploads.Terms())
    found = plain.head_object(**place.where, ChecksumMode="ENABLED")
    assert [each["ChecksumAlgorithm"] for each in created] == ["CRC32"]
    assert found["ContentLength"] == small_parts + (send == "upload_part")


def test_asked_again_parts_whose_end_was_lost_are_ours(retrying: RetryingStore, plan: Plan, small_parts: int) -> None:
    plan.add(r"POST .*/a\?uploadId", Lost())
    body = b"x" * (small_parts + 1)
    retrying.create("a", body)
    assert retrying.get("a") == body


def test_a_part_that_is_lost_gives_the_upload_up(store: BucketStore, plan: Plan, small_parts: int) -> None:
    plan.add(r"PUT .*partNumber=2", Lost())
    with pytest.raises(StoreUnavailableError):
        store.put("a", io.BytesIO(b"x" * (3 * small_parts)))
    assert pending(store) == []


def test_a_source_that_breaks_gives_the_upload_up(store: BucketStore, small_parts: int) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if part := super().read(size):
                return part
            raise StoreUnavailableError("the connection broke")

    with pytest.raises(StoreUnavailableError, match="the connection broke"):
        store.put("a", Breaking(b"x" * (2 * small_parts)))
    assert pending(store) == []


def test_an_upload_that_cannot_be_ended_does_not_hide_why(
    store: BucketStore, plan: Plan, small_parts: int, caplog: pytest.LogCaptureFixture
) -> None:
    plan.add(r"POST .*/a\?uploadId", s3_error(412, "PreconditionFailed"))
    plan.add("DELETE .*uploadId", _SLOW)
    with caplog.at_level(logging.INFO), pytest.raises(ObjectExistsError):
        store.create("a", b"x" * (small_parts + 1))
    assert "left there" in caplog.text


def test_parts_grow_so_that_their_number_is_enough() -> None:
    size = sum(uploads._PART << (number // uploads._GROW) for number in range(1, 10_001))
    assert size > 2 << 40
    assert uploads._PART == 8 << 20


# ---- reading


def test_an_answer_that_breaks_off_is_no_answer(store: BucketStore, plan: Plan) -> None:
    store.put("a", b"0123456789" * 100_000)
    plan.add("GET .*/a", Lost(after=500_000), Lost(after=500_000))
    with pytest.raises(StoreUnavailableError, match="/a: "):
        store.get("a")
    with store.open("a") as stream, pytest.raises(StoreUnavailableError, match="/a: "):
        stream.read()


def page(keys: list[str], more: str = "") -> Answer:
    """A page of a listing, and what leads to the next."""
    token = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    time = "<LastModified>2026-01-31T12:00:00.000Z</LastModified>"
    found = [f"<Contents><Key>{key}</Key>{time}<ETag>e</ETag><Size>1</Size></Contents>" for key in keys]
    return Answer(200, f"<ListBucketResult>{token}{''.join(found)}</ListBucketResult>".encode())


def test_a_listing_goes_on_where_it_broke(retrying: RetryingStore, plan: Plan) -> None:
    plan.add("GET .*list-type", page(["a", "b"], "two"), Lost(), page(["c"], "three"), _SLOW, page(["d"]))
    assert [info.key for info in retrying.list()] == ["a", "b", "c", "d"]
    assert ["continuation-token=two" in each for each in plan.asked] == [False, True, False, False, False]
    assert ["start-after=b" in each for each in plan.asked] == [False, False, True, True, False]
    assert "start-after=c" in plan.asked[4]


def test_now_is_what_the_latest_answers_say(store: BucketStore, plan: Plan) -> None:
    plan.add("GET .*/a", Answer(404, headers={"Date": "Fri, 01 Jan 2100 00:00:00 GMT"}))
    with pytest.raises(ObjectMissingError):
        store.get("a")
    ahead = store.now()
    assert ahead.year == 2100
    with pytest.raises(ObjectMissingError):
        store.head("b")  # of a clock that was set back
    assert timedelta() < ahead - store.now()


# ---- copying inside S3


@pytest.fixture
def other(store: BucketStore) -> BucketStore:
    """A bucket beside it."""
    asked: Any = client("s3", None)
    asked.create_bucket(Bucket=f"{store.bucket}-2", CreateBucketConfiguration={"LocationConstraint": REGION})
    return BucketStore(f"s3://{store.bucket}-2/in%20it/", store.reach)


@pytest.mark.parametrize("key", ["a", "sp ace/ü/日本", "a+b&c:@!$'()*,;~", "100%/%20", "a?b#c"])
def test_a_copy_between_buckets_is_one_request(store: BucketStore, other: BucketStore, plan: Plan, key: str) -> None:
    other.put(key, b"body")
    plan.asked.clear()
    store.copy(key, other, key)
    assert len(plan.asked) == 1
    assert plan.asked[0].startswith("PUT ")
    assert store.get(key) == b"body"


def test_what_is_reached_in_another_way_is_read_and_written(store: BucketStore, plan: Plan, moto_endpoint: str) -> None:
    elsewhere = BucketStore(store.root, evolve(store.reach, endpoint=moto_endpoint))
    elsewhere.put("a", b"body")
    store.copy("b", elsewhere, "a")
    assert store.get("b") == b"body"
    assert not any("x-amz-copy" in each for each in plan.asked)


@pytest.fixture
def large(store: BucketStore, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Something too large to copy by one request, as far as it is concerned that copies it."""
    monkeypatch.setattr(copies, "_WHOLE", _PART)
    monkeypatch.setattr(copies, "_PART", _PART)
    body = b"0123456789" * (_PART // 10) + b"and a half" * (_PART // 20)
    asked: Any = client("s3", None)
    asked.put_object(Bucket=store.bucket, Key="large", Body=body, ContentType="text/x", Metadata={"of": "it"})
    plan.asked.clear()
    plan.add("PUT .*/copy$", s3_error(400, "InvalidRequest", "The specified copy source is larger than the maximum"))
    return body


def test_what_is_too_large_is_copied_in_parts(store: BucketStore, plan: Plan, large: bytes) -> None:
    store.copy("copy", store, "large")
    assert store.get("copy") == large
    found = client("s3", None).head_object(Bucket=store.bucket, Key="copy")
    assert (found["ContentType"], found["Metadata"]) == ("text/x", {"of": "it"})
    assert len([each for each in plan.asked if "partNumber" in each]) == 2


def test_a_source_that_is_replaced_meanwhile_is_copied_again(
    store: BucketStore, retrying: RetryingStore, plan: Plan, large: bytes
) -> None:
    plan.add("PUT .*partNumber=2", s3_error(412, "PreconditionFailed"))
    with pytest.raises(StoreUnavailableError, match="was replaced"):
        store.copy("copy", store, "large")
    assert pending(store) == []
    retrying.copy("copy", retrying, "large")
    assert store.get("copy") == large


def test_what_is_refused_for_another_reason_is_not_taken_for_large(store: BucketStore, plan: Plan) -> None:
    store.put("a", b"small")
    plan.add("PUT .*/b$", s3_error(400, "InvalidRequest", "some other reason"))
    with pytest.raises(StoreRefusedError, match="some other reason"):
        store.copy("b", store, "a")


def pending(store: BucketStore) -> list[str]:
    """Uploads in parts that nobody finished."""
    asked: Any = client("s3", None)
    return [each["Key"] for each in asked.list_multipart_uploads(Bucket=store.bucket).get("Uploads", [])]
