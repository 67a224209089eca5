"""``aws:core:cloudWatchExport``: CloudWatch writes an interval's log events to a bucket.

An account has one export under way at a time. So each is named for its interval: one that an attempt began, and
did not see the end of, is found again, and not begun a second time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from cls_aws.activities import CloudWatchExport
from cls_aws.arn import partition
from cls_aws.clients import client
from cls_aws.components import S3Bucket
from cls_aws.errors import asking, code
from cls_aws.patience import patiently
from cls_aws.queue_policy import completed
from clusterless.engine.references import referred
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.placement import Placement
from clusterless.provider import Occasion, Surroundings
from clusterless.runtime.noticed import Location

_FIRST, _LONGEST = 3.0, 180.0  # seconds until it is asked again whether another export has ended
_LOOK = 1.0  # seconds between looks at one under way
_FAILED = {"CANCELLED", "FAILED", "PENDING_CANCEL"}
_TURN = 0.25  # seconds after which it is noticed that the attempt should be given up


class LogExport:
    def __init__(self, activity: CloudWatchExport, surroundings: Surroundings) -> None:
        self._activity = activity
        self._clock = surroundings.clock
        self._logs = client("logs", surroundings.placement)
        self._location = _location(activity, surroundings)

    def run(self, occasion: Occasion) -> str:
        """Export the log events of the interval, and wait for the end of that.

        Raises:
            WorkloadError: CloudWatch could not do it; or the time is over, and the export goes on without us.
        """
        task = self._begun(occasion) or self._begin(occasion)
        self._await(task, occasion)
        return f"{self._activity.log_group_name} to s3://{self._location.bucket}/{self._location.prefix}"

    def close(self) -> None:
        """Nothing is held."""

    def _name(self, occasion: Occasion) -> str:
        return f"export-{occasion.lot}"

    def _begun(self, occasion: Occasion) -> str:
        """The export of this interval that an earlier attempt began and that has not failed, or nothing."""
        found = (task for task in self._tasks() if self._is_ours(task, occasion))
        return next((task["taskId"] for task in found if task["status"]["code"] not in _FAILED), "")

    def _is_ours(self, task: dict[str, Any], occasion: Occasion) -> bool:
        told = ("taskName", "logGroupName", "destination", "destinationPrefix")
        ours = self._task(occasion)
        return all(task.get(name) == ours[name] for name in told)

    def _tasks(self) -> Iterator[dict[str, Any]]:
        with asking("CloudWatch Logs for its exports"):
            for page in self._logs.get_paginator("describe_export_tasks").paginate():
                yield from page["exportTasks"]

    def _begin(self, occasion: Occasion) -> str:
        """Begin the export, as soon as no other is under way in the account."""
        from botocore.exceptions import ClientError

        pause = _FIRST
        while True:
            with asking(f"the log group {self._activity.log_group_name}"):
                try:
                    return str(self._logs.create_export_task(**self._task(occasion))["taskId"])
                except ClientError as error:
                    if error.response["Error"]["Code"] != "LimitExceededException":
                        raise
            self._rest(pause, occasion, "another export of this account is under way")
            pause = min(2 * pause, _LONGEST)

    def _task(self, occasion: Occasion) -> dict[str, Any]:
        start, end = occasion.lot.start, occasion.lot.end - timedelta(milliseconds=1)
        streams = self._activity.log_stream_prefix
        return {
            "taskName": self._name(occasion),
            "logGroupName": self._activity.log_group_name,
            "fromTime": round(start.timestamp() * 1000),
            "to": round(end.timestamp() * 1000),
            "destination": self._location.bucket,
            "destinationPrefix": self._location.prefix.rstrip("/") or "exportedlogs",  # as it would be if left out
            **({"logStreamNamePrefix": streams} if streams else {}),
        }

    def _await(self, task: str, occasion: Occasion) -> None:
        while (status := self._status(task)).get("code") != "COMPLETED":
            if status.get("code") in _FAILED:
                reason = status.get("message", "no reason given")
                msg = f"the export {self._name(occasion)} {status['code'].lower()}: {reason}"
                raise WorkloadError(msg)
            self._rest(_LOOK, occasion, f"the export {self._name(occasion)} is under way")

    def _status(self, task: str) -> dict[str, Any]:
        with asking("CloudWatch Logs for its exports"):
            found = self._logs.describe_export_tasks(taskId=task)["exportTasks"]
        status: dict[str, Any] = found[0]["status"] if found else {}
        return status

    def _rest(self, seconds: float, occasion: Occasion, why: str) -> None:
        while seconds > 0:
            if occasion.stopping():
                msg = f"the attempt was stopped while {why}"
                raise WorkloadError(msg)
            self._clock.sleep(min(_TURN, seconds))
            seconds -= _TURN


def _location(activity: CloudWatchExport, surroundings: Surroundings) -> Location:
    """Where the log events go.

    Raises:
        InvalidValueError: what ``bucketRef`` names is no bucket.
    """
    if not activity.bucket_ref:
        return Location.of(activity.path_uri)
    bucket = referred(activity.bucket_ref, surroundings.resources)
    if not isinstance(bucket, S3Bucket):
        msg = f"{activity.bucket_ref!r}, the bucketRef of {activity.name}, is {bucket.type}, and no bucket"
        raise InvalidValueError(msg)
    location = Location(bucket.bucket_name, activity.path_uri.removeprefix("s3://").lstrip("/"))
    _let_in(activity, location, surroundings)
    return location


def _let_in(activity: CloudWatchExport, location: Location, surroundings: Surroundings) -> None:
    """Have the bucket's policy let CloudWatch write there; what others wrote in it stays."""
    from botocore.exceptions import ClientError

    placement = surroundings.placement
    s3, what = client("s3", placement), f"the policy of s3://{location.bucket}/"

    def look() -> str | None:
        try:
            return str(s3.get_bucket_policy(Bucket=location.bucket)["Policy"])
        except ClientError as error:
            if code(error.response) != "NoSuchBucketPolicy":
                raise
        return None

    wanted = exporting(activity.log_group_name, location, placement)
    policy = completed(patiently(look, what, surroundings.clock), wanted)
    if policy:
        put = partial(s3.put_bucket_policy, Bucket=location.bucket, Policy=policy.text)
        patiently(put, what, surroundings.clock)


def exporting(group: str, location: Location, placement: Placement) -> list[dict[str, Any]]:
    """The statements of a bucket's policy that let CloudWatch export the log *group* to *location*."""
    whole, region = partition(placement.region), placement.region
    bucket = f"arn:{whole}:s3:::{location.bucket}"
    groups = f"arn:{whole}:logs:{region}:{placement.account}:log-group:{group}:*"
    common = {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": placement.account},
            "ArnLike": {"aws:SourceArn": groups},
        },
    }
    named = hashlib.sha256(f"{group} {location.prefix}".encode()).hexdigest()[:8]
    return [
        {"Sid": f"clusterlessLogsLook{named}", **common, "Action": "s3:GetBucketAcl", "Resource": bucket},
        {
            "Sid": f"clusterlessLogsWrite{named}",
            **common,
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/{location.prefix}*",
        },
    ]
