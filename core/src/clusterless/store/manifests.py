"""The manifests that others see: found, read and published, whatever their length."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections import deque
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from attrs import field, frozen

from clusterless import layout
from clusterless.codec.stored import stored_values
from clusterless.errors import InvalidValueError, MalformedError, ObjectConflictError, ObjectMissingError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.store import manifest_stream
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.store.retrying import create_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clusterless.model.dataset import Dataset

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
        return Path(self._file.name).open("rb") if self.inline is None else io.BytesIO(self.inline)


def encode(manifest: Manifest) -> Encoded:
    """The bytes to store (FORMATS 4.4), going through the URIs once and holding few of them."""
    head = {
        "state": manifest.state.value,
        "comment": manifest.comment,
        "lotId": str(manifest.lot),
        "uriType": manifest.uri_type.value,
    }
    spool = _Spool()
    spool.write(f'{_json(head)[:-1]},"uris":[')
    objects = 0
    for uri in manifest.uris:
        spool.write(f",{_json(uri)}" if objects else _json(uri))
        objects += 1
    spool.write("]}")
    return spool.encoded(objects)


class _Spool:
    """Bytes that go to a temporary file once they are many."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._size = 0
        self._file: Any = None

    def write(self, text: str) -> None:
        self._buffer += text.encode()
        if len(self._buffer) > INLINE_LIMIT:
            self._flush()

    def encoded(self, objects: int) -> Encoded:
        inline = None if self._file else bytes(self._buffer)
        self._digest.update(self._buffer)
        size = self._size + len(self._buffer)
        if self._file:
            self._file.write(self._buffer)
            self._file.flush()
        return Encoded(digest=self._digest.hexdigest(), size=size, objects=objects, inline=inline, file=self._file)

    def _flush(self) -> None:
        if not self._file:
            self._file = tempfile.NamedTemporaryFile(prefix="cls-manifest-")  # noqa: SIM115, outlives this
        self._digest.update(self._buffer)
        self._size += len(self._buffer)
        self._file.write(self._buffer)
        self._buffer.clear()


def decode(store: ObjectStore, key: str) -> Manifest:
    """The manifest stored at *key*, or in the first ``.json`` object below it as some writers leave it.

    The URIs of a large one are read from its object whenever they are iterated.

    Raises:
        ObjectMissingError: there is none.
        MalformedError: it does not say what a manifest must; a large one may raise it while iterated.
    """
    try:
        return _decode(store, key)
    except ObjectMissingError:
        children = (child for child in store.list_keys(f"{key}/") if child.endswith(".json"))
        if child := next(children, None):
            return _decode(store, child)
        raise


def _decode(store: ObjectStore, key: str) -> Manifest:
    with store.open(key) as stream:
        body = _read_some(stream)
    return _understood(store, key, body)


@frozen
class Fetched:
    """The bytes at *key*, or some where they are many, and the *digest* of all, as `Encoded` has it."""

    store: ObjectStore
    key: str
    digest: str
    _some: bytes = field(repr=False)

    def manifest(self) -> Manifest:
        """What they say.

        Raises:
            ObjectMissingError: the object is gone, which is read again where it is large.
            MalformedError: as `decode` does.
        """
        return _understood(self.store, self.key, self._some)


def fetch(store: ObjectStore, key: str) -> Fetched:
    """What is stored at *key* itself, read once where it is small.

    Raises:
        ObjectMissingError: there is none.
    """
    with store.open(key) as stream:
        body = _read_some(stream)
        digest = hashlib.sha256(body)
        while len(body) > INLINE_LIMIT and (part := stream.read(INLINE_LIMIT)):
            digest.update(part)
    return Fetched(store, key, digest.hexdigest(), body)


@frozen
class _StoredUris:
    _store: ObjectStore
    _key: str

    def __iter__(self) -> Iterator[str]:
        with self._store.open(self._key) as stream, _streamed(layout.uri(self._store.root, self._key)):
            yield from manifest_stream.uris(stream)


def _read_some(stream: BinaryIO) -> bytes:
    """All there is, or just more than `INLINE_LIMIT`."""
    body = b""
    while len(body) <= INLINE_LIMIT and (part := stream.read(INLINE_LIMIT + 1 - len(body))):
        body += part
    return body


def _understood(store: ObjectStore, key: str, body: bytes) -> Manifest:
    """The manifest at *key*, of which `_read_some` gave *body*."""
    if len(body) > INLINE_LIMIT:
        return _large(store, key)
    try:
        return _small(body)
    except ValueError as exc:  # of json, the enums and the model alike
        raise MalformedError(layout.uri(store.root, key), [str(exc)]) from exc


def _small(body: bytes) -> Manifest:
    document = stored_values(body, _object)
    if not isinstance(document, dict):
        msg = "not a JSON object"
        raise InvalidValueError(msg)
    uris = [] if document.get("uris") is None else document["uris"]
    if not isinstance(uris, list):
        msg = "uris: not a list"
        raise InvalidValueError(msg)
    return _manifest(document, tuple([_text("uris", uri) for uri in uris]))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # which of them holds, parsers are not at one about
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        msg = f"{twice!r} is given twice"
        raise InvalidValueError(msg)
    return found


def _large(store: ObjectStore, key: str) -> Manifest:
    with store.open(key) as stream, _streamed(layout.uri(store.root, key)):
        return _manifest(manifest_stream.head(stream), _StoredUris(store, key))


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
def _streamed(source: str) -> Iterator[None]:
    """Blame *source* for what cannot be understood."""
    import ijson  # type: ignore[import-untyped]

    try:
        yield
    except MalformedError:
        raise
    except (ValueError, ijson.JSONError) as exc:
        raise MalformedError(source, [str(exc)]) from exc


# ---- manifests of datasets -------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Found:
    """A committed manifest by its name, below a store's *root*, not yet read; *time* is of its writing, the store's."""

    root: str
    key: str
    lot: Lot
    state: ManifestState
    revision: int
    time: datetime

    @property
    def uri(self) -> str:
        return layout.uri(self.root, self.key)


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
        key = manifest.key if isinstance(manifest, Found) else layout.key(self.store.root, manifest)
        return decode(self.store, key)

    def publish(self, dataset: Dataset, lot: Lot, state: ManifestState, revision: int, body: Body) -> str:
        """See to it that the revision's manifest is there and holds *body*; gives its URI.

        Raises:
            ObjectConflictError: other bytes are there.
        """
        key = layout.manifest(dataset, lot, state, revision)
        uri = layout.uri(self.store.root, key)
        if not create_once(self.store, key, body):
            msg = f"{uri} holds another manifest than the one committed for this lot"
            hint = "find out who wrote it; delete it if it is worth nothing, and run again"
            raise ObjectConflictError(msg, hint=hint)
        return uri

    def lots(self, dataset: Dataset, after: Lot | None = None) -> Iterator[Found]:
        """The newest readable manifest of each lot after *after*, in order of lot, as they are listed."""
        # "0" follows "/": nothing of that lot itself is listed.
        passed = layout.lot_path(dataset, after).removesuffix("/") + "0" if after else ""
        yield from self._newest_of_each(dataset, self._listing(dataset, passed))

    def revisions(self, dataset: Dataset, first: Lot | None = None) -> Iterator[list[Found]]:
        """All manifests of each lot from *first* on, the lowest revision first, in order of lot."""
        start = layout.lot_path(dataset, first).removesuffix("/") if first else ""
        for _, found in groupby(self._found(dataset, self._listing(dataset, start)), lambda found: found.lot):
            yield sorted(found, key=lambda each: each.revision)

    def after_removal(self, dataset: Dataset, lot: Lot) -> int:
        """The revision that a lot without a readable manifest begins with: none is ever given twice."""
        found = self._found(dataset, self.store.list(layout.lot_path(dataset, lot)))
        return max((each.revision + 1 for each in found if each.state is ManifestState.REMOVED), default=0)

    def read_kept(self, manifest: str) -> Manifest:
        """As `read`; where retention has removed it meanwhile, what it says was in it."""
        try:
            return self.read(manifest)
        except ObjectMissingError:
            names = layout.parse_manifest(manifest)
            assert names.lot is not None
            return decode(
                self.store,
                layout.manifest(names.dataset, names.lot, ManifestState.REMOVED, int(names.attempt or 0)),
            )

    def since(self, dataset: Dataset, moment: datetime) -> Iterator[Found]:
        """As `lots`, of those that begin at *moment* or later, whatever their unit: its whole day is listed."""
        first = f"{self._prefix(dataset)}{_digits(moment.date().toordinal())}"
        newest = self._newest_of_each(dataset, self._listing(dataset, first))
        return (found for found in newest if found.lot.start >= moment)

    def within(self, dataset: Dataset, lot: Lot) -> Iterator[Found]:
        """As `lots`, of those that lie within *lot*, whatever their unit, by one list of its day."""
        listing = self.store.list(f"{self._prefix(dataset)}{_digits(lot.day.toordinal())}")
        newest = self._newest_of_each(dataset, listing)
        return (found for found in newest if lot.start <= found.lot.start and found.lot.end <= lot.end)

    def last_lot(self, dataset: Dataset) -> Lot | None:
        """The last lot that has a readable manifest, without listing those before its day."""
        for start in (self._last_day(dataset), ""):
            if last := deque(self._newest_of_each(dataset, self._listing(dataset, start)), maxlen=1):
                return last[0].lot
        return None

    def _prefix(self, dataset: Dataset) -> str:
        return f"{layout.dataset_path(dataset)}lot="

    def _listing(self, dataset: Dataset, after: str) -> Iterator[ObjectInfo]:
        return self.store.list(self._prefix(dataset), after)

    def _newest_of_each(self, dataset: Dataset, listing: Iterator[ObjectInfo]) -> Iterator[Found]:
        for _, revisions in groupby(self._found(dataset, listing), lambda found: found.lot):
            if newest := _newest(revisions):
                yield newest

    def _last_day(self, dataset: Dataset) -> str:
        """A key just before the last day that anything is listed of, found by halving."""
        prefix = self._prefix(dataset)
        first, last = date.min.toordinal(), date.max.toordinal()
        while first < last:
            middle = (first + last + 1) // 2
            if next(self.store.list(prefix, prefix + _digits(middle)), None):
                first = middle
            else:
                last = middle - 1
        return prefix + _digits(first)

    def _found(self, dataset: Dataset, listing: Iterator[ObjectInfo]) -> Iterator[Found]:
        prefix = self._prefix(dataset)
        for info in listing:
            if found := _parse(self.store.root, prefix, info):
                yield found


def _digits(day: int) -> str:
    return date.fromordinal(day).isoformat().replace("-", "")


def _newest(found: Iterable[Found]) -> Found | None:
    readable = (each for each in found if each.state.is_readable)
    return max(readable, key=lambda each: (each.revision, each.state is ManifestState.COMPLETE), default=None)


def _parse(root: str, prefix: str, info: ObjectInfo) -> Found | None:
    """What the key names, which begins with *prefix*, a dataset's; None unless it is a manifest."""
    text, _, path = info.key.removeprefix(prefix).partition("/")
    named = layout.manifest_below_lot(path)
    if not named:
        return None
    try:
        lot = Lot.parse(text)
    except InvalidValueError:
        return None
    state, revision = named
    return Found(root=root, key=info.key, lot=lot, state=state, revision=revision, time=info.time)
