"""Writing blobs of any size in flat memory: in one request, or in blocks, of which those that are there stay there."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import md5, sha256
from itertools import count
from typing import IO, Any, TypeVar

from attrs import frozen

from cls_azure.errors import asking
from clusterless.errors import ObjectMissingError
from clusterless.store.api import Body
from clusterless.store.streams import read_fully

_BLOCK = 8 << 20  # bytes
_GROW = 6250  # blocks, after which they are twice as large: Azure takes 50,000
_PARALLEL = 4  # blocks of one object at a time
_AGAIN = 4  # times that the SDK sends a block again: one that is sent twice is there once

T = TypeVar("T")


@frozen(kw_only=True)
class Place:
    """Where an object is, or is to be; *blob* is the SDK's name for it."""

    uri: str
    blob: Any


def write(place: Place, body: Body, content_type: str, *, is_new: bool = False) -> None:
    """Write *body*, with a checksum that goes with it; if *is_new*, only where there is none.

    Of one that is large and broke off, the blocks that are there already are not sent again.

    Raises:
        ObjectExistsError: there is one.
    """
    from azure.storage.blob import ContentSettings

    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    first = read_fully(stream, _BLOCK)
    settings = ContentSettings(content_type=content_type)
    if len(first) < _BLOCK:
        with asking(place.uri):
            place.blob.upload_blob(first, overwrite=not is_new, validate_content=True, content_settings=settings)
        return
    checksum = md5(usedforsecurity=False)
    names = list(_staged(place, _summed(_blocks(first, stream), checksum)))
    settings.content_md5 = bytearray(checksum.digest())
    commit(place, names, is_new=is_new, content_settings=settings)


def commit(place: Place, names: Iterable[str], *, is_new: bool = False, **kept: Any) -> None:
    """Make an object of the blocks *names*; *kept* is what is known of it besides, as the SDK takes it.

    Raises:
        ObjectExistsError: it *is_new*, and there is one.
        StoreUnavailableError: a block is there no more: another write of it came between.
    """
    from azure.core import MatchConditions
    from azure.storage.blob import BlobBlock

    condition = {"match_condition": MatchConditions.IfMissing} if is_new else {}
    with asking(place.uri):
        place.blob.commit_block_list([BlobBlock(block_id=name) for name in names], **condition, **kept)


def in_parallel(do: Callable[[T], str], things: Iterable[T]) -> Iterator[str]:
    """What *do* gives for each of *things*, in order; some at a time, and no more of them are taken than that."""
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="block") as pool:
        pending: deque[Future[str]] = deque()
        for thing in things:
            pending.append(pool.submit(do, thing))
            if len(pending) == _PARALLEL:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _staged(place: Place, blocks: Iterable[bytes]) -> Iterator[str]:
    """The names of *blocks*, in order, each of which is at the service by then, though of no object yet."""
    there = _there(place)

    def stage(numbered: tuple[int, bytes]) -> str:
        number, block = numbered
        # Named for what it holds: it is found again, and none that another writer stages is taken for it.
        name = f"{number:05}-{sha256(block).hexdigest()[:40]}"
        if there.get(name) != len(block):
            with asking(place.uri):
                place.blob.stage_block(name, block, len(block), validate_content=True, retry_total=_AGAIN)
        return name

    return in_parallel(stage, enumerate(blocks))


def _there(place: Place) -> Mapping[str, int]:
    """The blocks, with their sizes, that are at the service already."""
    try:
        with asking(place.uri):
            return {each.id: each.size for each in place.blob.get_block_list("uncommitted")[1]}
    except ObjectMissingError:
        return {}


def _summed(blocks: Iterable[bytes], checksum: Any) -> Iterator[bytes]:
    for block in blocks:
        checksum.update(block)
        yield block


def _blocks(first: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield first
    for number in count(1):
        if not (block := read_fully(stream, _BLOCK << (number // _GROW))):
            return
        yield block
