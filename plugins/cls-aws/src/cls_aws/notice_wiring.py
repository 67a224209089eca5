"""What makes S3 tell a queue of objects: made if it is not there, and put right if it was changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from cls_aws.arn import partition
from cls_aws.boundaries import Notices
from cls_aws.buckets import AskedBucket
from cls_aws.clients import client
from cls_aws.errors import code
from cls_aws.patience import patiently
from cls_aws.queue_policy import sending
from cls_aws.queues import Queue, allow, make_with_dead
from cls_aws.subscription import subscribe
from cls_aws.tags import tags
from clusterless.engine.names import ProjectNames
from clusterless.errors import ObjectMissingError, StoreRefusedError
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import Surroundings
from clusterless.runtime.fitting import fitted
from clusterless.runtime.noticed import Location

_log = logging.getLogger(__name__)

_LONGEST_NAME = 64 - len("-dead")  # of a rule, and of the queue for the dead
_TRIES = 5
_PAUSE = 1.0  # seconds until a bucket's configuration is looked at again

Configuration = dict[str, Any]
"""What a bucket tells of its objects, and to whom: everybody's, in one document that is replaced as a whole."""


def wire(
    element: str, location: Location, surroundings: Surroundings, notices: Notices = Notices.EVENT_BRIDGE
) -> Queue:
    """See to it that what is put at *location* is told to the queue of the *element*, and give that.

    Raises:
        StoreRefusedError: something of it may not be made, or the bucket is not where the placement is.
        StoreUnavailableError: AWS did not answer.
    """
    placement = surroundings.placement
    bucket = AskedBucket(client("s3", placement), location.bucket, surroundings.clock)
    _check_region(bucket, placement)
    name = queue_name(element, surroundings.project, placement)
    if notices is Notices.EVENT_BRIDGE:
        return _by_event_bridge(bucket, location, name, surroundings)
    return _by_the_bucket(bucket, location, name, surroundings)


def queue_name(element: str, project: Project, placement: Placement) -> str:
    """What the queue of an *element* is called, and the rule that feeds it."""
    return fitted(ProjectNames(project, placement).element(element), _LONGEST_NAME)


def pattern(location: Location) -> str:
    """The pattern of a rule for objects that are created at *location*: JSON text."""
    within = {"object": {"key": [{"prefix": location.prefix}]}} if location.prefix else {}
    detail = {"bucket": {"name": [location.bucket]}, **within}
    wanted = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    return json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))


def _check_region(bucket: AskedBucket, placement: Placement) -> None:
    try:
        region = bucket.do("head_bucket").get("BucketRegion")
    except ObjectMissingError:
        msg = f"there is no bucket {bucket.bucket}"
        raise StoreRefusedError(msg, hint="declare it as a resource, aws:core:s3Bucket, or check its name") from None
    if region and placement.region and region != placement.region:
        msg = (
            f"s3://{bucket.bucket}/ is in {region}, and tells nobody in {placement.region}, where the project is placed"
        )
        hint = f"place the project in {region}, or set the boundary's 'notices' to 'listing'"
        raise StoreRefusedError(msg, hint=hint)


def _by_event_bridge(bucket: AskedBucket, location: Location, name: str, around: Surroundings) -> Queue:
    events, sqs = client("events", around.placement), client("sqs", around.placement)
    marks = tags(around.project, around.placement)
    made = subscribe(events, sqs, "default", name, pattern(location), marks)
    _configure(bucket, forwarded)
    return made.queue


def _by_the_bucket(bucket: AskedBucket, location: Location, name: str, around: Surroundings) -> Queue:
    sqs = client("sqs", around.placement)
    queue, _ = make_with_dead(sqs, name, tags(around.project, around.placement))
    sender = f"arn:{partition(around.placement.region)}:s3:::{location.bucket}"
    allow(sqs, queue, [sending("s3.amazonaws.com", queue.arn, sender)])
    _configure(bucket, lambda found: notified(found, location.prefix, queue))
    return queue


# ---- a bucket's configuration ----------------------------------------------------------------------------------


def forwarded(found: Configuration) -> Configuration:
    """The configuration *found*, with all that happens to objects forwarded to EventBridge."""
    return {**found, "EventBridgeConfiguration": found.get("EventBridgeConfiguration", {})}


def notified(found: Configuration, prefix: str, queue: Queue) -> Configuration:
    """The configuration *found*, with *queue* told of what is put below *prefix*; what others are told stays."""
    ours: Configuration = {"Id": f"clusterless-{queue.name}", "QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}
    if prefix:
        ours["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
    there = found.get("QueueConfigurations", [])
    if any(_spelled(each) == _spelled(ours) for each in there):
        return found
    return {**found, "QueueConfigurations": [*(each for each in there if each.get("Id") != ours["Id"]), ours]}


def _spelled(each: Configuration) -> Configuration:
    """One entry in one spelling: S3 gives back the rules' names with a capital."""
    rules = each.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return {**each, "Filter": [(rule["Name"].lower(), rule["Value"]) for rule in rules]}


def _configure(bucket: AskedBucket, wanted: Callable[[Configuration], Configuration]) -> None:
    """Have the bucket's configuration be as *wanted* makes it of what is found.

    Another may replace it at the same time: so it is read again.
    """
    what, refused = f"what s3://{bucket.bucket}/ tells of its objects", ""
    for attempt in range(_TRIES + 1):
        found = dict(bucket.do("get_bucket_notification_configuration"))
        found.pop("ResponseMetadata", None)
        if (changed := wanted(found)) == found:
            return
        if attempt == _TRIES:
            break
        if attempt:
            bucket.clock.sleep(_PAUSE)
        refused = _put(bucket, changed, what)
        if not refused:
            _log.info("%s was changed, so that a queue of ours hears of them", what)
    msg = f"{what} cannot be set: {refused or 'somebody sets it otherwise, again and again'}"
    hint = "leave the boundary's 'notices' out: EventBridge has no objection to others that listen to the same objects"
    raise StoreRefusedError(msg, hint=hint)


def _put(bucket: AskedBucket, changed: Configuration, what: str) -> str:
    """Nothing, or why S3 objects: perhaps only as long as the policy of a new queue is not known everywhere."""
    from botocore.exceptions import ClientError

    def put() -> str:
        try:
            bucket.s3.put_bucket_notification_configuration(Bucket=bucket.bucket, NotificationConfiguration=changed)
        except ClientError as error:
            if code(error.response) != "InvalidArgument":
                raise
            return str(error)
        return ""

    return patiently(put, what, bucket.clock)
