"""Objects in a bucket of Cloud Storage, below a prefix."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from attrs import evolve

from cls_gcp import clients, uploads
from cls_gcp.errors import asking, asking_bucket
from cls_gcp.reading import stream
from cls_gcp.servertime import time_of
from cls_gcp.settings import Reach, reach
from clusterless.errors import ObjectMissingError, StoreRefusedError, StoreUnavailableError
from clusterless.model.placement import Placement
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.store.keys import check_key

_TIMES = (clients.CONNECT, clients.READ)
_FIELDS = "items(name,size,md5Hash,crc32c,timeCreated),nextPageToken"
_PUBLIC = "https://storage.googleapis.com"
_ONCE: Mapping[str, Any] = {"retry": None, "timeout": _TIMES}


def open_bucket(root: str, placement: Placement | None) -> ObjectStore:
    """The store rooted at *root* (``gs://bucket/…/``), as *placement* reaches it; no request is made.

    Raises:
        StoreRefusedError: *root* names no bucket.
        MalformedError: see `cls_gcp.settings.reach`.
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
            raise StoreRefusedError(msg, hint="write gs://BUCKET/ or gs://BUCKET/FOLDER/")

    # ---- reading

    def get(self, key: str) -> bytes:
        with self.open(key) as found:
            return found.read()

    def open(self, key: str) -> BinaryIO:
        place = self.place(key)
        path = f"/download/storage/v1/b/{self.bucket}/o/{quote(self._prefix + key, safe='')}"
        url = (self.reach.endpoint or _PUBLIC) + path

        def ask(parameters: Mapping[str, str], headers: Mapping[str, str]) -> Any:
            # What is stored compressed is given as it is stored, as other stores do.
            wanted = {"Accept-Encoding": "gzip", **headers}
            known = {"alt": "media", **parameters}
            return self._session.get(url, params=known, headers=wanted, stream=True, timeout=_TIMES)

        return stream(place.uri, ask)

    def head(self, key: str) -> ObjectInfo:
        place = self.place(key)
        with asking(place.uri):
            place.blob.reload(**_ONCE)
        return _info(key, place.blob)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        last = self._prefix + after
        with asking_bucket(self.root + prefix):
            pages = self._client.list_blobs(
                self.bucket,
                prefix=self._prefix + prefix or None,
                start_offset=last if after else None,
                fields=_FIELDS,
                **_ONCE,
            )
            for found in pages:
                key = found.name.removeprefix(self._prefix)  # none where it is the root's own folder marker
                if key and not (after and found.name <= last):
                    yield _info(key, found)

    def now(self) -> datetime:
        time = time_of(self._session)
        if (told := time.now()) is None:
            self._list_one()
            told = time.now()
        if told is None:
            msg = f"{self.root}: its server does not tell the time of its answers"
            raise StoreRefusedError(msg, hint="use a server that sends the Date header, as Cloud Storage does")
        return told

    def _list_one(self) -> None:
        """The least request that tells of the bucket.

        Raises:
            PlaceMissingError: there is none.
        """
        with asking_bucket(self.root):
            next(iter(self._client.list_blobs(self.bucket, max_results=1, fields=_FIELDS, **_ONCE)), None)

    # ---- writing

    def put(self, key: str, body: Body) -> None:
        self._write(key, body)

    def create(self, key: str, body: Body) -> None:
        self._write(key, body, generation=0)

    def _write(self, key: str, body: Body, generation: int | None = None) -> None:
        content_type = "application/json" if key.endswith(".json") else "application/octet-stream"
        try:
            uploads.write(self.place(key), body, content_type, generation)
        except ObjectMissingError as error:  # the bucket, or the upload in chunks was ended meanwhile
            self._list_one()
            raise StoreUnavailableError(error.problem, hint="it is written again") from error

    def delete(self, key: str) -> None:
        place = self.place(key)
        with suppress(ObjectMissingError), asking(place.uri):
            place.blob.delete(**_ONCE)

    def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
        if isinstance(source, BucketStore) and self._sees(source):
            self._rewrite(self.place(key), source.place(source_key))
        else:
            super().copy(key, source, source_key)

    def _sees(self, other: BucketStore) -> bool:
        """Whether the service can copy from there by itself: it is the same one, and asked by the same credentials."""
        return evolve(self.reach, project=None) == evolve(other.reach, project=None)

    @staticmethod
    def _rewrite(place: uploads.Place, source: uploads.Place) -> None:
        """Have the service copy; what is large it copies in several requests, or not at all if it changes meanwhile."""
        with asking(f"{source.uri}, to be copied to {place.uri}"):
            token = place.blob.rewrite(source.blob, **_ONCE)[0]
            while token:
                token = place.blob.rewrite(source.blob, token=token, **_ONCE)[0]

    # ---- what requests are made of

    @cached_property
    def _session(self) -> Any:
        session = clients.session(self.reach)
        time_of(session)  # which is heard from the first answer on
        return session

    @cached_property
    def _client(self) -> Any:
        time_of(self._session)
        return clients.storage(self.reach)

    def place(self, key: str) -> uploads.Place:
        """The object as its own requests name it."""
        check_key(self.root, key)
        blob = self._client.bucket(self.bucket).blob(self._prefix + key)
        return uploads.Place(uri=self.root + key, blob=blob)


def _info(key: str, found: Any) -> ObjectInfo:
    # What was composed of several objects has no MD5; a generation would be another one for the same bytes.
    etag = b64decode(found.md5_hash or found.crc32c).hex()
    return ObjectInfo(key, int(found.size), etag, found.time_created)
