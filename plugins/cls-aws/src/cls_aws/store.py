"""Objects in a bucket of S3, below a prefix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from attrs import evolve

from cls_aws import copies, uploads
from cls_aws.clients import reached
from cls_aws.errors import asking
from cls_aws.listing import listed
from cls_aws.reading import stream
from cls_aws.servertime import time_of
from cls_aws.settings import Reach, reach
from clusterless.errors import ObjectMissingError, StoreRefusedError, StoreUnavailableError
from clusterless.model.placement import Placement
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.store.keys import check_key

_IF_ABSENT = {"IfNoneMatch": "*"}


def open_bucket(root: str, placement: Placement | None) -> ObjectStore:
    """The store rooted at *root* (``s3://bucket/…/``), as *placement* reaches it; no request is made.

    Raises:
        StoreRefusedError: *root* names no bucket.
        MalformedError: see `cls_aws.settings.reach`.
    """
    return BucketStore(root, reach(placement))


class BucketStore(ObjectStore):
    """Sends each request once: `clusterless.store.retrying` is what asks again. Threads may share it."""

    def __init__(self, root: str, reach: Reach) -> None:
        self.root = root
        self.reach = reach
        parts = urlsplit(root)
        self.bucket, self._prefix = parts.netloc, unquote(parts.path.removeprefix("/"))
        if not self.bucket:
            msg = f"{root} names no bucket"
            raise StoreRefusedError(msg, hint="write s3://BUCKET/ or s3://BUCKET/FOLDER/")

    # ---- reading

    def get(self, key: str) -> bytes:
        place = self.place(key)
        with asking(place.uri):
            return bytes(self._client.get_object(**place.where)["Body"].read())

    def open(self, key: str) -> BinaryIO:
        place = self.place(key)
        with asking(place.uri):
            return stream(place.uri, self._client.get_object(**place.where)["Body"])

    def head(self, key: str) -> ObjectInfo:
        place = self.place(key)
        with asking(place.uri):
            found = self._client.head_object(**place.where)
        return _info(key, found["ContentLength"], found)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        def ask(**wanted: str) -> Any:
            with asking(self.root + prefix):
                return self._client.list_objects_v2(Bucket=self.bucket, **wanted)

        for found in listed(ask, self._prefix + prefix, self._prefix + after if after else ""):
            if key := found["Key"].removeprefix(self._prefix):  # or it is the root's own folder marker
                yield _info(key, found["Size"], found)

    def now(self) -> datetime:
        time = time_of(self._client)
        if (told := time.now()) is None:
            with asking(self.root):
                self._client.head_bucket(Bucket=self.bucket)
            told = time.now()
        if told is None:
            msg = f"{self.root}: its server does not tell the time of its answers"
            raise StoreRefusedError(msg, hint="use a server that sends the Date header, as S3 does")
        return told

    # ---- writing

    def put(self, key: str, body: Body) -> None:
        self._write(key, body, {})

    def create(self, key: str, body: Body) -> None:
        self._write(key, body, _IF_ABSENT)

    def _write(self, key: str, body: Body, conditions: Mapping[str, str]) -> None:
        headers = {"ContentType": "application/json"} if key.endswith(".json") else {}
        try:
            uploads.write(self.place(key), body, uploads.Terms(headers=headers, conditions=conditions))
        except ObjectMissingError as error:  # a deletion of the object, or an end of the upload, came between
            raise StoreUnavailableError(error.problem, hint="it is written again") from error

    def delete(self, key: str) -> None:
        place = self.place(key)
        with suppress(ObjectMissingError), asking(place.uri):  # which some servers say, though not S3
            self._client.delete_object(**place.where)

    def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
        if isinstance(source, BucketStore) and self._sees(source):
            copies.copy(self.place(key), source.place(source_key))
        else:
            super().copy(key, source, source_key)

    def _sees(self, other: BucketStore) -> bool:
        """Whether the service can copy from there by itself: it is the same one, and asked by the same credentials."""
        return evolve(self.reach, region=None) == evolve(other.reach, region=None)

    # ---- what requests are made of

    @cached_property
    def _client(self) -> Any:
        client = reached("s3", self.reach)
        time_of(client)  # which is heard from the first answer on
        return client

    def place(self, key: str) -> uploads.Place:
        """The object as its own requests name it."""
        check_key(self.root, key)
        return uploads.Place(client=self._client, uri=self.root + key, bucket=self.bucket, key=self._prefix + key)


def _info(key: str, size: int, found: Mapping[str, Any]) -> ObjectInfo:
    # A listing may tell parts of a second, and a look at the object never does.
    return ObjectInfo(key, size, found["ETag"].strip('"'), found["LastModified"].replace(microsecond=0))
