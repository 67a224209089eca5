"""Whom AWS was asked for a placement that is not there: the account, the region, the credentials, and what is there."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from cls_aws import identity
from cls_aws.clients import client
from cls_aws.errors import asking
from clusterless import layout
from clusterless.errors import ClsError
from clusterless.model.placement import Placement

_NAMED = 3  # placements


def asked(placement: Placement) -> str:
    """Which account was asked, where and as whom, and which placements there differ from *placement* in one thing.

    Raises:
        StoreRefusedError: the credentials are of another account than the placement.
    """
    identity.check_account(placement)
    caller = identity.caller(placement)
    told = f"account {caller.account} was asked, in {placement.region}, as {caller.arn}"
    others: list[tuple[str, str]] = []
    with suppress(ClsError):  # to list buckets may not be allowed
        others = [(what, each.id) for each in _there(placement) if (what := _differs(each, placement))]
    named = [f"{id_} ({what})" for what, id_ in sorted(others)[:_NAMED]]  # of the same stage first
    return f"{told}; it has {', '.join(named)}" if named else told


def _there(placement: Placement) -> Collection[Placement]:
    with asking("AWS for your buckets"):
        names = [each["Name"] for each in client("s3", placement).list_buckets()["Buckets"]]
    return layout.placements_named("aws", names).values()


def _differs(other: Placement, placement: Placement) -> str:
    """What *other* differs in, where that is one thing."""
    stage = placement.stage.lower() if placement.stage else None
    is_same_stage = other.stage == stage
    if other.account != placement.account or is_same_stage == (other.region == placement.region):
        return ""
    return "another region" if is_same_stage else "another stage"
