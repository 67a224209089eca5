"""How AWS is reached: what ``.clsconfig-aws`` and the environment say for a placement.

.. code-block:: toml

    profile = "work"                                  # for all

    [placements."aws:dev:123456789012:us-west-2"]     # for the placement of this id, over the environment
    role = "arn:aws:iam::123456789012:role/pipelines"
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import Attribute, Factory, field, frozen

from cls_aws.arn import parse_arn
from clusterless.errors import InvalidValueError
from clusterless.model.placement import Placement
from clusterless.runtime.settings import provider_settings

# The services whose variables are not named for what the SDK calls them: the reference system's name, and the SDK's.
_VARIABLES = {"events": ("EVENTS", "EVENTBRIDGE"), "logs": ("CLOUDWATCHLOGS", "CLOUDWATCH_LOGS")}


def _is_a_role(_: object, __: Attribute[str | None], value: str | None) -> None:
    if value is not None:
        arn = parse_arn(value)
        if arn.service != "iam" or not arn.resource.startswith("role/"):
            msg = f"{value!r} is not the ARN of a role, such as 'arn:aws:iam::123456789012:role/name'"
            raise InvalidValueError(msg)


@frozen(kw_only=True)
class Reach:
    """Where requests go, and as whom; what is None is for the SDK to find as it always does.

    *endpoint* is a URL, *profile* one of ``~/.aws/config``, *role* the ARN of a role to assume with its credentials.
    """

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    role: str | None = field(default=None, validator=_is_a_role)


@frozen(kw_only=True)
class AwsSettings:
    """``.clsconfig-aws``: for all, and by a placement's id. *cdk* is the reference system's own, and not ours."""

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    role: str | None = field(default=None, validator=_is_a_role)
    placements: Mapping[str, Reach] = Factory(dict)
    cdk: Mapping[str, Any] = Factory(dict)


def reach(placement: Placement | None, service: str = "s3") -> Reach:
    """How *placement* reaches *service* (as the SDK names it); another provider's, or None, by what holds for all.

    What is set for the placement counts first, then the environment, then what is set for all.

    Raises:
        MalformedError: a ``.clsconfig-aws`` is no TOML, or sets what there is not.
    """
    settings = provider_settings("aws", AwsSettings)
    own, region = Reach(), None
    if placement and placement.provider == "aws":
        own, region = settings.placements.get(placement.id, own), placement.region
    return Reach(
        endpoint=own.endpoint or _set(_endpoints(service)) or settings.endpoint,
        region=own.region or region or _set(("AWS_REGION", "AWS_DEFAULT_REGION")) or settings.region,
        profile=own.profile or _set(("AWS_PROFILE", "AWS_DEFAULT_PROFILE")) or settings.profile,
        role=own.role or settings.role,
    )


def variables(placement: Placement | None) -> dict[str, str]:
    """What leads a program to the buckets that *placement* reaches, by its SDK of AWS or the reference system's.

    Raises:
        MalformedError: see `reach`.
    """
    found = reach(placement)
    told = {"AWS_ENDPOINT_URL_S3": found.endpoint, "AWS_S3_ENDPOINT": found.endpoint}
    told |= {"AWS_REGION": found.region, "AWS_DEFAULT_REGION": found.region}
    return {name: value for name, value in told.items() if value}


def _endpoints(service: str) -> Iterator[str]:
    theirs, sdks = _VARIABLES.get(service, (service.upper(), service.upper()))
    yield f"AWS_{theirs}_ENDPOINT"
    yield f"AWS_ENDPOINT_URL_{sdks}"
    yield "AWS_ENDPOINT_URL"


def _set(names: Iterator[str] | tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)
