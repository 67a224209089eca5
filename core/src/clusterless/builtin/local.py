"""The `local` provider: folders of this machine, or of a disk that machines share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from clusterless.hookspecs import hookimpl

# What is declared is imported with the answer that describes it: `cls --help` needs none of it.
if TYPE_CHECKING:
    from clusterless.bootstrap import Bootstrap
    from clusterless.builtin.folder_components import FolderResource, PutListenerBoundary
    from clusterless.provider import (
        ArrivalSource,
        BoundaryComponent,
        OpenStore,
        Provider,
        ProviderEntry,
        ResourceComponent,
        StoreScheme,
        Surroundings,
    )


@hookimpl
def cls_providers() -> Iterable[ProviderEntry]:
    from clusterless.builtin.folder_capabilities import CAPABILITIES
    from clusterless.provider import ProviderEntry

    summary = "folders of this machine; needs no service"
    return [
        ProviderEntry(name="local", summary=summary, load=_provider, bootstrap=_bootstrap, capabilities=CAPABILITIES)
    ]


@hookimpl
def cls_stores() -> Iterable[StoreScheme]:
    from clusterless.provider import StoreScheme

    return [
        StoreScheme(scheme="file", summary="files below a folder", load=_files),
        StoreScheme(scheme="memory", summary="objects in this process, for trying things out", load=_memory),
    ]


@hookimpl
def cls_resources() -> Iterable[ResourceComponent]:
    from clusterless.builtin.folder_components import FolderResource
    from clusterless.provider import ResourceComponent

    summary = "makes a folder"
    return [ResourceComponent(type="local:core:folder", model=FolderResource, summary=summary, load=_folder)]


@hookimpl
def cls_boundaries() -> Iterable[BoundaryComponent]:
    from clusterless.builtin.folder_components import PutListenerBoundary
    from clusterless.provider import BoundaryComponent

    type_, summary = "local:core:putListenerBoundary", "books the files that are put in a folder"
    return [BoundaryComponent(type=type_, model=PutListenerBoundary, summary=summary, load=_listener)]


def _provider() -> Provider:
    from clusterless.builtin.folder_provider import FolderProvider

    return FolderProvider()


def _bootstrap() -> Bootstrap:
    from clusterless.builtin.folder_bootstrap import FolderBootstrap

    return FolderBootstrap()


def _files() -> OpenStore:
    from clusterless.store.files import FileStore

    return lambda root, _: FileStore(root)


def _memory() -> OpenStore:
    from clusterless.store.memory import open_memory

    return lambda root, _: open_memory(root)


def _folder() -> Callable[[FolderResource, Surroundings], None]:
    from clusterless.builtin.folder_resource import make_folder

    return make_folder


def _listener() -> Callable[[PutListenerBoundary, Surroundings], ArrivalSource]:
    from clusterless.builtin.folder_listener import open_listener

    return open_listener
