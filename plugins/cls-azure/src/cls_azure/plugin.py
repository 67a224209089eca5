"""What cls-azure answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from clusterless.hookspecs import hookimpl

if TYPE_CHECKING:
    from clusterless.bootstrap import Bootstrap
    from clusterless.model.placement import Placement
    from clusterless.provider import (
        ArcComponent,
        ArrivalSource,
        BoundaryComponent,
        NotifierComponent,
        OpenStore,
        Provider,
        ProviderEntry,
        Publisher,
        ResourceComponent,
        StoreScheme,
        Surroundings,
        Workload,
    )


@hookimpl
def cls_providers() -> tuple[ProviderEntry, ...]:
    """Offers Microsoft Azure."""
    from cls_azure.capabilities import CAPABILITIES
    from clusterless.provider import ProviderEntry

    summary = "a storage account of Microsoft Azure (account), in a region"
    return (
        ProviderEntry(name="azure", summary=summary, load=_provider, bootstrap=_bootstrap, capabilities=CAPABILITIES),
    )


@hookimpl
def cls_stores() -> tuple[StoreScheme, ...]:
    """Offers the objects of containers."""
    from clusterless.provider import StoreScheme

    summary = "objects of a container of a storage account"
    return (StoreScheme(scheme="az", summary=summary, load=_container, variables=_way_to_containers),)


@hookimpl
def cls_resources() -> tuple[ResourceComponent, ...]:
    """Offers what a project may have a storage account keep for it."""
    from cls_azure import components
    from clusterless.provider import ResourceComponent

    container, queue = "azure:core:blobContainer", "azure:core:storageQueue"
    closed, told = "a container, closed to the public", "a queue of Storage Queues"
    return (
        ResourceComponent(type=container, model=components.BlobContainer, summary=closed, load=_declared_container),
        ResourceComponent(type=queue, model=components.StorageQueue, summary=told, load=_declared_queue),
    )


@hookimpl
def cls_boundaries() -> tuple[BoundaryComponent, ...]:
    """Offers the boundary of a container."""
    from cls_azure.boundaries import BlobPutListenerBoundary
    from clusterless.provider import BoundaryComponent

    type_, summary = "azure:core:blobPutListenerBoundary", "books the blobs that are put in a container"
    return (BoundaryComponent(type=type_, model=BlobPutListenerBoundary, summary=summary, load=_listener),)


@hookimpl
def cls_arcs() -> tuple[ArcComponent, ...]:
    """Offers what Azure can make of lots."""
    from cls_azure.components import BlobCopyArc
    from cls_azure.container_apps import ContainerAppsJobArc, container
    from clusterless.provider import ArcComponent

    copy, copies = "azure:core:blobCopyArc", "copies objects to places in containers"
    job, runs = "azure:core:containerAppsJobArc", "runs a container for each lot"
    return (
        ArcComponent(type=copy, model=BlobCopyArc, summary=copies, load=_copy),
        ArcComponent(type=job, model=ContainerAppsJobArc, summary=runs, load=_job, container=container),
    )


@hookimpl
def cls_notifiers() -> tuple[NotifierComponent, ...]:
    """Offers whom Azure can tell of committed lots."""
    from cls_azure import components
    from clusterless.provider import NotifierComponent

    queue, grid = "azure:core:storageQueueNotifier", "azure:core:eventGridNotifier"
    puts, posts = "puts events into a queue", "posts events to a topic of Event Grid"
    return (
        NotifierComponent(type=queue, model=components.StorageQueueNotifier, summary=puts, load=_queue_notifier),
        NotifierComponent(type=grid, model=components.EventGridNotifier, summary=posts, load=_grid_notifier),
    )


def _provider() -> Provider:
    from cls_azure.provider import AzureProvider

    return AzureProvider()


def _bootstrap() -> Bootstrap:
    from cls_azure.bootstrap import AzureBootstrap

    return AzureBootstrap()


def _container() -> OpenStore:
    from cls_azure.store import open_container

    return open_container


def _way_to_containers(placement: Placement | None) -> Mapping[str, str]:
    from cls_azure.settings import variables

    return variables(placement)


def _declared_container() -> Callable[[Any, Surroundings], None]:
    from cls_azure.resources import make_declared_container

    return make_declared_container


def _declared_queue() -> Callable[[Any, Surroundings], None]:
    from cls_azure.resources import make_declared_queue

    return make_declared_queue


def _listener() -> Callable[[Any, Surroundings], ArrivalSource]:
    from cls_azure.arrivals import open_listener

    return open_listener


def _copy() -> Callable[[Any, Surroundings], Workload]:
    from clusterless.runtime.copying import CopyWorkload

    return lambda arc, around: CopyWorkload(arc.workload.workload_props, around.open_store)


def _job() -> Callable[[Any, Surroundings], Workload]:
    from cls_azure.executions import open_job

    return open_job


def _queue_notifier() -> Callable[[Any, Surroundings], Publisher]:
    from cls_azure.notifiers import QueuePublisher

    return QueuePublisher


def _grid_notifier() -> Callable[[Any, Surroundings], Publisher]:
    from cls_azure.notifiers import EventGridPublisher

    return EventGridPublisher
