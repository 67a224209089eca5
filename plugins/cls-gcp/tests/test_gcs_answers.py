"""Every answer that Cloud Storage may give to a conditional write, and answers that are lost or break off."""

from __future__ import annotations

import io
import json
import logging
import tracemalloc
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve
from beds.proxy import Answer, Lost, Plan, proxied
from google_crc32c import Checksum

from cls_gcp import clients, uploads
from cls_gcp.settings import reach
from cls_gcp.store import BucketStore, open_bucket
from clusterless.errors import (
    ObjectExistsError,
    ObjectMissingError,
    PlaceMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.store.retrying import RetryingStore
from clusterless.testing.clock import SettableClock

UPLOAD, CHUNK, READ = "POST /upload/", "PUT /upload/", "GET /download/"
_CHUNK = 256 << 10  # the least that the service takes


def said(status: int, reason: str = "", message: str = "so it is") -> Answer:
    """How Cloud Storage says no."""
    error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    return Answer(status, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})


_SLOW = said(429, "rateLimitExceeded", "The object exceeded the rate limit for object mutation operations")
_HELD = said(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
_CONFLICT = said(409, "conflict", "Conflict")


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def store(gcs: str, apart: pytest.MonkeyPatch, plan: Plan) -> Iterator[BucketStore]:
    """A bucket of its own, behind a proxy that goes by `plan`."""
    with proxied(gcs, plan) as endpoint:
        apart.setenv("STORAGE_EMULATOR_HOST", endpoint)

        def led(response: Any, **_: Any) -> None:
            """The server tells of uploads by its own address: by that, the proxy would see nothing of them."""
            if where := response.headers.get("Location"):
                response.headers["Location"] = where.replace(gcs, endpoint)

        clients.session(reach(None)).hooks["response"].append(led)
        bucket = f"answers-{uuid4().hex}"
        clients.storage(reach(None)).create_bucket(bucket, project="p1")
        opened = open_bucket(f"gs://{bucket}/", None)
        assert isinstance(opened, BucketStore)
        plan.asked.clear()
        yield opened


@pytest.fixture
def retrying(store: BucketStore, settable_clock: SettableClock) -> RetryingStore:
    return RetryingStore(store, settable_clock.sleep)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(uploads, "_CHUNK", _CHUNK)
    return _CHUNK


# ---- create, in one request


def test_a_create_says_that_nothing_may_be_there(store: BucketStore, plan: Plan) -> None:
    store.create("a", b"1")
    (asked,) = plan.asked
    assert "ifGenerationMatch=0" in asked
    store.put("a", b"2")
    assert "ifGenerationMatch" not in plan.asked[-1]


def test_412_is_that_it_exists(store: BucketStore, plan: Plan) -> None:
    plan.add(UPLOAD, _HELD)
    with pytest.raises(ObjectExistsError, match="a: it exists already"):
        store.create("a", b"1")


def test_409_is_that_another_write_is_under_way(store: BucketStore, plan: Plan) -> None:
    plan.add(UPLOAD, _CONFLICT)
    with pytest.raises(StoreUnavailableError, match="another write of it is under way"):
        store.create("a", b"1")


def test_404_is_that_an_upload_was_ended(store: BucketStore, plan: Plan) -> None:
    plan.add(UPLOAD, said(404, "notFound", "No such upload"))
    with pytest.raises(StoreUnavailableError):
        store.create("a", b"1")


@pytest.mark.parametrize(
    "answer",
    [
        _SLOW,
        said(503, "backendError"),
        said(500, "internalError"),
        said(403, "rateLimitExceeded"),
        Answer(502),
        Answer(408),
        Lost(),
    ],
)
def test_what_is_no_answer_says_so(store: BucketStore, plan: Plan, answer: Answer | Lost) -> None:
    plan.add(UPLOAD, answer)
    with pytest.raises(StoreUnavailableError):
        store.create("a", b"1")
    assert len(plan.asked) == 1  # the SDK sent it once


def test_who_may_not_is_told_what_to_do(store: BucketStore, plan: Plan) -> None:
    plan.add(UPLOAD, said(403, "forbidden", "x@y does not have storage.objects.create access"))
    with pytest.raises(StoreRefusedError, match=r"access was denied .*storage\.objects\.create access") as refused:
        store.create("a", b"1")
    assert "have these credentials allowed" in refused.value.hint


def test_who_has_no_credentials_is_told_how_to_have_some(store: BucketStore, plan: Plan) -> None:
    plan.add(UPLOAD, said(401, "required", "Anonymous caller does not have storage.objects.create access"))
    with pytest.raises(StoreRefusedError, match="there are no Google Cloud credentials") as refused:
        store.create("a", b"1")
    assert "gcloud auth" in refused.value.hint


def test_a_bucket_that_is_not_there_is_told_apart(store: BucketStore, plan: Plan) -> None:
    plan.add(UPLOAD, said(404, "notFound", "The specified bucket does not exist."))
    with pytest.raises(PlaceMissingError, match="no such bucket"):
        store.create("a", b"1")


@pytest.mark.parametrize("trouble", [[Lost()], [_SLOW, Lost(), _CONFLICT]])
def test_asked_again_a_create_whose_answer_was_lost_is_ours(
    retrying: RetryingStore, plan: Plan, trouble: list[Answer | Lost]
) -> None:
    plan.add(UPLOAD, *trouble)
    retrying.create("a", b"ours")
    assert retrying.get("a") == b"ours"


def test_asked_again_a_create_that_another_won_is_theirs(
    retrying: RetryingStore, store: BucketStore, plan: Plan
) -> None:
    store.create("a", b"theirs")
    plan.add(UPLOAD, _CONFLICT, _SLOW)
    with pytest.raises(ObjectExistsError):
        retrying.create("a", b"ours")


def test_what_is_asked_again_shows_in_the_log(
    retrying: RetryingStore, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    plan.add(READ, _SLOW, _SLOW)
    with caplog.at_level(logging.INFO), pytest.raises(ObjectMissingError):
        retrying.get("a")
    assert len([text for text in caplog.messages if "fewer requests" in text]) == 2


# ---- in chunks


def test_a_create_in_chunks_is_conditional(store: BucketStore, plan: Plan, small_chunks: int) -> None:
    body = b"x" * (2 * small_chunks + 1)
    store.create("a", body)
    assert [asked.partition("?")[0][:4] for asked in plan.asked] == ["POST", "PUT ", "PUT ", "PUT "]
    assert "ifGenerationMatch=0" in plan.asked[0]
    assert store.get("a") == body


@pytest.mark.parametrize("late", [UPLOAD, "PUT .*upload_id"])
def test_412_in_chunks_is_that_it_exists(store: BucketStore, plan: Plan, small_chunks: int, late: str) -> None:
    plan.add(late, _HELD)  # which fake-gcs-server never says of an upload in chunks
    with pytest.raises(ObjectExistsError, match="a: it exists already"):
        store.create("a", b"x" * (2 * small_chunks + 1))


@pytest.mark.parametrize("size", [2 * _CHUNK, 2 * _CHUNK + 1, 3 * _CHUNK - 1])
def test_chunks_come_to_the_same_whatever_the_stream_gives(store: BucketStore, small_chunks: int, size: int) -> None:
    body = bytes(number % 251 for number in range(size))

    class Sparing(io.BytesIO):
        def read(self, most: int | None = -1, /) -> bytes:
            return super().read(min(most or 0, 1000))

    store.put("a", Sparing(body))
    assert store.get("a") == body


def test_a_chunk_that_was_not_taken_is_sent_again(store: BucketStore, plan: Plan, small_chunks: int) -> None:
    plan.add(CHUNK, said(503, "backendError"), _SLOW)
    body = b"x" * (2 * small_chunks + 1)
    store.create("a", body)
    assert store.get("a") == body
    assert len([asked for asked in plan.asked if asked.startswith(CHUNK)]) == 5


def test_a_chunk_whose_answer_was_lost_is_there_once(retrying: RetryingStore, plan: Plan, small_chunks: int) -> None:
    plan.add(CHUNK, Lost())
    body = bytes(number % 251 for number in range(2 * small_chunks + 1))
    retrying.put("a", body)
    assert retrying.get("a") == body


def test_an_upload_that_was_ended_is_begun_anew_by_who_asks_again(
    retrying: RetryingStore, plan: Plan, small_chunks: int
) -> None:
    plan.add(CHUNK, said(404, "notFound", "No such upload"))
    retrying.create("a", b"x" * (2 * small_chunks))
    assert len([asked for asked in plan.asked if asked.startswith(UPLOAD)]) == 2


def test_what_is_large_is_not_held_in_memory(store: BucketStore, small_chunks: int) -> None:
    size = 64 * small_chunks

    class Long(io.RawIOBase):
        left = size

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any, /) -> int:
            given = min(len(buffer), self.left)
            buffer[:given] = bytes(given)
            self.left -= given
            return given

    tracemalloc.start()
    try:
        store.put("a", io.BufferedReader(Long()))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert store.head("a").size == size
    assert most < size / 2  # that the proxy beside us holds a chunk or two is counted as well


# ---- read


def test_a_connection_that_breaks_is_read_on(store: BucketStore, plan: Plan) -> None:
    body = bytes(number % 251 for number in range(300_000))
    store.put("a", body)
    plan.add(READ, Lost(after=100_000))
    assert store.get("a") == body
    first, second = [asked for asked in plan.asked if asked.startswith(READ)]
    assert "generation=" in second
    assert "generation=" not in first


def test_what_was_replaced_meanwhile_is_not_read_on(store: BucketStore, plan: Plan) -> None:
    store.put("a", b"1" * 300_000)
    plan.add(READ, Lost(after=100_000))
    plan.add("GET .*generation=", said(404, "notFound", "No such object"))
    with pytest.raises(StoreUnavailableError, match="replaced or removed while it was being read"):
        store.get("a")


def test_a_connection_that_brings_nothing_is_given_up(store: BucketStore, plan: Plan) -> None:
    store.put("a", b"1" * 300_000)
    plan.add(READ, Lost(after=0))
    with pytest.raises(StoreUnavailableError):
        store.get("a")


def test_damage_is_noticed(store: BucketStore, plan: Plan) -> None:
    checksum = b64encode(Checksum(b"whole").digest()).decode()
    told = {"x-goog-hash": f"crc32c={checksum},md5=x", "x-goog-generation": "1"}
    plan.add(READ, Answer(200, b"whole", told), Answer(200, b"whale", told))
    assert store.get("a") == b"whole"
    with pytest.raises(StoreUnavailableError, match="checksum"):
        store.get("a")


# ---- copies


def test_a_copy_is_made_by_the_service(store: BucketStore, plan: Plan) -> None:
    store.put("a", b"body")
    plan.asked.clear()
    store.copy("b", store, "a")
    assert [asked.partition(" ")[0] for asked in plan.asked] == ["POST"]
    assert "/rewriteTo/" in plan.asked[0]
    assert store.get("b") == b"body"


def test_what_other_credentials_reach_is_copied_by_way_of_here(store: BucketStore, plan: Plan) -> None:
    store.put("a", b"body")
    other = BucketStore(store.root, evolve(store.reach, impersonate="another@x"))
    same = BucketStore(store.root, evolve(store.reach, project="p2"))
    plan.asked.clear()
    store.copy("b", other, "a")
    store.copy("c", same, "a")
    assert [asked.split("/")[1] for asked in plan.asked] == ["download", "upload", "storage"]
    assert store.get("b") == store.get("c") == b"body"


def test_a_large_copy_goes_on_where_it_stopped(store: BucketStore, plan: Plan) -> None:
    store.put("a", b"body")
    more = {"kind": "storage#rewriteResponse", "done": False, "rewriteToken": "t1", "totalBytesRewritten": "1"}
    more["objectSize"] = "4"
    plan.add("/rewriteTo/", Answer(200, json.dumps(more).encode(), {"Content-Type": "application/json"}))
    store.copy("b", store, "a")
    assert "rewriteToken=t1" in plan.asked[-1]
    assert store.get("b") == b"body"


def test_a_bucket_that_is_not_there_is_told_of_though_the_server_says_no_more_than_not_found(gcs: str) -> None:
    """As emulators do, of a bucket and of an object alike."""
    nowhere = open_bucket("gs://no-such-bucket-here/", None)
    with pytest.raises(PlaceMissingError, match="no such bucket"):
        nowhere.create("a", b"1")
