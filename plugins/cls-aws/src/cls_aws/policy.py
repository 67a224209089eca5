"""The permissions that `cls run` needs for declared projects, as an IAM policy: values in, a policy out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from attrs import frozen

from cls_aws.activities import CloudWatchExport
from cls_aws.arcs import AthenaQueryArc, table_at
from cls_aws.arn import partition, subscriber_name
from cls_aws.boundaries import Notices, S3PutListenerBoundary
from cls_aws.components import (
    EventBridgeNotifier,
    EventBus,
    GlueDatabase,
    GlueTable,
    S3Bucket,
    SnsNotifier,
    SqsNotifier,
    SqsQueue,
)
from cls_aws.notice_wiring import queue_name
from clusterless import layout
from clusterless.engine.names import PlacementNames
from clusterless.engine.references import referred
from clusterless.model.element import Element
from clusterless.model.notifier import Notifier
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable
from clusterless.runtime.noticed import Location
from clusterless.runtime.reached import Heard, Post, Reached, all_reached

_READ: Final = ("s3:GetObject", "s3:GetObjectTagging")
_WRITE: Final = (*_READ, "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject", "s3:PutObjectTagging")
_LIST: Final = ("s3:GetBucketLocation", "s3:ListBucket")
_BUCKET: Final = (
    "s3:CreateBucket",
    "s3:GetBucketNotification",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:PutBucketNotification",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    *_LIST,
)
_RULE: Final = (
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:TagResource",
)
_MADE_QUEUE: Final = ("sqs:CreateQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:TagQueue")
_OWN_QUEUE: Final = (
    *_MADE_QUEUE,
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "sqs:SetQueueAttributes",
)
_SENT_QUEUE: Final = ("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage")
_TABLE: Final = (
    "glue:BatchCreatePartition",
    "glue:BatchGetPartition",
    "glue:CreatePartition",
    "glue:DeletePartition",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:GetTable",
)
_QUERIED: Final = (
    *_TABLE,
    "glue:CreateTable",
    "glue:DeleteTable",
    "glue:GetDatabase",
    "glue:GetTables",
    "glue:UpdateTable",
)
_QUERY: Final = (
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetWorkGroup",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)
_EXPORT: Final = ("logs:CreateExportTask", "logs:DescribeExportTasks")


@frozen
class Grant:
    """That *actions* may be done on *resources*, ARNs."""

    actions: Sequence[str]
    resources: Sequence[str]


def policy(deployables: Sequence[Deployable]) -> dict[str, Any]:
    """The least that ``cls run`` of *deployables*, whose placements are completed, is to be allowed on AWS.

    Those that are placed elsewhere may read datasets, hear of them, and keep objects here. Of a dataset that none of
    them writes, only the manifests are among it: where it lies is not known.
    """
    reached = all_reached(deployables, "s3:GetObject")
    grants = [grant for each in reached for grant in _Needs(each).all()]
    return {"Version": "2012-10-17", "Statement": [_statement(*merged) for merged in _merged(grants)]}


def _merged(grants: Iterable[Grant]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """One for each set of actions: its resources, each of them once."""
    by_actions: dict[tuple[str, ...], set[str]] = {}
    for grant in grants:
        by_actions.setdefault(tuple(sorted(grant.actions)), set()).update(grant.resources)
    for actions in sorted(by_actions):
        yield actions, sorted(by_actions[actions])


def _statement(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


@frozen
class _Needs:
    """What one deployable needs."""

    reached: Reached

    @property
    def deployable(self) -> Deployable:
        return self.reached.deployable

    @property
    def placement(self) -> Placement:
        return self.deployable.placement

    @property
    def is_here(self) -> bool:
        return self.placement.provider == "aws"

    def all(self) -> Iterator[Grant]:
        if self.is_here:
            yield from self._placement()
            for element in self.reached.elements:
                yield from self._element(element)
        yield from self._elsewhere()
        yield from self._objects()
        for each in self.reached.heard:
            if each.placement.provider == "aws":
                yield from self._subscription(each)
        for post in self.reached.posts("s3"):
            yield from self._post(post)

    def _placement(self) -> Iterator[Grant]:
        stores = [f"s3://{name}/" for name in layout.store_names(self.placement)]
        yield Grant(_WRITE, [self._objects_at(each) for each in stores])
        yield Grant(_LIST, [self._bucket_of(each) for each in stores])
        yield Grant(("events:DescribeEventBus", "events:PutEvents"), [self._bus(self.placement)])

    def _elsewhere(self) -> Iterator[Grant]:
        for placement in self.reached.elsewhere:
            if placement.provider != "aws":
                continue
            metadata, _, manifest = (f"s3://{name}/" for name in layout.store_names(placement))
            yield Grant(_READ, [self._objects_at(metadata), self._objects_at(manifest)])
            yield Grant(_LIST, [self._bucket_of(metadata), self._bucket_of(manifest)])

    def _objects(self) -> Iterator[Grant]:
        arriving, made = self.reached.arriving("s3"), self.reached.made("s3")
        yield from self._granted(_READ, arriving)
        yield from self._granted(_WRITE, made)
        if buckets := [self._bucket_of(each) for each in (*arriving, *made)]:
            yield Grant(_LIST, buckets)
        for uri in self.reached.made("glue"):
            yield self._catalog(_TABLE, table_at(uri).database, table_at(uri).name)

    def _granted(self, actions: Sequence[str], locations: Sequence[str]) -> Iterator[Grant]:
        if locations:
            yield Grant(actions, [self._objects_at(each) for each in locations])

    def _element(self, element: Element) -> Iterator[Grant]:
        match element:
            case S3Bucket():
                yield Grant(_BUCKET, [self._arn("s3", element.bucket_name)])
            case EventBus():
                yield Grant(
                    ("events:CreateEventBus", "events:TagResource"),
                    [self._arn("events", f"event-bus/{element.event_bus_name}")],
                )
            case SqsQueue():
                yield Grant(_MADE_QUEUE, [self._arn("sqs", element.queue_name)])
            case GlueDatabase():
                yield self._catalog(("glue:CreateDatabase", "glue:TagResource"), element.database_name)
            case GlueTable():
                database = referred(element.database_ref, self.deployable.resources)
                assert isinstance(database, GlueDatabase)
                yield self._catalog(("glue:CreateTable", "glue:GetTable"), database.database_name, element.table_name)
            case S3PutListenerBoundary():
                yield from self._listener(element)
            case AthenaQueryArc():
                yield from self._query(element)
            case CloudWatchExport():
                yield Grant(
                    _EXPORT, [self._arn("logs", f"log-group:{element.log_group_name}:*"), self._arn("logs", "*")]
                )
            case Notifier():
                yield from _announcing(element)

    def _listener(self, boundary: S3PutListenerBoundary) -> Iterator[Grant]:
        if boundary.by_listing:
            return
        yield from self._told(boundary.name, boundary.dataset.path_uri, boundary.notices)

    def _told(self, element: str, location: str, notices: Notices = Notices.EVENT_BRIDGE) -> Iterator[Grant]:
        queue = queue_name(element, self.deployable.project, self.placement)
        yield self._queues(queue, self.placement)
        told = ("s3:GetBucketNotification", "s3:PutBucketNotification")
        yield Grant(told, [self._bucket_of(location)])
        if notices is Notices.EVENT_BRIDGE:
            yield Grant(_RULE, [self._arn("events", f"rule/{queue}")])

    def _post(self, post: Post) -> Iterator[Grant]:
        if not post.element:
            yield Grant(("s3:PutObject",), [self._objects_at(post.location)])
            return
        yield Grant(_WRITE, [self._objects_at(post.location)])
        yield Grant(_LIST, [self._bucket_of(post.location)])
        if self.is_here:
            yield from self._told(post.element, post.location)

    def _query(self, arc: AthenaQueryArc) -> Iterator[Grant]:
        props = arc.workload.workload_props
        yield Grant(_QUERY, [self._arn("athena", f"workgroup/{props.work_group}")])
        yield self._catalog(_QUERIED, props.database, "*")
        if props.output_location:
            yield from self._granted(_WRITE, [props.output_location])
            yield Grant(_LIST, [self._bucket_of(props.output_location)])

    def _subscription(self, heard: Heard) -> Iterator[Grant]:
        there = heard.placement
        name = subscriber_name(heard.subscriber, there)
        yield self._queues(name, there)
        yield Grant(_RULE, [self._arn("events", f"rule/{PlacementNames(there).bus}/{name}", there)])
        if there != self.placement:
            yield Grant(("events:DescribeEventBus",), [self._bus(there)])

    def _queues(self, name: str, there: Placement) -> Grant:
        return Grant(_OWN_QUEUE, [self._arn("sqs", name, there), self._arn("sqs", f"{name}-dead", there)])

    def _catalog(self, actions: Sequence[str], database: str, table: str = "") -> Grant:
        names = ["catalog", f"database/{database}", *([f"table/{database}/{table}"] if table else [])]
        return Grant(actions, [self._arn("glue", name) for name in names])

    def _bus(self, there: Placement) -> str:
        return self._arn("events", f"event-bus/{PlacementNames(there).bus}", there)

    def _bucket_of(self, location: str) -> str:
        return self._arn("s3", Location.of(location).bucket)

    def _objects_at(self, location: str) -> str:
        found = Location.of(location)
        return self._arn("s3", f"{found.bucket}/{found.prefix}*")

    def _arn(self, service: str, resource: str, there: Placement | None = None) -> str:
        placement = there or self.placement
        place = ":" if service == "s3" else f"{placement.region}:{placement.account}"
        return f"arn:{partition(placement.region)}:{service}:{place}:{resource}"


def _announcing(notifier: Notifier) -> Iterator[Grant]:
    match notifier:
        case SnsNotifier():
            yield Grant(("sns:Publish",), [notifier.topic_arn])
        case SqsNotifier():
            yield Grant(_SENT_QUEUE, [notifier.queue_arn])
        case EventBridgeNotifier():
            yield Grant(("events:PutEvents",), [notifier.event_bus_arn])
