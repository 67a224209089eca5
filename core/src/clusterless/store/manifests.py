"""The manifests that others see: found, read and published, whatever their length."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby
from typing import IO, Any, BinaryIO

from attrs import field, frozen

from clusterless import layout
from clusterless.errors import InvalidValueError, MalformedError, ObjectConflictError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.store.retrying import create_once

INLINE_LIMIT = 256 * 1024
"""Up to so many bytes, a manifest is held in memory, and in the entry that commits it."""


# ---- bytes -----------------------------------------------------------------------------------------------------

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@frozen(kw_only=True)
class Encoded:
    """A manifest's stored bytes: *digest* is their SHA-256 (hex), *size* their number, *objects* the URIs'.

    *inline* is the bytes themselves when they are few (`INLINE_LIMIT`); else they lie in a
    temporary file that is gone with this value.
    """

    digest: str
    size: int
    objects: int
    inline: bytes | None = field(repr=False)
    _file: Any = field(default=None, repr=False, eq=False)

    def open(self) -> IO[bytes]:
        """The bytes from the beginning, which the caller closes."""
        return open(self._file.name, "rb") if self.inline is None else io.BytesIO(self.inline)


def encode(manifest: Manifest) -> Encoded:
    """The bytes to store (FORMATS 4.4), going through the URIs once and holding few of them."""
    digest = hashlib.sha256()
    size = objects = 0
    buffer = bytearray()
    file = None
    for text in _texts(manifest):
        objects += 1
        buffer += text
        if len(buffer) > INLINE_LIMIT:
            file = file or tempfile.NamedTemporaryFile(prefix="cls-manifest-")  # noqa: SIM115, lives on in what is returned
            digest.update(buffer)
            file.write(buffer)
            size += len(buffer)
            buffer.clear()
    digest.update(buffer)
    size += len(buffer)
    if file:
        file.write(buffer)
        file.flush()
    inline = None if file else bytes(buffer)
    return Encoded(digest=digest.hexdigest(), size=size, objects=objects - 2, inline=inline, file=file)


def _texts(manifest: Manifest) -> Iterator[bytes]:
    """The head, one text for each URI, the tail."""
    head = {
        "state": manifest.state.value,
        "comment": manifest.comment,
        "lotId": str(manifest.lot),
        "uriType": manifest.uri_type.value,
    }
    yield f'{_json(head)[:-1]},"uris":['.encode()
    comma = ""
    for uri in manifest.uris:
        yield f"{comma}{_json(uri)}".encode()
        comma = ","
    yield b"]}"


def decode(store: ObjectStore, key: str) -> Manifest:
    """The manifest stored at *key*, or in the first ``.json`` object below it as some writers leave it.

    The URIs of a large one are read from its object whenever they are iterated.

    Raises:
        ObjectMissingError: there is none.
        MalformedError: it does not say what a manifest must; a large one may raise it while iterated.
    """
    key = _object_of(store, key)
    source = layout.uri(store.root, key)
    with store.open(key) as stream:
        body = _read_some(stream)
        if len(body) <= INLINE_LIMIT:
            return _small(body, source)
    uris = _StoredUris(store, key)
    with _named(source), store.open(key) as stream:
        return _manifest(_head(stream), uris)


@frozen
class _StoredUris:
    _store: ObjectStore
    _key: str

    def __iter__(self) -> Iterator[str]:
        import ijson

        with _named(layout.uri(self._store.root, self._key)), self._store.open(self._key) as stream:
            for uri in ijson.items(stream, "uris.item"):
                yield _text("uris", uri)


def _object_of(store: ObjectStore, key: str) -> str:
    try:
        return store.head(key).key
    except ObjectMissingError:
        children = (info.key for info in store.list(f"{key}/") if info.key.endswith(".json"))
        if child := next(children, None):
            return child
        raise


def _read_some(stream: BinaryIO) -> bytes:
    """All there is, or just more than `INLINE_LIMIT`."""
    body = b""
    while len(body) <= INLINE_LIMIT and (part := stream.read(INLINE_LIMIT + 1 - len(body))):
        body += part
    return body


def _small(body: bytes, source: str) -> Manifest:
    with _named(source):
        document = json.loads(body)
        if not isinstance(document, dict):
            raise InvalidValueError("it is not a JSON object")
        uris = document.get("uris") or []
        if not isinstance(uris, list):
            raise InvalidValueError("uris is not a list")
        return _manifest(document, tuple(_text("uris", uri) for uri in uris))


def _head(stream: BinaryIO) -> dict[str, Any]:
    """The keys beside the URIs: our own writers put them first, others perhaps last."""
    import ijson

    head: dict[str, Any] = {}
    for path, event, value in ijson.parse(stream):
        if path in _HEAD and event in {"string", "null"}:
            head[path] = value
        elif path == "uris" and event == "start_array" and head.keys() == _HEAD:
            break
    return head


_HEAD = {"state", "comment", "lotId", "uriType"}


def _manifest(head: dict[str, Any], uris: Iterable[str]) -> Manifest:
    comment = head.get("comment")
    return Manifest(
        state=ManifestState(head.get("state")),
        comment=None if comment is None else _text("comment", comment),
        lot=Lot.parse(_text("lotId", head.get("lotId"))),
        uri_type=UriType(head.get("uriType") or "identifier"),
        uris=uris,
    )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        msg = f"{name}: {str(value)[:40]!r} is not a text"
        raise InvalidValueError(msg)
    return value


@contextmanager
def _named(source: str) -> Iterator[None]:
    """Blame *source* for what cannot be understood."""
    try:
        yield
    except ValueError as exc:  # of json, ijson, the enums and the model alike
        raise MalformedError(source, [str(exc)]) from exc


# ---- manifests of datasets -------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Found:
    """A committed manifest by its name, not yet read; *time* is the store's, of its writing."""

    key: str
    uri: str
    lot: Lot
    state: ManifestState
    revision: int
    time: datetime


class Manifests:
    """The committed manifests in a placement's manifest store."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def newest(self, dataset: Dataset, lot: Lot) -> Found | None:
        """The highest revision that can be read, found by one list."""
        return _newest(self._found(dataset, self.store.list(layout.lot_path(dataset, lot))))

    def read(self, manifest: Found | str) -> Manifest:
        """The manifest that was found, or that has this URI.

        Raises:
            InvalidValueError: the URI is not of this store.
            ObjectMissingError: it is gone.
            MalformedError: as `decode` does.
        """
        return decode(self.store, manifest.key if isinstance(manifest, Found) else layout.key(self.store.root, manifest))

    def publish(self, dataset: Dataset, lot: Lot, state: ManifestState, revision: int, body: Body) -> str:
        """See to it that the revision's manifest is there and holds *body*; gives its URI.

        Raises:
            ObjectConflictError: other bytes are there.
        """
        key = layout.manifest(dataset, lot, state, revision)
        uri = layout.uri(self.store.root, key)
        if not create_once(self.store, key, body):
            msg = f"{uri} already holds another manifest than the one committed for this lot"
            raise ObjectConflictError(msg, hint="find out who wrote it; if it is worth nothing, delete it and run again")
        return uri

    def lots(self, dataset: Dataset, after: Lot | None = None) -> Iterator[Found]:
        """The newest readable manifest of each lot after *after*, in order of lot, as they are listed."""
        # "0" follows "/": nothing of that lot itself is listed.
        passed = layout.lot_path(dataset, after).removesuffix("/") + "0" if after else ""
        yield from self._newest_of_each(dataset, passed)

    def last_lot(self, dataset: Dataset) -> Lot | None:
        """The last lot that has a readable manifest, without listing those before its day."""
        for start in (self._last_day(dataset), ""):
            if last := max((found.lot for found in self._newest_of_each(dataset, start)), default=None):
                return last
        return None

    def _newest_of_each(self, dataset: Dataset, after: str) -> Iterator[Found]:
        listing = self.store.list(f"{layout.dataset_path(dataset)}lot=", after)
        for _, revisions in groupby(self._found(dataset, listing), lambda found: found.lot):
            if newest := _newest(revisions):
                yield newest

    def _last_day(self, dataset: Dataset) -> str:
        """A key just before the last day that anything is listed of, found by halving."""
        prefix = f"{layout.dataset_path(dataset)}lot="
        first, last = date.min.toordinal(), date.max.toordinal()
        while first < last:
            middle = (first + last + 1) // 2
            if next(self.store.list(prefix, prefix + _digits(middle)), None):
                first = middle
            else:
                last = middle - 1
        return prefix + _digits(first)

    def _found(self, dataset: Dataset, listing: Iterator[ObjectInfo]) -> Iterator[Found]:
        for info in listing:
            if found := _parse(self.store.root, dataset, info):
                yield found


def _digits(day: int) -> str:
    return date.fromordinal(day).isoformat().replace("-", "")


def _newest(found: Iterable[Found]) -> Found | None:
    readable = (each for each in found if each.state.is_readable)
    return max(readable, key=lambda each: (each.revision, each.state is ManifestState.COMPLETE), default=None)


_CHILD = re.compile(r"(?:/[^/]+\.json)?")


def _parse(root: str, dataset: Dataset, info: ObjectInfo) -> Found | None:
    """What the key names, unless it is something else than a manifest of *dataset*."""
    names = layout.segments(info.key)
    try:
        lot, state = Lot.parse(names.get("lot", "")), ManifestState(names.get("state"))
        revision = int(names.get("attempt", 0))
    except ValueError:
        return None
    key = layout.manifest(dataset, lot, state, revision)
    if not info.key.startswith(key) or not _CHILD.fullmatch(info.key, len(key)):
        return None
    uri = layout.uri(root, info.key)
    return Found(key=info.key, uri=uri, lot=lot, state=state, revision=revision, time=info.time)
