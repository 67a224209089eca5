"""The provider behind `gcp`: stores are buckets, events go over a topic to subscriptions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from cls_gcp import clients, topics
from cls_gcp.events import TopicSubscription, subscribe
from cls_gcp.names import TopicName, bus, check_bucket, check_project, fitted, labels
from cls_gcp.notice_queue import PubSubNotices
from cls_gcp.notice_wiring import wire
from cls_gcp.settings import Reach, defaults, reach
from clusterless import layout
from clusterless.errors import InvalidValueError, StoreRefusedError
from clusterless.model.dataset import Dataset
from clusterless.model.placement import Placement, bootstrap_command
from clusterless.model.project import Deployable
from clusterless.provider import StoreRoots, Subscription, Surroundings
from clusterless.runtime.fitting import staged
from clusterless.runtime.noticed import Location
from clusterless.runtime.silence import NoSubscription

_REGION = re.compile(r"[a-z]+-[a-z]+\d+|us|eu|asia|[a-z]{3,4}\d+|eur4|nam4")


class GcpProvider:
    def complete(self, placement: Placement) -> Placement:
        """With the project and the region that the settings or the credentials name, where they were left out.

        Raises:
            InvalidValueError: they are none, or there are none.
        """
        placed = evolve(placement, region=placement.region or _region())
        if not _REGION.fullmatch(placed.region or ""):
            msg = f"{placed.region!r} is not a location of Google Cloud: use one such as 'europe-west1'"
            raise InvalidValueError(msg)
        placed = evolve(placed, account=placed.account or _project(reach(placed)))
        check_project(placed.account or "")
        return placed

    def roots(self, placement: Placement, base: Path) -> StoreRoots:
        """The placement's buckets, which `cls bootstrap` has made.

        Raises:
            InvalidValueError: the stage or the project make names that no bucket can have.
        """
        names = layout.store_names(self.complete(placement))
        for name in names:
            check_bucket(name)
        metadata, arc_state, manifest = (f"gs://{name}/" for name in names)
        return StoreRoots(metadata=metadata, arc_state=arc_state, manifest=manifest)

    def publisher(self, surroundings: Surroundings) -> topics.TopicPublisher:
        placement = surroundings.placement
        return topics.TopicPublisher(clients.publisher(reach(placement)), _bus(placement))

    def subscription(self, surroundings: Surroundings, subscriber: str, datasets: Sequence[Dataset]) -> Subscription:
        placement = surroundings.placement
        if not datasets:
            return NoSubscription()
        found = reach(placement)
        made = subscribe(
            clients.publisher(found),
            clients.subscriber(found),
            _bus(placement),
            fitted(staged(placement, f"{subscriber}-events")),
            topics.wanting(datasets),
            labels(surroundings.project, placement),
        )
        return TopicSubscription(made, frozenset(each.id for each in datasets), surroundings.clock)

    def notices(self, surroundings: Surroundings, element: str, location: str) -> PubSubNotices | None:
        """Those of the bucket, as to a boundary; see `clusterless.runtime.noticed.Noticing`."""
        if layout.scheme(location) != "gs":
            return None
        return PubSubNotices(wire(element, Location.of(location), surroundings))

    def policy(self, deployables: Sequence[Deployable]) -> Any:
        from cls_gcp.policy import policy

        return policy(deployables)


def _bus(placement: Placement) -> TopicName:
    """The topic of the placement's events, which is there.

    Raises:
        StoreRefusedError: it is not.
    """
    topic = bus(placement)
    if not topics.is_there(clients.publisher(reach(placement)), topic):
        msg = f"there is no topic {topic}: the placement {placement.id} is not bootstrapped"
        raise StoreRefusedError(msg, hint=bootstrap_command(placement))
    return topic


def _region() -> str:
    if named := defaults().region:
        return named
    msg = "no region is given"
    hint = "write it as 'region' in the placement, or set GOOGLE_CLOUD_REGION, such as europe-west1"
    raise InvalidValueError(msg, hint=hint)


def _project(found: Reach) -> str:
    if named := found.project or clients.default_project(found):
        return named
    msg = "no project of Google Cloud is given"
    hint = "write its id as 'account' in the placement, or set GOOGLE_CLOUD_PROJECT"
    raise InvalidValueError(msg, hint=hint)
