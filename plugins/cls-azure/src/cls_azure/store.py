"""Objects in a container of a storage account, below a prefix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from cls_azure import clients, copies, uploads
from cls_azure.errors import asking
from cls_azure.listing import in_order, start_of
from cls_azure.reading import parts, stream
from cls_azure.settings import Reach, reach
from clusterless.errors import ObjectMissingError, StoreRefusedError, StoreUnavailableError
from clusterless.model.placement import Placement
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.store.keys import check_key

_FOLDER = "hdi_isfolder"  # by which what is a folder, and no object, is marked


def open_container(root: str, placement: Placement | None) -> ObjectStore:
    """The store rooted at *root* (``az://container/…/``), as *placement* reaches it; no request is made.

    Raises:
        StoreRefusedError: *root* names no container, or see `cls_azure.settings.reach`.
        MalformedError: see `cls_azure.settings.reach`.
    """
    return ContainerStore(root, reach(placement))


class ContainerStore(ObjectStore):
    """Sends each request once: `clusterless.store.retrying` is what asks again. Threads may share it."""

    def __init__(self, root: str, reach: Reach) -> None:
        self.root = root
        self.reach = reach
        where = urlsplit(root)
        self.container, self._prefix = where.netloc, unquote(where.path.removeprefix("/"))
        if not self.container:
            msg = f"{root} names no container"
            raise StoreRefusedError(msg, hint="write az://CONTAINER/ or az://CONTAINER/FOLDER/")

    # ---- reading

    def get(self, key: str) -> bytes:
        place = self.place(key)
        return b"".join(parts(place.uri, place.blob))

    def open(self, key: str) -> BinaryIO:
        place = self.place(key)
        return stream(place.uri, place.blob)

    def head(self, key: str) -> ObjectInfo:
        place = self.place(key)
        with asking(place.uri):
            return _info(key, place.blob.get_blob_properties())

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        last = self._prefix + after
        start = {"start_from": start_of(last)} if after else {}
        with asking(self.root + prefix):
            found = self._container.list_blobs(self._prefix + prefix or None, include=["metadata"], **start)
            for each in in_order(found):
                key = each.name.removeprefix(self._prefix)  # none where it is the root's own folder marker
                if key and not (after and each.name <= last) and _FOLDER not in (each.metadata or ()):
                    yield _info(key, each)

    def now(self) -> datetime:
        time = clients.time_of(self.reach)
        if (told := time.now()) is None:
            with asking(self.root):
                self._container.get_container_properties()
            told = time.now()
        if told is None:
            msg = f"{self.root}: its server does not tell the time of its answers"
            raise StoreRefusedError(msg, hint="use a server that sends the Date header, as Azure does")
        return told

    # ---- writing

    def put(self, key: str, body: Body) -> None:
        self._write(key, body)

    def create(self, key: str, body: Body) -> None:
        self._write(key, body, is_new=True)

    def _write(self, key: str, body: Body, *, is_new: bool = False) -> None:
        content_type = "application/json" if key.endswith(".json") else "application/octet-stream"
        try:
            uploads.write(self.place(key), body, content_type, is_new=is_new)
        except ObjectMissingError as error:  # which is said of blocks that were removed meanwhile
            raise StoreUnavailableError(error.problem, hint="it is written again") from error

    def delete(self, key: str) -> None:
        place = self.place(key)
        with suppress(ObjectMissingError), asking(place.uri):
            place.blob.delete_blob(delete_snapshots="include")

    def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
        # The service can copy by itself what is in the same account, and reached by the same credentials.
        if isinstance(source, ContainerStore) and self.reach == source.reach:
            copies.copy(self.place(key), source.place(source_key), self.now())
        else:
            super().copy(key, source, source_key)

    # ---- what requests are made of

    @cached_property
    def _container(self) -> Any:
        return clients.blobs(self.reach).get_container_client(self.container)

    def place(self, key: str) -> uploads.Place:
        """The object as its own requests name it."""
        check_key(self.root, key)
        return uploads.Place(uri=self.root + key, blob=self._container.get_blob_client(self._prefix + key))


def _info(key: str, found: Any) -> ObjectInfo:
    # It is told with quotes of one object, and without them in a listing and in an event.
    return ObjectInfo(key, found.size, found.etag.strip('"'), found.last_modified.astimezone(UTC))
