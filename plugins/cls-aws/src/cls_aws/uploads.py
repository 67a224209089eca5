"""Writing objects of any size in flat memory: in one request, or in parts."""

from __future__ import annotations

import io
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import IO, Any

from attrs import Factory, frozen

from cls_aws.errors import asking
from clusterless.store.api import Body
from clusterless.store.streams import read_fully

_PART = 8 << 20  # bytes
_GROW = 1250  # parts, after which they are twice as large: S3 takes 10,000
_PARALLEL = 4  # parts of one object at a time

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Place:
    """Where an object is, or is to be: *client* asks there."""

    client: Any
    uri: str
    bucket: str
    key: str

    @property
    def where(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key}


@frozen(kw_only=True)
class Terms:
    """What goes with an object that is written: *headers*, and *conditions* that hold or nothing is written."""

    headers: Mapping[str, Any] = Factory(dict)
    conditions: Mapping[str, str] = Factory(dict)


def write(place: Place, body: Body, terms: Terms) -> None:
    """Write *body*; one that is large goes in parts, some of which are in memory at a time.

    Raises:
        ObjectExistsError: a condition does not hold.
    """
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    first = read_fully(stream, _PART)
    if len(first) < _PART:
        with asking(place.uri):
            place.client.put_object(**place.where, Body=first, **terms.headers, **terms.conditions)
        return
    write_parts(place, place.client.upload_part, ({"Body": part} for part in _parts(first, stream)), terms)


def write_parts(place: Place, send: Callable[..., Any], parts: Iterable[Mapping[str, Any]], terms: Terms) -> None:
    """Write an object by having *send* (a method of the client) each of its *parts*, and put them together.

    Raises:
        ObjectExistsError: a condition does not hold.
    """
    where = place.where
    with asking(place.uri):
        begun = place.client.create_multipart_upload(**where, **terms.headers, **_checksums(place.client))
        where["UploadId"] = begun["UploadId"]
    try:
        done = list(_sent(place.uri, send, where, parts))
        with asking(place.uri):
            place.client.complete_multipart_upload(**where, MultipartUpload={"Parts": done}, **terms.conditions)
    except BaseException:
        _abort(place, where)
        raise


def _checksums(client: Any) -> dict[str, str]:
    """Where the SDK sends a checksum with each part, S3 wants to know beforehand which."""
    return {"ChecksumAlgorithm": "CRC32"} if client.meta.config.request_checksum_calculation == "when_supported" else {}


def _sent(
    uri: str, send: Callable[..., Any], where: Mapping[str, Any], parts: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    def sent(number: int, part: Mapping[str, Any]) -> dict[str, Any]:
        with asking(uri):
            answer = send(**where, PartNumber=number, **part)
        kept = answer.get("CopyPartResult", answer)
        return {"PartNumber": number} | {
            name: value for name, value in kept.items() if name == "ETag" or name.startswith("Checksum")
        }

    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="part") as pool:
        pending: deque[Future[dict[str, Any]]] = deque()
        for number, part in enumerate(parts, 1):
            pending.append(pool.submit(sent, number, part))
            if len(pending) == _PARALLEL:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _abort(place: Place, where: Mapping[str, Any]) -> None:
    try:
        place.client.abort_multipart_upload(**where)
    except Exception as error:  # noqa: BLE001 -- what led here is to be told
        _log.info("%s: an upload in parts that came to nothing is left there: %s", place.uri, error)


def _parts(first: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield first
    for number in count(2):
        if not (part := read_fully(stream, _PART << (number // _GROW))):
            return
        yield part
