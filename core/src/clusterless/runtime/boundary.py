"""A boundary as it is run: what is declared, with its stores and its arrivals at hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from attrs import define, field

from clusterless import layout
from clusterless.engine.schedule import Ticks
from clusterless.model.boundary import Booking, IngressBoundary
from clusterless.model.dataset import Dataset, LocatedDataset, Tenure
from clusterless.model.event import Event
from clusterless.model.project import Project
from clusterless.model.seal import Seal
from clusterless.provider import ArrivalSource
from clusterless.runtime.arc import Writer
from clusterless.runtime.cron import ticks_of
from clusterless.runtime.switches import ON, Switch
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import SealLedger, seals_of
from clusterless.store.manifests import Manifests


@define(kw_only=True, slots=False)
class RunningBoundary:
    """All that booking arrivals needs.

    *looked* is the store's time up to which all that arrived here is in the
    intake, where the source can know it. *last* is the number of the last seal known to be finished.
    """

    project: Project
    boundary: IngressBoundary
    state: ObjectStore
    manifests: Manifests
    source: ArrivalSource
    publish: Callable[[Event], None]
    writer: Writer
    tenure: Callable[[Dataset], Tenure] = field(default=lambda _dataset: Tenure())
    looked: datetime | None = None
    last: int = 0
    last_seal: Seal | None = None
    switch: Switch = ON
    label: str = ""

    @property
    def element(self) -> str:
        """What people are told of it by: *label*, else its project's name, and its own."""
        return f"{self.label or self.project.name}/{self.boundary.name}"

    def know(self, number: int, seal: Seal) -> None:
        """Remember that *seal* is finished."""
        self.last, self.last_seal = number, seal
        if self.looked is None:
            self.looked = seal.looked

    @cached_property
    def keys(self) -> layout.BoundaryKeys:
        return layout.BoundaryKeys(self.project, self.boundary.name)

    @cached_property
    def booking(self) -> Booking:
        return self.boundary.booking

    @cached_property
    def ticks(self) -> Ticks | None:
        """What comes due without any arrivals, for a boundary that is a clock."""
        return ticks_of(self.booking.schedule) if self.booking.schedule else None

    @cached_property
    def seals(self) -> SealLedger:
        return seals_of(self.state, self.keys)

    @property
    def dataset(self) -> LocatedDataset:
        return self.boundary.dataset.located

    def now(self) -> datetime:
        return self.state.now()
