"""What cls-azure answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clusterless.hookspecs import hookimpl

if TYPE_CHECKING:
    from clusterless.provider import (
        NotifierComponent,
        OpenStore,
        Provider,
        ProviderEntry,
        Publisher,
        StoreScheme,
        Surroundings,
    )


@hookimpl
def cls_providers() -> tuple[ProviderEntry, ...]:
    """Offers Microsoft Azure."""
    from clusterless.provider import ProviderEntry

    summary = "a storage account of Microsoft Azure (account), in a region"
    return (ProviderEntry(name="azure", summary=summary, load=_provider),)


@hookimpl
def cls_stores() -> tuple[StoreScheme, ...]:
    """Offers the objects of containers."""
    from clusterless.provider import StoreScheme

    return (StoreScheme(scheme="az", summary="objects of a container of a storage account", load=_container),)


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


def _container() -> OpenStore:
    from cls_azure.store import open_container

    return open_container


def _queue_notifier() -> Callable[[Any, Surroundings], Publisher]:
    from cls_azure.notifiers import QueuePublisher

    return QueuePublisher


def _grid_notifier() -> Callable[[Any, Surroundings], Publisher]:
    from cls_azure.notifiers import EventGridPublisher

    return EventGridPublisher
