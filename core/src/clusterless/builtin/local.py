"""The `local` provider: folders of this machine, or of a disk that machines share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from clusterless.builtin.folder_components import FolderResource, PutListenerBoundary
from clusterless.hookspecs import hookimpl
from clusterless.provider import (
    ArrivalSource,
    BoundaryComponent,
    Provider,
    ProviderEntry,
    ResourceComponent,
    StoreScheme,
    Surroundings,
)

if TYPE_CHECKING:
    from clusterless.store.api import ObjectStore


@hookimpl
def cls_providers() -> Iterable[ProviderEntry]:
    return [ProviderEntry(name="local", summary="folders of this machine; needs no service", load=_provider)]


@hookimpl
def cls_stores() -> Iterable[StoreScheme]:
    return [
        StoreScheme(scheme="file", summary="files below a folder", load=_files),
        StoreScheme(scheme="memory", summary="objects in this process, for trying things out", load=_memory),
    ]


@hookimpl
def cls_resources() -> Iterable[ResourceComponent]:
    summary = "makes a folder"
    return [ResourceComponent(type="local:core:folder", model=FolderResource, summary=summary, load=_folder)]


@hookimpl
def cls_boundaries() -> Iterable[BoundaryComponent]:
    type_, summary = "local:core:putListenerBoundary", "books the files that are put in a folder"
    return [BoundaryComponent(type=type_, model=PutListenerBoundary, summary=summary, load=_listener)]


def _provider() -> Provider:
    from clusterless.builtin.folder_provider import FolderProvider

    return FolderProvider()


def _files() -> Callable[[str], ObjectStore]:
    from clusterless.store.files import FileStore

    return FileStore


def _memory() -> Callable[[str], ObjectStore]:
    from clusterless.store.memory import open_memory

    return open_memory


def _folder() -> Callable[[FolderResource, Surroundings], None]:
    from clusterless.builtin.folder_resource import make_folder

    return make_folder


def _listener() -> Callable[[PutListenerBoundary, Surroundings], ArrivalSource]:
    from clusterless.builtin.folder_listener import open_listener

    return open_listener
