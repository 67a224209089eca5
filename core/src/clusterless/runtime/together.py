"""Several source lots read as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from clusterless.errors import WorkloadError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.store.manifests import Found, Manifests


def read_together(manifests: Manifests, lot: Lot, parts: Sequence[Found]) -> Manifest:
    """The manifest of *lot* that lists what all *parts* list, in their order; they are read as it is iterated.

    Raises:
        WorkloadError: their URIs are of several types, which no manifest can say; also while iterated.
    """
    full = [part for part in parts if part.state is ManifestState.COMPLETE]
    if not full:
        return Manifest(state=ManifestState.EMPTY, lot=lot)
    uri_type = manifests.read(full[0]).uri_type
    uris = _UrisOfAll(manifests, full, uri_type)
    return Manifest(state=ManifestState.COMPLETE, lot=lot, uri_type=uri_type, uris=uris)


@frozen
class _UrisOfAll:
    """Can be iterated any number of times, holding one part's manifest at a time."""

    _manifests: Manifests
    _parts: Sequence[Found]
    _uri_type: UriType

    def __iter__(self) -> Iterator[str]:
        for part in self._parts:
            manifest = self._manifests.read(part)
            if manifest.uri_type is not self._uri_type:
                msg = f"{part.uri} lists a {manifest.uri_type.value}, others of its lot a {self._uri_type.value}"
                raise WorkloadError(msg, hint="write the source's lots with one 'uriType'")
            yield from manifest.uris
