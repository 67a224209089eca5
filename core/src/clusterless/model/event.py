"""Events: that a lot of a dataset is there. A hint: what is consumed is looked up."""

from __future__ import annotations

from attrs import frozen

from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot


@frozen(kw_only=True)
class Event:
    dataset: LocatedDataset
    lot: Lot
    manifest: str  # a URI
    revision: int = 0
