"""What is read of a blob: one version of it, and undamaged, a part at a time."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from hashlib import md5
from typing import TYPE_CHECKING, Any, BinaryIO

from cls_azure.clients import CHUNK
from cls_azure.errors import asking
from clusterless.errors import ObjectExistsError, ObjectMissingError, StoreUnavailableError

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, StorageStreamDownloader

_BUFFER = 1 << 16

_log = logging.getLogger(__name__)


def stream(uri: str, blob: BlobClient) -> BinaryIO:
    """The *blob* at *uri* as a file.

    Raises:
        ObjectMissingError: there is none.
    """
    return io.BufferedReader(_Raw(parts(uri, blob)), _BUFFER)


def parts(uri: str, blob: BlobClient) -> Iterator[bytes]:
    """The bytes of the *blob* at *uri*, as they are stored: the first of them are read now, others when wanted.

    Where it has a checksum, what is read is held to it at the end.

    Raises:
        ObjectMissingError: there is none.
        StoreUnavailableError: (later, too) it was replaced while it was read, or came damaged.
    """
    with asking(uri):
        first = blob.download_blob(decompress=False)
    return _parts(uri, blob, first)


def _parts(uri: str, blob: BlobClient, first: StorageStreamDownloader[bytes]) -> Iterator[bytes]:
    checksum = md5(usedforsecurity=False)
    known = first.properties.content_settings.content_md5
    position, came_to = 0, 0
    while position < first.size:
        try:
            with asking(uri):
                part = first.read(CHUNK) if position == 0 else _next(blob, first.properties.etag, position)
        except (ObjectExistsError, ObjectMissingError) as error:
            msg = f"{uri} was replaced or removed while it was being read"
            raise StoreUnavailableError(msg) from error
        except StoreUnavailableError as error:
            if position == came_to:
                raise
            _log.info("%s; it is read on from byte %d", error, position)
            came_to = position
            continue
        checksum.update(part)
        position += len(part)
        yield part
    if known and checksum.digest() != bytes(known):
        msg = f"{uri}: what was read is not what is stored: its checksum is another"
        raise StoreUnavailableError(msg)


def _next(blob: BlobClient, etag: str, position: int) -> bytes:
    from azure.core import MatchConditions

    same = MatchConditions.IfNotModified
    return blob.download_blob(position, CHUNK, etag=etag, match_condition=same, decompress=False).readall()


class _Raw(io.RawIOBase):
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._part = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._part:
            self._part = memoryview(next(self._parts, b""))
        given = self._part[: len(buffer)]
        self._part = self._part[len(given) :]
        buffer[: len(given)] = given
        return len(given)
