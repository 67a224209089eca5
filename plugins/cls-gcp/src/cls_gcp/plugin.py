"""What cls-gcp answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clusterless.hookspecs import hookimpl

if TYPE_CHECKING:
    from clusterless.bootstrap import Bootstrap
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
    """Offers Google Cloud."""
    from cls_gcp.capabilities import CAPABILITIES
    from clusterless.provider import ProviderEntry

    summary = "a project of Google Cloud (account), in a location (region)"
    return (
        ProviderEntry(name="gcp", summary=summary, load=_provider, bootstrap=_bootstrap, capabilities=CAPABILITIES),
    )


@hookimpl
def cls_stores() -> tuple[StoreScheme, ...]:
    """Offers the objects of buckets."""
    from clusterless.provider import StoreScheme

    return (StoreScheme(scheme="gs", summary="objects of a bucket of Cloud Storage", load=_bucket),)


@hookimpl
def cls_resources() -> tuple[ResourceComponent, ...]:
    """Offers what a project may have Google Cloud keep for it."""
    from cls_gcp import components
    from clusterless.provider import ResourceComponent

    bucket, topic = "a bucket, closed to the public", "a topic of Pub/Sub"
    return (
        ResourceComponent(type="gcp:core:gcsBucket", model=components.GcsBucket, summary=bucket, load=_gcs_bucket),
        ResourceComponent(type="gcp:core:pubSubTopic", model=components.PubSubTopic, summary=topic, load=_topic),
    )


@hookimpl
def cls_boundaries() -> tuple[BoundaryComponent, ...]:
    """Offers the boundary of a bucket."""
    from cls_gcp.boundaries import GcsPutListenerBoundary
    from clusterless.provider import BoundaryComponent

    type_, summary = "gcp:core:gcsPutListenerBoundary", "books the objects that are put in a bucket"
    return (BoundaryComponent(type=type_, model=GcsPutListenerBoundary, summary=summary, load=_listener),)


@hookimpl
def cls_arcs() -> tuple[ArcComponent, ...]:
    """Offers what Google Cloud can make of lots."""
    from cls_gcp.cloud_run import CloudRunJobArc, container
    from cls_gcp.components import GcsCopyArc
    from clusterless.provider import ArcComponent

    copy, job = "gcp:core:gcsCopyArc", "gcp:core:cloudRunJobArc"
    runs = "runs a container for each lot"
    return (
        ArcComponent(type=copy, model=GcsCopyArc, summary="copies objects to places in buckets", load=_copy),
        ArcComponent(type=job, model=CloudRunJobArc, summary=runs, load=_job, container=container),
    )


@hookimpl
def cls_notifiers() -> tuple[NotifierComponent, ...]:
    """Offers whom Google Cloud can tell of committed lots."""
    from cls_gcp.components import PubSubNotifier
    from clusterless.provider import NotifierComponent

    type_, summary = "gcp:core:pubSubNotifier", "publishes events to a topic of Pub/Sub"
    return (NotifierComponent(type=type_, model=PubSubNotifier, summary=summary, load=_notifier),)


def _provider() -> Provider:
    from cls_gcp.provider import GcpProvider

    return GcpProvider()


def _bootstrap() -> Bootstrap:
    from cls_gcp.bootstrap import GcpBootstrap

    return GcpBootstrap()


def _bucket() -> OpenStore:
    from cls_gcp.store import open_bucket

    return open_bucket


def _gcs_bucket() -> Callable[[Any, Surroundings], None]:
    from cls_gcp.resources import make_declared_bucket

    return make_declared_bucket


def _topic() -> Callable[[Any, Surroundings], None]:
    from cls_gcp.resources import make_declared_topic

    return make_declared_topic


def _listener() -> Callable[[Any, Surroundings], ArrivalSource]:
    from cls_gcp.arrivals import open_listener

    return open_listener


def _copy() -> Callable[[Any, Surroundings], Workload]:
    from clusterless.runtime.copying import CopyWorkload

    return lambda arc, around: CopyWorkload(arc.workload.workload_props, around.open_store)


def _job() -> Callable[[Any, Surroundings], Workload]:
    from cls_gcp.executions import open_job

    return open_job


def _notifier() -> Callable[[Any, Surroundings], Publisher]:
    from cls_gcp.notifiers import PubSubPublisher

    return PubSubPublisher
