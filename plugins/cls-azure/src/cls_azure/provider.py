"""The provider behind `azure`: stores are containers of a storage account, events go to its queues."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from cls_azure import clients, events
from cls_azure.asked import asked
from cls_azure.event_grid import tell_of_lots
from cls_azure.names import check_container, fitted
from cls_azure.notice_queue import StorageNotices
from cls_azure.notice_wiring import wire_if_told
from cls_azure.notifiers import PlacementTopic
from cls_azure.settings import defaults, reach
from cls_azure.subscriptions import QueueSubscription, Subscriber, subscribe
from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import Dataset
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable
from clusterless.provider import Publisher, StoreRoots, Subscription, Surroundings
from clusterless.runtime.noticed import Location
from clusterless.runtime.silence import NoSubscription

_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_REGION = re.compile(r"[a-z]+[0-9]?[a-z]*")


class AzureProvider:
    def complete(self, placement: Placement) -> Placement:
        """With the storage account and the region that the settings or the environment name, where they were left out.

        Raises:
            InvalidValueError: they are none, or there are none.
        """
        found = defaults()
        placed = evolve(placement, account=placement.account or found.account, region=placement.region or found.region)
        if not placed.account:
            msg = "no storage account of Azure is given"
            hint = "write it as 'account' in the placement, or set AZURE_STORAGE_ACCOUNT"
            raise InvalidValueError(msg, hint=hint)
        if not placed.region:
            msg = "no region is given"
            hint = "write it as 'region' in the placement, or set AZURE_LOCATION, such as westeurope"
            raise InvalidValueError(msg, hint=hint)
        if not _ACCOUNT.fullmatch(placed.account):
            msg = f"{placed.account!r} is not a storage account: it is 3 to 24 of a-z 0-9"
            raise InvalidValueError(msg, hint="give the account's name, not its URL or the subscription's id")
        if not _REGION.fullmatch(placed.region):
            msg = f"{placed.region!r} is not a region of Azure: use one such as 'westeurope'"
            raise InvalidValueError(msg)
        return placed

    def asked(self, placement: Placement) -> str:
        return asked(placement)

    def roots(self, placement: Placement, base: Path) -> StoreRoots:
        """The placement's containers, which `cls bootstrap` has made.

        Raises:
            InvalidValueError: the stage makes names that no container can have.
        """
        names = layout.store_names(self.complete(placement))
        for name in names:
            check_container(name)
        metadata, arc_state, manifest = (f"az://{name}/" for name in names)
        return StoreRoots(metadata=metadata, arc_state=arc_state, manifest=manifest)

    def publisher(self, surroundings: Surroundings) -> Publisher:
        """Puts events into the queues of those who subscribe, or, where the settings name a topic, posts them there."""
        found = reach(surroundings.placement)
        if found.event_grid:
            return PlacementTopic(found, found.event_grid, surroundings)
        return events.QueuesPublisher(clients.queues(found), surroundings.placement)

    def subscription(self, surroundings: Surroundings, subscriber: str, datasets: Sequence[Dataset]) -> Subscription:
        if not datasets:
            return NoSubscription()
        placement = surroundings.placement
        found, name = reach(placement), subscriber_queue(placement, subscriber)

        def subscribed() -> Subscriber:
            made = subscribe(clients.queues(found), placement, name, datasets)
            if found.event_grid:
                tell_of_lots(found, name, datasets)
            return made

        return QueueSubscription(subscribed, frozenset(each.id for each in datasets), surroundings.clock)

    def notices(self, surroundings: Surroundings, element: str, location: str) -> StorageNotices | None:
        """Those of Event Grid, as to a boundary; see `clusterless.runtime.noticed.Noticing`."""
        if layout.scheme(location) != "az":
            return None
        queue = wire_if_told(element, Location.of(location), surroundings)
        return StorageNotices(queue, surroundings.clock) if queue else None

    def policy(self, deployables: Sequence[Deployable]) -> Any:
        from cls_azure.policy import policy

        return policy(deployables)


def subscriber_queue(placement: Placement, subscriber: str) -> str:
    """What the queue of the events for *subscriber* is called."""
    return fitted("-".join(part for part in (placement.stage, subscriber, "events") if part))
