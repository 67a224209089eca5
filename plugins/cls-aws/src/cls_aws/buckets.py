"""``aws:core:s3Bucket``: made if it is not there, and given what it lacks of being safe."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from attrs import field, frozen

from cls_aws.arn import partition
from cls_aws.clients import client
from cls_aws.components import S3Bucket
from cls_aws.errors import code
from cls_aws.patience import patiently
from cls_aws.tags import listed, tags
from clusterless.errors import StoreRefusedError
from clusterless.model.placement import Placement
from clusterless.provider import Clock, Surroundings

_log = logging.getLogger(__name__)

T = TypeVar("T")

_ABSENT = {"404", "NoSuchBucket", "NotFound"}
_DEFAULT_REGION = "us-east-1"  # the one that must not be named
NOT_PUBLIC = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def make_bucket(resource: S3Bucket, surroundings: Surroundings) -> None:
    """Make the bucket if it is not there, and set what of it was never set; what somebody has set stays.

    Raises:
        StoreRefusedError: it belongs to someone else, or may not be made.
    """
    placement = surroundings.placement
    asked = AskedBucket(client("s3", placement), resource.bucket_name, surroundings.clock)
    if not asked.is_there(placement):
        asked.make(placement)
    marks = {**tags(surroundings.project, placement), **resource.tags}
    asked.where_absent("get_bucket_tagging", "NoSuchTagSet", "put_bucket_tagging", Tagging={"TagSet": listed(marks)})
    asked.where_absent(
        "get_public_access_block",
        "NoSuchPublicAccessBlockConfiguration",
        "put_public_access_block",
        PublicAccessBlockConfiguration=NOT_PUBLIC,
    )
    asked.where_absent(
        "get_bucket_encryption",
        "ServerSideEncryptionConfigurationNotFoundError",
        "put_bucket_encryption",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    policy = json.dumps(tls_only(f"arn:{partition(placement.region)}:s3:::{resource.bucket_name}"))
    asked.where_absent("get_bucket_policy", "NoSuchBucketPolicy", "put_bucket_policy", Policy=policy)
    if resource.versioned and asked.do("get_bucket_versioning").get("Status") != "Enabled":
        asked.do("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    if resource.enable_event_bridge:
        enable_event_bridge(asked.do)


def tls_only(bucket: Any) -> dict[str, Any]:
    """The policy of a bucket that is reached by TLS only; *bucket* is its ARN, in a template what gives it."""
    below: Any = {"Fn::Join": ["", [bucket, "/*"]]} if isinstance(bucket, dict) else f"{bucket}/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket, below],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def enable_event_bridge(do: Callable[..., Mapping[str, Any]]) -> None:
    """Have a bucket tell EventBridge of its objects; who else is told stays. *do* asks S3 of that bucket."""
    found = dict(do("get_bucket_notification_configuration"))
    found.pop("ResponseMetadata", None)
    if "EventBridgeConfiguration" not in found:
        configuration = {**found, "EventBridgeConfiguration": {}}
        do("put_bucket_notification_configuration", NotificationConfiguration=configuration)


@frozen
class AskedBucket:
    """S3 (the SDK's client), asked of one *bucket*, and again where it could not answer."""

    s3: Any = field(repr=False)
    bucket: str
    clock: Clock = field(repr=False)

    def do(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        ask: Callable[[], Mapping[str, Any]] = partial(getattr(self.s3, operation), Bucket=self.bucket, **arguments)
        return self._patiently(ask)

    def where_absent(self, look: str, absent: str, make: str, **arguments: Any) -> None:
        """Do *make* where *look* is answered with the error *absent*."""
        from botocore.exceptions import ClientError

        def is_absent() -> bool:
            try:
                getattr(self.s3, look)(Bucket=self.bucket)
            except ClientError as error:
                if code(error.response) == absent:
                    return True
                raise
            return False

        if self._patiently(is_absent):
            self.do(make, **arguments)

    def is_there(self, placement: Placement) -> bool:
        """Whether the bucket is there, and the placement's account has it.

        Raises:
            StoreRefusedError: somebody else has it.
        """
        from botocore.exceptions import ClientError

        def look() -> bool:
            try:
                self.s3.head_bucket(Bucket=self.bucket, ExpectedBucketOwner=placement.account)
            except ClientError as error:
                if code(error.response) in _ABSENT:
                    return False
                if code(error.response) in {"403", "AccessDenied"}:
                    msg = f"the bucket {self.bucket} is not of account {placement.account}, or closed to you"
                    hint = "bucket names are the whole world's: choose another, such as one with your account in it"
                    raise StoreRefusedError(msg, hint=hint) from error
                raise
            return True

        return self._patiently(look)

    def make(self, placement: Placement) -> None:
        from botocore.exceptions import ClientError

        place = {} if placement.region == _DEFAULT_REGION else {"LocationConstraint": placement.region}
        where = {"CreateBucketConfiguration": place} if place else {}

        def create() -> None:
            try:
                self.s3.create_bucket(Bucket=self.bucket, **where)
            except ClientError as error:
                if code(error.response) == "BucketAlreadyOwnedByYou":
                    return
                if code(error.response) == "BucketAlreadyExists":
                    msg = f"the bucket {self.bucket} belongs to someone else"
                    raise StoreRefusedError(
                        msg, hint="choose another name, such as one with your account in it"
                    ) from error
                raise

        self._patiently(create)
        _log.info("made the bucket %s", self.bucket)

    def _patiently(self, ask: Callable[[], T]) -> T:
        return patiently(ask, f"s3://{self.bucket}/", self.clock)
