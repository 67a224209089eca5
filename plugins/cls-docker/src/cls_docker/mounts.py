"""Which folders of this machine a container sees, so that ``file://`` URIs mean the same in it as here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from attrs import frozen

from cls_docker.client import HOST
from cls_docker.confinement import Volume, check_shown
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.provider import Work

_ENGINES = ("/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock")


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
        WorkloadError: a folder cannot be made, a volume is not there, or one of them leads to an engine or the kernel.
    """
    written = {path: _made(path) for path in _paths(_written(work))}
    read = {path: path for path in _paths(_read(work, partials)) if path not in written and os.path.isdir(path)}
    return (
        *(Mount(_real(source), path, read_only=True) for path, source in sorted(read.items())),
        *(Mount(_real(source), path, read_only=False) for path, source in sorted(written.items())),
        *shown(volumes),
    )


def shown(volumes: Iterable[Volume]) -> tuple[Mount, ...]:
    """The volumes that are declared.

    Raises:
        WorkloadError: one is not there, or leads to an engine or the kernel.
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
    return Mount(_real(volume.source), volume.target, volume.read_only)


def _real(path: str) -> str:
    """Where *path* leads to: links may have been set after it was declared, and the engine follows them as root."""
    real = os.path.realpath(path)
    try:
        check_shown(real, map(os.path.realpath, _sockets()))
    except InvalidValueError as error:
        msg = f"{path} is not mounted: {error.problem}"
        raise WorkloadError(msg, hint="name a folder of your own, with only what the container needs") from error
    return real


def _sockets() -> Iterator[str]:
    """Where engines of this machine listen."""
    yield from _ENGINES
    kind, _, path = os.environ.get(HOST, "").partition("://")
    if kind == "unix":
        yield path
