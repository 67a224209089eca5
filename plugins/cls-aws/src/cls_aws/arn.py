"""Names of things in AWS: ARNs, and names made to fit what a service takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import Attribute, frozen

from clusterless.errors import InvalidValueError, cut
from clusterless.model.placement import Placement
from clusterless.runtime.fitting import fitted, staged

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*):(?P<account>\d{12})?:(?P<resource>.+)"
)
_SHOWN = 60
_LONGEST_BUCKET = 63
_LONGEST_NAME = 64 - len("-dead")  # what rules may be called, and less than queues may


@frozen(kw_only=True)
class Arn:
    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse_arn(text: str) -> Arn:
    """What an ARN tells.

    Raises:
        InvalidValueError: it is none.
    """
    match = _ARN.fullmatch(text)
    if not match:
        msg = f"{cut(repr(text), _SHOWN)} is not an ARN, such as 'arn:aws:sqs:us-west-2:123456789012:name'"
        raise InvalidValueError(msg)
    return Arn(**{key: value or "" for key, value in match.groupdict().items()})


def arn_of(service: str, resource: str) -> Callable[[object, Attribute[Any], str], None]:
    """A validator: an ARN of *service* in a region and an account, whose resource begins with *resource*."""

    def check(_: object, __: Attribute[Any], value: str) -> None:
        arn = parse_arn(value)
        if arn.service != service or not arn.region or not arn.account or not arn.resource.startswith(resource):
            example = f"arn:aws:{service}:us-west-2:123456789012:{resource}name"
            msg = f"{cut(repr(value), _SHOWN)} is not the ARN that is meant: use one such as {example!r}"
            raise InvalidValueError(msg)

    return check


def partition(region: str | None) -> str:
    """The partition that a region is in: ``aws``, ``aws-cn`` or ``aws-us-gov``."""
    for start, name in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if region and region.startswith(start):
            return name
    return "aws"


def subscriber_name(subscriber: str, placement: Placement) -> str:
    """What the queue of a *subscriber* to the placement's events is called, and the rule that feeds it."""
    return fitted(staged(placement, f"{subscriber}-events"), _LONGEST_NAME)


def check_bucket(name: str) -> None:
    """Refuse what cannot be the name of a bucket.

    Raises:
        InvalidValueError: it is too long, has capitals, or is otherwise not as S3 has it.
    """
    fits = re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) and ".." not in name
    if not fits or re.fullmatch(r"[\d.]+", name) or name.startswith("xn--") or name.endswith("-s3alias"):
        msg = f"{name!r} cannot be the name of a bucket"
        hint = f"use 3 to {_LONGEST_BUCKET} of a-z 0-9 - and begin and end with a letter or digit"
        raise InvalidValueError(msg, hint=hint)
