"""The provider behind `local`: stores and event queues below one root folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from clusterless import layout
from clusterless.builtin.folder_queue import FolderPublisher, FolderSubscription
from clusterless.model.dataset import Dataset
from clusterless.model.placement import Placement
from clusterless.provider import StoreRoots, Surroundings
from clusterless.runtime.clock import random_id
from clusterless.runtime.root import root_folder


class FolderProvider:
    """Keeps everything below ``$CLS_LOCAL_ROOT``, else the nearest folder ``.clusterless``.

    Nothing is made before something is written: the stores and queues make what they need.
    """

    def complete(self, placement: Placement) -> Placement:
        account, region = placement.account or "local", placement.region or "here"
        return evolve(placement, account=account, region=region)

    def roots(self, placement: Placement, base: Path) -> StoreRoots:
        root = root_folder(base).as_uri()
        metadata, arc_state, manifest = layout.store_names(self.complete(placement))
        return StoreRoots(
            metadata=f"{root}/{metadata}/", arc_state=f"{root}/{arc_state}/", manifest=f"{root}/{manifest}/"
        )

    def publisher(self, surroundings: Surroundings) -> FolderPublisher:
        return FolderPublisher(self._queues(surroundings), surroundings.clock, random_id)

    def subscription(
        self, surroundings: Surroundings, subscriber: str, datasets: Sequence[Dataset]
    ) -> FolderSubscription:
        return FolderSubscription(self._queues(surroundings), subscriber, datasets, surroundings.clock)

    def events(self, placement: Placement, base: Path) -> Path:
        """The folder of the placement's queues."""
        return root_folder(base) / "events" / _folder_name(self.complete(placement))

    def _queues(self, surroundings: Surroundings) -> Path:
        return self.events(surroundings.placement, surroundings.base)


def _folder_name(placement: Placement) -> str:
    # Not the id: its ":" is no file name everywhere, and its "null" could be a stage of that name.
    parts = (placement.provider, placement.stage, placement.account, placement.region)
    return ",".join(part or "" for part in parts)
