"""Whose credentials these are."""

from __future__ import annotations

from threading import Lock

from attrs import frozen

from cls_aws.clients import reached
from cls_aws.errors import asking
from cls_aws.settings import Reach, reach
from clusterless.errors import InvalidValueError, StoreRefusedError
from clusterless.model.placement import Placement


@frozen
class Caller:
    """Who asks: *arn* is a user, or a role that was assumed, of an *account*."""

    account: str
    arn: str


_known: dict[Reach, Caller] = {}
_knowing = Lock()


def region(placement: Placement) -> str:
    """The region that the environment, the settings or the profile name.

    Raises:
        InvalidValueError: none of them does.
    """
    found = reach(placement, "sts")
    if found.region:
        return found.region
    if named := _of_profile(found.profile):
        return named
    msg = "no region is given"
    hint = "write it as 'region' in the placement, or set AWS_REGION, such as us-west-2"
    raise InvalidValueError(msg, hint=hint)


def account(placement: Placement) -> str:
    """The account of the credentials that *placement*, which has a region, is reached with."""
    return caller(placement).account


def caller(placement: Placement) -> Caller:
    """Whose credentials *placement*, which has a region, is reached with; asked for once."""
    found = reach(placement, "sts")
    with _knowing:
        if found not in _known:
            with asking("AWS for the account of your credentials"):
                told = reached("sts", found).get_caller_identity()
                _known[found] = Caller(str(told["Account"]), str(told["Arn"]))
        return _known[found]


def check_account(placement: Placement) -> None:
    """Refuse credentials of another account than the placement's: a bus or a queue there would be another one.

    Raises:
        StoreRefusedError: they are.
    """
    own = caller(placement)
    if placement.account != own.account:
        msg = (
            f"the placement is in account {placement.account}, and these credentials are of account {own.account}"
            f" ({own.arn})"
        )
        hint = f"choose a profile (AWS_PROFILE), or set a role for {placement.id!r} in .clsconfig-aws"
        raise StoreRefusedError(msg, hint=hint)


def _of_profile(profile: str | None) -> str | None:
    import botocore.session

    with asking("AWS for the region of your profile"):
        found: str | None = botocore.session.Session(profile=profile).get_config_variable("region")
    return found
