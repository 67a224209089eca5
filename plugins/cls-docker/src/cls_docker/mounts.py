"""Which folders of this machine a container sees, so that ``file://`` URIs mean the same in it as here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from attrs import frozen

from cls_docker.confinement import Volume
from clusterless.errors import WorkloadError
from clusterless.provider import Work


@frozen
class Mount:
    """*source* of this machine, at *target* of the container."""

    source: str
    target: str
    read_only: bool


def mounts(work: Work, volumes: Iterable[Volume], partials: Mapping[str, Sequence[str]]) -> tuple[Mount, ...]:
    """What an attempt needs to see: sources and their manifests to read, sinks and where manifests are staged to write.

    A path that is both is there to write. Folders to write to are made; a source's that is not there is left out.

    Raises:
        WorkloadError: a folder cannot be made, or a volume is not there.
    """
    written = {path: _made(path) for path in _paths(_written(work))}
    read = {path: path for path in _paths(_read(work, partials)) if path not in written and os.path.isdir(path)}
    return (
        *(Mount(os.path.realpath(source), path, read_only=True) for path, source in sorted(read.items())),
        *(Mount(os.path.realpath(source), path, read_only=False) for path, source in sorted(written.items())),
        *shown(volumes),
    )


def shown(volumes: Iterable[Volume]) -> tuple[Mount, ...]:
    """The volumes that are declared.

    Raises:
        WorkloadError: one is not there.
    """
    return tuple(map(_volume, volumes))


def _read(work: Work, partials: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for source in work.sources.values():
        yield from source.roots
        yield _folder_of(source.manifest_uri)
    for uris in partials.values():
        yield from map(_folder_of, uris)


def _written(work: Work) -> Iterator[str]:
    for sink in work.sinks.values():
        yield sink.dataset.path_uri
        yield _folder_of(_folder_of(sink.staging.replace("{lot}", str(work.lot)))[:-1])  # above ``state={state}/``


def _folder_of(uri: str) -> str:
    return uri[: uri.rfind("/") + 1]


def _paths(uris: Iterable[str]) -> Iterator[str]:
    """The folders of those that are on this machine; what lies elsewhere is reached over the network."""
    for uri in uris:
        parts = urlsplit(uri)
        if parts.scheme == "file":
            yield str(PurePosixPath(unquote(parts.path)))


def _made(path: str) -> str:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        msg = f"the folder {path} cannot be made: {error}"
        raise WorkloadError(msg) from error
    return path


def _volume(volume: Volume) -> Mount:
    if not os.path.exists(volume.source):
        msg = f"the volume {volume.source} is not there"
        raise WorkloadError(msg, hint="a volume is a folder or file of this machine that is there beforehand")
    return Mount(volume.source, volume.target, volume.read_only)
