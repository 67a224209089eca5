"""Writing objects of any size in flat memory: in one request, or by an upload that goes on where it broke."""

from __future__ import annotations

import io
from typing import IO, Any

from attrs import frozen

from cls_gcp.clients import CONNECT, READ
from cls_gcp.errors import asking
from clusterless.errors import StoreUnavailableError
from clusterless.store.api import Body
from clusterless.store.streams import read_fully

_CHUNK = 8 << 20  # bytes, and a multiple of 256 KiB, as the service wants it
_PATIENCE = 60.0  # seconds that one chunk is sent again and again


@frozen(kw_only=True)
class Place:
    """Where an object is, or is to be; *blob* is the SDK's name for it."""

    uri: str
    blob: Any


def write(place: Place, body: Body, content_type: str, generation: int | None = None) -> None:
    """Write *body* if the object there has that *generation*: 0 is none, None is any.

    The service compares checksums before the object is there.

    Raises:
        ObjectExistsError: it has not.
    """
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    first = read_fully(stream, _CHUNK)
    terms = {"content_type": content_type, "if_generation_match": generation, "timeout": (CONNECT, READ)}
    if len(first) < _CHUNK:
        with asking(place.uri):
            place.blob.upload_from_string(first, checksum="crc32c", retry=None, **terms)
        return
    _write_large(place, _Whole(first, stream), terms)


def _write_large(place: Place, stream: _Whole, terms: dict[str, Any]) -> None:
    from google.cloud.storage.retry import DEFAULT_RETRY

    place.blob.chunk_size = _CHUNK
    retry = DEFAULT_RETRY.with_timeout(_PATIENCE)  # of what is sent to an upload, which takes no byte twice
    try:
        with asking(place.uri):
            place.blob.upload_from_file(stream, checksum="crc32c", retry=retry, **terms)
    except ValueError as error:  # the service kept a part of a chunk, and the SDK cannot go on from there
        if isinstance(error, StoreUnavailableError):
            raise
        msg = f"{place.uri}: the upload cannot be gone on with: {error}"
        raise StoreUnavailableError(msg, hint="it is written again") from error


class _Whole:
    """*first* and then *stream*, as the SDK reads it: from its beginning, each part as long as it was asked for."""

    def __init__(self, first: bytes, stream: IO[bytes]) -> None:
        self._first = first
        self._stream = stream
        self._position = 0

    def tell(self) -> int:
        return self._position

    def read(self, size: int) -> bytes:
        part, self._first = self._first[:size], self._first[size:]
        if len(part) < size:
            part += read_fully(self._stream, size - len(part))
        self._position += len(part)
        return part
