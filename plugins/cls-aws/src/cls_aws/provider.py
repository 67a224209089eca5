"""The provider behind `aws`: stores are buckets, events go over EventBridge to queues."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from cls_aws import identity
from cls_aws.arn import check_bucket, subscriber_name
from cls_aws.asked import asked
from cls_aws.bus import BusPublisher, pattern
from cls_aws.clients import client
from cls_aws.errors import asking, code
from cls_aws.notice_queue import SqsNotices
from cls_aws.notice_wiring import wire
from cls_aws.subscription import QueueSubscription, Subscriber, subscribe
from cls_aws.tags import tags
from clusterless import layout
from clusterless.engine.names import PlacementNames
from clusterless.errors import InvalidValueError, StoreRefusedError
from clusterless.model.dataset import Dataset
from clusterless.model.placement import Placement, bootstrap_command
from clusterless.model.project import Deployable
from clusterless.provider import StoreRoots, Subscription, Surroundings
from clusterless.runtime.noticed import Location
from clusterless.runtime.silence import NoSubscription

_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")


class AwsProvider:
    def complete(self, placement: Placement) -> Placement:
        """With the account and the region of the credentials, where they were left out.

        Raises:
            InvalidValueError: they are none, or there is no region.
        """
        placed = evolve(placement, region=placement.region or identity.region(placement))
        if not _REGION.fullmatch(placed.region or ""):
            msg = f"{placed.region!r} is not a region of AWS: use one such as 'us-west-2'"
            raise InvalidValueError(msg)
        placed = evolve(placed, account=placed.account or identity.account(placed))
        if not _ACCOUNT.fullmatch(placed.account or ""):
            msg = f"{placed.account!r} is not an account of AWS: it is 12 digits, zeros at its front included"
            raise InvalidValueError(msg)
        return placed

    def roots(self, placement: Placement, base: Path) -> StoreRoots:
        """The placement's buckets, which `cls bootstrap` has made.

        Raises:
            InvalidValueError: the stage makes names that no bucket can have.
        """
        names = layout.store_names(self.complete(placement))
        for name in names:
            check_bucket(name)
        metadata, arc_state, manifest = (f"s3://{name}/" for name in names)
        return StoreRoots(metadata=metadata, arc_state=arc_state, manifest=manifest)

    def publisher(self, surroundings: Surroundings) -> BusPublisher:
        placement = surroundings.placement
        return BusPublisher(client("events", placement), _bus(placement), surroundings.clock)

    def subscription(self, surroundings: Surroundings, subscriber: str, datasets: Sequence[Dataset]) -> Subscription:
        placement = surroundings.placement
        if not datasets:
            return NoSubscription()
        events, sqs = client("events", placement), client("sqs", placement)
        name = subscriber_name(subscriber, placement)
        bus, marks = _bus(placement), tags(surroundings.project, placement)

        def subscribed() -> Subscriber:
            return subscribe(events, sqs, bus, name, pattern(datasets), marks)

        return QueueSubscription(sqs, subscribed, surroundings.clock)

    def notices(self, surroundings: Surroundings, element: str, location: str) -> SqsNotices | None:
        """Those that EventBridge forwards, as to a boundary; see `clusterless.runtime.noticed.Noticing`."""
        if layout.scheme(location) != "s3":
            return None
        queue = wire(element, Location.of(location), surroundings)
        return SqsNotices(client("sqs", surroundings.placement), queue)

    def asked(self, placement: Placement) -> str:
        return asked(placement)

    def policy(self, deployables: Sequence[Deployable]) -> Any:
        from cls_aws.policy import policy

        return policy(deployables)


def _bus(placement: Placement) -> str:
    """The name of the placement's bus, which is there.

    Raises:
        StoreRefusedError: it is not, or the credentials are of another account.
    """
    from botocore.exceptions import ClientError

    identity.check_account(placement)
    name = PlacementNames(placement).bus
    with asking(f"the event bus {name}"):
        try:
            client("events", placement).describe_event_bus(Name=name)
        except ClientError as error:
            if code(error.response) != "ResourceNotFoundException":
                raise
            msg = f"there is no event bus {name}: the placement {placement.id} is not bootstrapped; {asked(placement)}"
            raise StoreRefusedError(msg, hint=bootstrap_command(placement)) from None
    return name
