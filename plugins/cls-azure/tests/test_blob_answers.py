"""Every answer that Azure may give to a conditional write, and answers that are lost or break off."""

from __future__ import annotations

import io
import logging
import tracemalloc
from collections.abc import Iterator
from hashlib import md5
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from attrs import evolve
from azure.core.credentials import AccessToken
from beds.azurite import ACCOUNT, Azurite
from beds.proxy import Answer, Lost, Plan, proxied

from cls_azure import clients, copies, reading, uploads
from cls_azure.settings import reach
from cls_azure.store import ContainerStore, open_container
from clusterless.errors import (
    ObjectExistsError,
    ObjectMissingError,
    PlaceMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.store.retrying import RetryingStore
from clusterless.testing.clock import SettableClock

PUT, GET = r"PUT /.*/a$", r"GET /.*/a$"
STAGE, COMMIT, LOOK = r"PUT .*comp=block&", r"PUT .*comp=blocklist", r"GET .*comp=blocklist"
_BLOCK = 256 << 10


def said(status: int, code: str, message: str = "so it is", **headers: str) -> Answer:
    """How Azure Storage says no."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    told = {"Content-Type": "application/xml", "x-ms-error-code": code}
    return Answer(status, body.encode(), told | {name.replace("_", "-"): value for name, value in headers.items()})


_BUSY = said(503, "ServerBusy", "The server is busy.", Retry_After="1")
_SLOW = said(429, "TooManyRequests", "Slow down.", Retry_After="1")
_EXISTS = said(409, "BlobAlreadyExists", "The specified blob already exists.")
_HELD = said(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """How much is read at a time, by clients that are made from now on."""
    for module in (clients, reading):
        monkeypatch.setattr(module, "CHUNK", _BLOCK)
    return _BLOCK


@pytest.fixture
def store(small_parts: int, azure: Azurite, apart: pytest.MonkeyPatch, plan: Plan) -> Iterator[ContainerStore]:
    """A container of its own, behind a proxy that goes by `plan`."""
    with proxied(azure.blob.removesuffix(f"/{ACCOUNT}"), plan) as endpoint:
        for name, value in azure.variables(blob=f"{endpoint}/{ACCOUNT}").items():
            apart.setenv(name, value)
        container = f"answers-{uuid4().hex[:12]}"
        clients.blobs(reach(None)).create_container(container)
        opened = open_container(f"az://{container}/", None)
        assert isinstance(opened, ContainerStore)
        plan.asked.clear()
        yield opened


@pytest.fixture
def retrying(store: ContainerStore, settable_clock: SettableClock) -> RetryingStore:
    return RetryingStore(store, settable_clock.sleep)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(uploads, "_BLOCK", _BLOCK)
    return _BLOCK


def sent(plan: Plan, pattern: str) -> list[str]:
    """What was asked that has *pattern* in it."""
    return [asked for asked in plan.asked if pattern in asked]


# ---- create, in one request


def test_of_two_that_create_the_second_is_told_so(store: ContainerStore, plan: Plan) -> None:
    store.create("a", b"1")
    with pytest.raises(ObjectExistsError, match="a: it exists already"):
        store.create("a", b"2")
    store.put("a", b"3")
    assert store.get("a") == b"3"
    assert len(sent(plan, "PUT ")) == 3


@pytest.mark.parametrize("answer", [_EXISTS, _HELD, Answer(412)])
def test_409_and_412_are_that_it_exists(store: ContainerStore, plan: Plan, answer: Answer) -> None:
    plan.add(PUT, answer)
    with pytest.raises(ObjectExistsError, match="a: it exists already"):
        store.create("a", b"1")


def test_409_of_a_copy_that_goes_on_is_no_answer(store: ContainerStore, plan: Plan) -> None:
    plan.add(PUT, said(409, "PendingCopyOperation"))
    with pytest.raises(StoreUnavailableError, match="another write of it is under way"):
        store.create("a", b"1")


@pytest.mark.parametrize(
    "answer",
    [_BUSY, _SLOW, said(500, "InternalError"), said(500, "OperationTimedOut"), Answer(502), Answer(408), Lost()],
)
def test_what_is_no_answer_says_so(store: ContainerStore, plan: Plan, answer: Answer | Lost) -> None:
    plan.add(PUT, answer)
    with pytest.raises(StoreUnavailableError):
        store.create("a", b"1")
    assert len(plan.asked) == 1  # the SDK sent it once


def test_who_may_not_is_told_what_to_do(store: ContainerStore, plan: Plan) -> None:
    plan.add(PUT, said(403, "AuthorizationPermissionMismatch", "This request is not authorized."))
    with pytest.raises(StoreRefusedError, match=r"access was denied .*not authorized") as refused:
        store.create("a", b"1")
    assert "cls policy" in refused.value.hint


@pytest.mark.parametrize("answer", [said(403, "AuthenticationFailed"), said(401, "NoAuthenticationInformation")])
def test_whose_key_is_none_is_told_so(store: ContainerStore, plan: Plan, answer: Answer) -> None:
    plan.add(PUT, answer)
    with pytest.raises(StoreRefusedError, match="does not take these credentials") as refused:
        store.create("a", b"1")
    assert "az login" in refused.value.hint


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("LeaseIdMissing", "another holds a lease on it"),
        ("BlobImmutableDueToPolicy", "a policy keeps it from being changed"),
        ("BlobArchived", "it is archived"),
    ],
)
def test_what_holds_a_blob_is_not_taken_for_another_writer(
    store: ContainerStore, plan: Plan, code: str, told: str
) -> None:
    plan.add(PUT, said(409 if "Immutable" in code else 412, code))
    with pytest.raises(StoreRefusedError, match=told):
        store.create("a", b"1")


def test_a_container_that_is_not_there_is_told_apart(store: ContainerStore) -> None:
    other = open_container(f"az://{store.container}x/", None)
    uses: list[Any] = [lambda: other.create("a", b"1"), lambda: other.get("a"), lambda: list(other.list())]
    for use in uses:
        with pytest.raises(PlaceMissingError, match="no such container"):
            use()
    with pytest.raises(ObjectMissingError):
        store.get("a")


@pytest.mark.parametrize("trouble", [[Lost()], [_BUSY, Lost(), _SLOW]])
def test_asked_again_a_create_whose_answer_was_lost_is_ours(
    retrying: RetryingStore, plan: Plan, trouble: list[Answer | Lost]
) -> None:
    plan.add(PUT, *trouble)
    retrying.create("a", b"ours")
    assert retrying.get("a") == b"ours"


def test_asked_again_a_create_that_another_won_is_theirs(
    retrying: RetryingStore, store: ContainerStore, plan: Plan
) -> None:
    store.create("a", b"theirs")
    plan.add(PUT, _SLOW, _BUSY)
    with pytest.raises(ObjectExistsError):
        retrying.create("a", b"ours")


def test_what_is_asked_again_shows_in_the_log(
    retrying: RetryingStore, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    plan.add(GET, _BUSY, _SLOW)
    with caplog.at_level(logging.INFO), pytest.raises(ObjectMissingError):
        retrying.get("a")
    assert len([text for text in caplog.messages if "fewer requests" in text]) == 2
    assert not [each for each in caplog.records if each.name.startswith("azure")]  # whose own words are kept back


# ---- in blocks


def body_of(size: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))[:size]


def test_what_is_large_goes_in_blocks_with_a_checksum_of_all(
    store: ContainerStore, plan: Plan, small_blocks: int
) -> None:
    body = body_of(2 * small_blocks + 1)
    store.create("a", body)
    assert len(sent(plan, "comp=block&")) == 3
    assert store.get("a") == body
    assert store.place("a").blob.get_blob_properties().content_settings.content_md5 == md5(body).digest()
    with pytest.raises(ObjectExistsError):
        store.create("a", body)


@pytest.mark.parametrize("answer", [_EXISTS, _HELD])
def test_409_and_412_of_blocks_are_that_it_exists(
    store: ContainerStore, plan: Plan, small_blocks: int, answer: Answer
) -> None:
    plan.add(COMMIT, answer)
    with pytest.raises(ObjectExistsError, match="a: it exists already"):
        store.create("a", body_of(small_blocks))


@pytest.mark.parametrize("size", [2 * _BLOCK, 2 * _BLOCK + 1, 3 * _BLOCK - 1])
def test_blocks_come_to_the_same_whatever_the_stream_gives(store: ContainerStore, small_blocks: int, size: int) -> None:
    body = body_of(size)

    class Sparing(io.BytesIO):
        def read(self, most: int | None = -1, /) -> bytes:
            return super().read(min(most or 0, 1000))

    store.put("a", Sparing(body))
    assert store.get("a") == body


def test_an_upload_that_broke_goes_on_where_it_was(store: ContainerStore, plan: Plan, small_blocks: int) -> None:
    body = body_of(4 * small_blocks)

    class Breaking(io.BytesIO):
        def read(self, most: int | None = -1, /) -> bytes:
            if self.tell() == 3 * small_blocks:
                msg = "where it comes from is gone"
                raise StoreUnavailableError(msg)
            return super().read(most)

    with pytest.raises(StoreUnavailableError):
        store.create("a", Breaking(body))
    assert len(sent(plan, "comp=block&")) == 3
    assert list(store.list()) == []
    plan.asked.clear()
    store.create("a", body)
    assert len(sent(plan, "comp=block&")) == 1
    assert store.get("a") == body


def test_the_blocks_of_another_writer_are_not_taken_for_ours(store: ContainerStore, small_blocks: int) -> None:
    theirs, ours = b"x" * 2 * small_blocks, body_of(2 * small_blocks)
    store.place("a").blob.stage_block(f"00000-{'0' * 40}", theirs[:small_blocks])
    store.put("a", ours)
    assert store.get("a") == ours


@pytest.mark.slow
def test_a_block_that_was_not_taken_or_not_answered_is_sent_again(
    store: ContainerStore, plan: Plan, small_blocks: int
) -> None:
    plan.add(STAGE, _BUSY, Lost())
    body = body_of(2 * small_blocks + 1)
    store.create("a", body)
    assert store.get("a") == body
    assert len(sent(plan, "comp=block&")) == 5


def test_a_commit_whose_answer_was_lost_is_ours(retrying: RetryingStore, plan: Plan, small_blocks: int) -> None:
    plan.add(COMMIT, Lost())
    body = body_of(2 * small_blocks)
    retrying.create("a", body)
    assert retrying.get("a") == body


def test_blocks_that_another_write_swept_away_are_sent_by_who_asks_again(
    retrying: RetryingStore, plan: Plan, small_blocks: int
) -> None:
    plan.add(COMMIT, said(400, "InvalidBlockList", "The specified block list is invalid."))
    retrying.create("a", body_of(2 * small_blocks))
    assert len(sent(plan, "comp=block&")) == 2
    assert len([asked for asked in sent(plan, "comp=blocklist") if asked.startswith("PUT")]) == 2


def test_what_is_large_is_not_held_in_memory(small_blocks: int, small_parts: int, azure: Azurite) -> None:
    size = 64 * small_blocks
    container = f"memory-{uuid4().hex[:12]}"
    clients.blobs(reach(None)).create_container(container)
    store = open_container(f"az://{container}/", None)  # not by way of the proxy, which holds what goes by it
    store.put("a", bytes(2 * small_blocks))
    store.get("a")  # what is imported is imported

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
        with store.open("a") as stream:
            assert sum(len(part) for part in iter(lambda: stream.read(1 << 16), b"")) == size
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert store.head("a").size == size
    assert most < size / 4


# ---- read


def test_what_is_large_is_read_in_parts_of_one_version(store: ContainerStore, plan: Plan, small_parts: int) -> None:
    body = body_of(3 * small_parts + 1)
    store.put("a", body)
    plan.asked.clear()
    assert store.get("a") == body
    assert len(sent(plan, "GET ")) == 4
    with store.open("a") as stream:
        assert stream.read(small_parts) == body[:small_parts]
        store.put("a", body[::-1])
        with pytest.raises(StoreUnavailableError, match="replaced or removed while it was being read"):
            stream.read()


def test_what_was_removed_meanwhile_is_not_read_on(store: ContainerStore, small_parts: int) -> None:
    store.put("a", body_of(2 * small_parts))
    with store.open("a") as stream:
        stream.read(1)
        store.delete("a")
        with pytest.raises(StoreUnavailableError, match="replaced or removed while it was being read"):
            stream.read()


def test_a_part_that_does_not_come_is_asked_for_again(store: ContainerStore, plan: Plan, small_parts: int) -> None:
    body = body_of(4 * small_parts)
    store.put("a", body)
    with store.open("a") as stream:
        start = stream.read(1)
        plan.add(GET, _BUSY)
        assert start + stream.read() == body
        plan.asked.clear()
    with store.open("a") as stream:
        stream.read(1)
        plan.add(GET, _BUSY, _BUSY)
        with pytest.raises(StoreUnavailableError, match="fewer requests"):
            stream.read()


@pytest.mark.slow
def test_a_connection_that_breaks_is_made_again(store: ContainerStore, plan: Plan) -> None:
    body = body_of(300_000)
    store.put("a", body)
    plan.add(GET, Lost(after=100_000))
    assert store.get("a") == body
    assert len(sent(plan, "GET ")) == 3


def test_damage_is_noticed(store: ContainerStore) -> None:
    store.put("a", b"whole")
    store.place("a").blob.set_http_headers()  # which leaves no checksum
    assert store.get("a") == b"whole"
    _, settings = store.put("a", b"whole"), store.place("a").blob.get_blob_properties().content_settings
    settings.content_md5 = bytearray(md5(b"whale").digest())
    store.place("a").blob.set_http_headers(settings)
    with pytest.raises(StoreUnavailableError, match="checksum"):
        store.get("a")
    with store.open("a") as stream, pytest.raises(StoreUnavailableError, match="checksum"):
        stream.read()


def test_what_is_stored_compressed_comes_as_it_is_stored(store: ContainerStore) -> None:
    from azure.storage.blob import ContentSettings

    packed = bytes.fromhex("1f8b0800000000000003cb48cdc9c90700 86a6103605000000".replace(" ", ""))
    store.place("a").blob.upload_blob(packed, content_settings=ContentSettings(content_encoding="gzip"))
    assert store.get("a") == packed


# ---- copies


def test_a_copy_is_made_by_the_service(store: ContainerStore, plan: Plan) -> None:
    store.put("a b=c%/ü.json", b"body")
    plan.asked.clear()
    store.copy("b", store, "a b=c%/ü.json")
    assert [asked.partition(" ")[0] for asked in plan.asked] == ["PUT"]
    assert store.get("b") == b"body"
    assert store.place("b").blob.get_blob_properties().content_settings.content_type == "application/json"


def test_another_container_of_the_account_is_copied_from_as_well(store: ContainerStore, plan: Plan) -> None:
    other = open_container(f"az://{store.container}x/", None)
    clients.blobs(store.reach).create_container(f"{store.container}x")
    other.put("a", b"body")
    plan.asked.clear()
    store.copy("b", other, "a")
    assert len(plan.asked) == 1
    assert store.get("b") == b"body"


def test_what_other_credentials_reach_is_copied_by_way_of_here(store: ContainerStore, plan: Plan) -> None:
    store.put("a", b"body")
    other = ContainerStore(store.root, evolve(store.reach, client="another"))
    plan.asked.clear()
    store.copy("b", other, "a")
    assert [asked.partition(" ")[0] for asked in plan.asked] == ["GET", "PUT"]
    assert store.get("b") == b"body"


@pytest.fixture
def small_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_WHOLE", 1000)
    monkeypatch.setattr(copies, "_BLOCK", 1000)


_TOO_LARGE = said(409, "CopySourceTooLarge", "The source is too large.")


def test_what_is_too_large_is_copied_in_blocks(store: ContainerStore, plan: Plan, small_copies: None) -> None:
    body = body_of(2500)
    store.put("a.json", body)
    store.place("a.json").blob.set_blob_metadata({"mine": "kept"})
    plan.add(r"PUT /.*/b$", _TOO_LARGE)
    store.copy("b", store, "a.json")
    assert len(sent(plan, "comp=block&")) == 3
    assert store.get("b") == body
    found = store.place("b").blob.get_blob_properties()
    assert found.metadata == {"mine": "kept"}
    assert found.content_settings.content_type == "application/json"
    assert found.content_settings.content_md5 == md5(body).digest()


def test_what_is_replaced_while_it_is_copied_is_copied_again(
    store: ContainerStore, retrying: RetryingStore, plan: Plan, small_copies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", b"1" * 2500)
    plan.add(r"PUT /.*/b$", _TOO_LARGE, _TOO_LARGE)
    staged, replaced = copies.in_parallel, []

    def replacing(stage: Any, blocks: Any) -> list[str]:
        names = list(staged(stage, blocks))
        if not replaced:
            store.put("a", b"2" * 2500)
            replaced.append(names)
        return names

    monkeypatch.setattr(copies, "in_parallel", replacing)
    retrying.copy("b", store, "a")
    assert store.get("b") == b"2" * 2500


def test_a_copy_that_is_refused_is_refused(store: ContainerStore, plan: Plan) -> None:
    store.put("a", b"body")
    plan.add(r"PUT /.*/b$", said(400, "InvalidHeaderValue", "No."))
    with pytest.raises(StoreRefusedError, match=r"to be copied to .* No"):
        store.copy("b", store, "a")


def test_the_service_reads_in_the_name_of_who_asks(store: ContainerStore) -> None:
    """By a signature for this one object, or by the token of an identity; by nothing that would open more."""
    place = store.place("a b.json")
    signed = urlsplit(copies._allowed(place, store.now()).url)
    assert unquote(signed.path).endswith("/a b.json")
    assert "sp=r&" in f"{signed.query}&"
    assert "sr=b&" in f"{signed.query}&"

    class Identity:
        def get_token(self, *scopes: str, **_: Any) -> AccessToken:
            assert scopes == ("https://storage.azure.com/.default",)
            return AccessToken("t0", 0)

    class Blob:
        credential = Identity()
        url = "https://a.blob.core.windows.net/c/a"

    allowed = copies._allowed(uploads.Place(uri="az://c/a", blob=Blob()), store.now())
    assert (allowed.url, allowed.options) == (Blob.url, {"source_authorization": "Bearer t0"})


# ---- time


def test_the_time_is_that_of_the_service(store: ContainerStore, plan: Plan, apart: pytest.MonkeyPatch) -> None:
    store.put("a", b"")
    plan.asked.clear()
    assert abs((store.now() - store.head("a").time).total_seconds()) < 5
    assert len(plan.asked) == 1  # that of the head
    apart.setattr(clients, "_made", {})
    plan.asked.clear()
    assert ContainerStore(store.root, store.reach).now().tzinfo
    assert len(plan.asked) == 1
