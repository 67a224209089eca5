"""What cls-aws answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from clusterless.hookspecs import hookimpl

if TYPE_CHECKING:
    from cls_aws.boundaries import S3PutListenerBoundary
    from clusterless.bootstrap import Bootstrap
    from clusterless.model.placement import Placement
    from clusterless.provider import (
        ActivityComponent,
        ArcComponent,
        ArrivalSource,
        BoundaryComponent,
        NotifierComponent,
        OpenStore,
        Provider,
        ProviderEntry,
        Publisher,
        Redrivable,
        ResourceComponent,
        RunnableActivity,
        StoreScheme,
        Surroundings,
        Workload,
    )


@hookimpl
def cls_providers() -> tuple[ProviderEntry, ...]:
    """Offers AWS."""
    from cls_aws.capabilities import CAPABILITIES
    from clusterless.provider import ProviderEntry

    summary = "an account of Amazon Web Services, in a region"
    return (
        ProviderEntry(name="aws", summary=summary, load=_provider, bootstrap=_bootstrap, capabilities=CAPABILITIES),
    )


@hookimpl
def cls_stores() -> tuple[StoreScheme, ...]:
    """Offers the objects of buckets."""
    from clusterless.provider import StoreScheme

    return (
        StoreScheme(
            scheme="s3",
            summary="objects of an S3 bucket, or of what speaks its protocol",
            load=_bucket,
            variables=_way_to_buckets,
        ),
        StoreScheme(scheme="glue", summary="partitions of a table of the Glue catalog", load=_table),
    )


@hookimpl
def cls_resources() -> tuple[ResourceComponent, ...]:
    """Offers what a project may have AWS keep for it."""
    from cls_aws import components
    from clusterless.provider import ResourceComponent

    return tuple(
        ResourceComponent(type=f"aws:core:{name}", model=model, summary=summary, load=load)
        for name, model, summary, load in (
            ("s3Bucket", components.S3Bucket, "a bucket, closed to the public", _s3_bucket),
            ("computeEnvironment", components.ComputeEnvironment, "where AWS Batch runs containers", _left_to_deploy),
            ("eventBus", components.EventBus, "an event bus", _event_bus),
            ("sqsQueue", components.SqsQueue, "a queue", _sqs_queue),
            ("glueDatabase", components.GlueDatabase, "a database of the Glue catalog", _glue_database),
            ("glueTable", components.GlueTable, "a table of the Glue catalog", _glue_table),
        )
    )


@hookimpl
def cls_notifiers() -> tuple[NotifierComponent, ...]:
    """Offers whom AWS can tell of committed lots."""
    from cls_aws import components
    from clusterless.provider import NotifierComponent

    return tuple(
        NotifierComponent(type=f"aws:core:{name}", model=model, summary=summary, load=load)
        for name, model, summary, load in (
            ("snsNotifier", components.SnsNotifier, "publishes events to an SNS topic", _sns),
            ("sqsNotifier", components.SqsNotifier, "sends events to an SQS queue", _sqs),
            ("eventBridgeNotifier", components.EventBridgeNotifier, "puts events on another bus", _event_bridge),
        )
    )


@hookimpl
def cls_arcs() -> tuple[ArcComponent, ...]:
    """Offers what AWS can make of lots."""
    from cls_aws import arcs
    from cls_aws.batch import BatchExecArc, container
    from clusterless.provider import ArcComponent

    type_, summary = "aws:core:batchExecArc", "runs a container for each lot"
    batch = ArcComponent(type=type_, model=BatchExecArc, summary=summary, load=_batch, container=container)
    others = (
        ("s3CopyArc", arcs.S3CopyArc, "copies objects to places in buckets", _s3_copy),
        ("glueAddPartitionsArc", arcs.GlueAddPartitionsArc, "adds folders to a table as partitions", _glue_partitions),
        ("athenaQueryArc", arcs.AthenaQueryArc, "has Athena query each lot", _athena),
    )
    return (
        batch,
        *(
            ArcComponent(type=f"aws:core:{name}", model=model, summary=summary, load=load)
            for name, model, summary, load in others
        ),
    )


@hookimpl
def cls_activities() -> tuple[ActivityComponent, ...]:
    """Offers what AWS can do on a clock."""
    from cls_aws.activities import CloudWatchExport
    from clusterless.provider import ActivityComponent

    type_, summary = "aws:core:cloudWatchExport", "has CloudWatch write log events to a bucket"
    return (ActivityComponent(type=type_, model=CloudWatchExport, summary=summary, load=_log_export),)


@hookimpl
def cls_boundaries() -> tuple[BoundaryComponent, ...]:
    """Offers the boundary of a bucket."""
    from cls_aws.boundaries import S3PutListenerBoundary
    from clusterless.provider import BoundaryComponent

    type_, summary = "aws:core:s3PutListenerBoundary", "books the objects that are put in a bucket"
    return (BoundaryComponent(type=type_, model=S3PutListenerBoundary, summary=summary, load=_listener, aside=_aside),)


def _listener() -> Callable[[S3PutListenerBoundary, Surroundings], ArrivalSource]:
    from cls_aws.arrivals import open_listener

    return open_listener


def _aside() -> Callable[[S3PutListenerBoundary, Surroundings], Redrivable]:
    from cls_aws.arrivals import open_aside

    return open_aside


def _bucket() -> OpenStore:
    from cls_aws.store import open_bucket

    return open_bucket


def _way_to_buckets(placement: Placement | None) -> Mapping[str, str]:
    from cls_aws.settings import variables

    return variables(placement)


def _table() -> OpenStore:
    from cls_aws.table_store import open_table

    return open_table


def _bootstrap() -> Bootstrap:
    from cls_aws.bootstrap import AwsBootstrap

    return AwsBootstrap()


def _provider() -> Provider:
    from cls_aws.provider import AwsProvider

    return AwsProvider()


def _s3_bucket() -> Callable[[Any, Surroundings], None]:
    from cls_aws.buckets import make_bucket

    return make_bucket


def _left_to_deploy() -> Callable[[Any, Surroundings], None]:
    from cls_aws.resources import leave_to_deploy

    return leave_to_deploy


def _event_bus() -> Callable[[Any, Surroundings], None]:
    from cls_aws.resources import make_bus

    return make_bus


def _sqs_queue() -> Callable[[Any, Surroundings], None]:
    from cls_aws.resources import make_declared_queue

    return make_declared_queue


def _glue_database() -> Callable[[Any, Surroundings], None]:
    from cls_aws.catalog import make_database

    return make_database


def _glue_table() -> Callable[[Any, Surroundings], None]:
    from cls_aws.catalog import make_table

    return make_table


def _sns() -> Callable[[Any, Surroundings], Publisher]:
    from cls_aws.notifiers import TopicPublisher

    return TopicPublisher


def _sqs() -> Callable[[Any, Surroundings], Publisher]:
    from cls_aws.notifiers import QueuePublisher

    return QueuePublisher


def _event_bridge() -> Callable[[Any, Surroundings], Publisher]:
    from cls_aws.notifiers import bus_publisher

    return bus_publisher


def _s3_copy() -> Callable[[Any, Surroundings], Workload]:
    from clusterless.runtime.copying import CopyWorkload

    return lambda arc, around: CopyWorkload(arc.workload.workload_props, around.open_store)


def _glue_partitions() -> Callable[[Any, Surroundings], Workload]:
    from cls_aws.glue_partitions import GluePartitions

    return GluePartitions


def _athena() -> Callable[[Any, Surroundings], Workload]:
    from cls_aws.athena import AthenaQuery

    return AthenaQuery


def _log_export() -> Callable[[Any, Surroundings], RunnableActivity]:
    from cls_aws.log_export import LogExport

    return LogExport


def _batch() -> Callable[[Any, Surroundings], Workload]:
    from cls_aws.batch import without_engine

    return without_engine
