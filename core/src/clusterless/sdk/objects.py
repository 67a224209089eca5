"""The objects of a lot: those that came, and those that are written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from attrs import Factory, field, frozen

from clusterless import layout
from clusterless.engine.locations import home
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.store import manifests
from clusterless.store.api import ObjectStore

OpenStore = Callable[[str], ObjectStore]

_IN_MEMORY = 16 * 1024 * 1024  # bytes of one object before it goes to a temporary file


@frozen(kw_only=True)
class SourceObject:
    """One object of a source lot; *key* is below the dataset's path, or, of a joined dataset, below its source's."""

    uri: str
    key: str
    _store: ObjectStore = field(repr=False)

    @property
    def name(self) -> str:
        """The last segment of the key."""
        return self.key.rpartition("/")[2]

    def open(self) -> BinaryIO:
        """The object as a stream, which the caller closes.

        Raises:
            ObjectMissingError: it is gone.
        """
        return self._store.open(self.key)

    def read(self) -> bytes:
        """The whole object.

        Raises:
            ObjectMissingError: it is gone.
        """
        return self._store.get(self.key)


@frozen(kw_only=True)
class Source:
    """A source lot: iterate it for its objects, as often as needed; a large one is streamed.

    *manifest_uri* is None where the lot was not there when the arc's `wait` gave up waiting.
    """

    dataset: LocatedDataset | None
    manifest_uri: str | None
    _open_store: OpenStore = field(repr=False)
    roots: tuple[str, ...] = ()  # the locations that its objects lie below, where the dataset's is not the only one

    @property
    def missing(self) -> bool:
        """Whether the lot is worked without this source; it has no objects then."""
        return self.manifest_uri is None

    def manifest(self) -> Manifest:
        """The committed manifest.

        Raises:
            InvalidValueError: the source is missing.
        """
        if self.manifest_uri is None:
            msg = "a missing source has no manifest"
            raise InvalidValueError(msg)
        location, key = layout.split(self.manifest_uri)
        return manifests.decode(self._open_store(location), key)

    def __iter__(self) -> Iterator[SourceObject]:
        if self.dataset is None or self.missing:
            return
        roots = self.roots or (self.dataset.path_uri,)
        stores = {root: self._open_store(root) for root in roots}
        for uri in self.manifest().uris:
            root = home(roots, uri)
            yield SourceObject(uri=uri, key=layout.key(root, uri), store=stores[root])


@frozen(kw_only=True)
class Sink:
    """Where the lot's objects of one role go; *template* is its manifest's URI, but for ``{lot}`` and ``{state}``."""

    dataset: LocatedDataset
    template: str
    _open_store: OpenStore = field(repr=False)
    _written: dict[str, int] = field(default=Factory(dict), repr=False)  # bytes by key, in order of writing

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return sum(self._written.values())

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """A stream to write the object *key* to, which is below the dataset's path.

        The object becomes visible when the block ends well, and never if it does not.
        Put `LotWork.lot` and `LotWork.attempt` into the key, so that no attempt overwrites another's.

        Raises:
            InvalidValueError: *key* is empty or absolute, or has empty, ``.`` or ``..`` segments.
        """
        _check(key)
        with _Spool(max_size=_IN_MEMORY) as spool:
            yield cast("BinaryIO", spool)
            size = spool.seek(0, 2)
            spool.seek(0)
            self._open_store(self.dataset.path_uri).put(key, cast("IO[bytes]", spool))
        self._written[key] = size

    def write(self, key: str, data: bytes) -> None:
        """Write the whole object *key*, as `open` does.

        Raises:
            InvalidValueError: as `open` does, and for *data* that is no bytes.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            msg = f"write takes bytes, not {type(data).__name__}: encode the text, as in text.encode()"
            raise InvalidValueError(msg)
        with self.open(key) as stream:
            stream.write(data)

    def stage(self, lot: Lot, state: ManifestState, comment: str | None = None) -> None:
        """Write the manifest of what was written to where the arc's workload is expected to leave it."""
        uris = tuple(layout.uri(self.dataset.path_uri, key) for key in self._written)
        manifest = Manifest(state=state, comment=comment, lot=lot, uris=uris)
        location, key = layout.split(_expand(self.template, lot, state))
        with manifests.encode(manifest).open() as stream:
            self._open_store(location).put(key, stream)

    def stage_all(self, lot: Lot) -> None:
        """Write the manifest of a lot that was worked to its end."""
        self.stage(lot, ManifestState.COMPLETE if self._written else ManifestState.EMPTY)

    def stage_some(self, lot: Lot, reason: str) -> None:
        """Write the manifest of a lot that failed for *reason*, if there is something to list."""
        if self._written:
            self.stage(lot, ManifestState.PARTIAL, reason)


class _Spool(tempfile.SpooledTemporaryFile[bytes]):
    # Wrappers (io.TextIOWrapper, some writers) close what they were given, before it has been put.
    def close(self) -> None:
        self.flush()

    def __exit__(self, *exc: object) -> None:
        super().close()


def _check(key: str) -> None:
    if any(part in {"", ".", ".."} for part in key.split("/")) or "\0" in key:
        msg = f"{key!r} is not a key: use a relative path such as 'lot=…/part.csv', without empty, '.' or '..' segments"
        raise InvalidValueError(msg)


def _expand(template: str, lot: Lot, state: ManifestState) -> str:
    raw = template.replace("%7B", "{").replace("%7D", "}")
    return raw.replace("{lot}", str(lot)).replace("{state}", state.value).replace("{/attempt*}", "")
