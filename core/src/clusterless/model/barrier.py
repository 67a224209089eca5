"""Barriers: datasets made of what other datasets list, lot by lot."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen
from attrs.validators import gt, le

from clusterless.model.arc import Arc, Retry, check_sources
from clusterless.model.dataset import JoinedDataset, SourceDataset
from clusterless.model.element import Element
from clusterless.model.lot import LotUnit
from clusterless.model.naming import LONGEST


@frozen(kw_only=True)
class BarrierArc(Arc):
    """The arc that a barrier is worked as; nobody declares one."""

    lot_unit: LotUnit | None = None


@frozen(kw_only=True)
class Barrier(Element):
    """Makes a dataset of several, or of several lots of one: its manifests list their objects, and nothing is copied.

    Components add what is waited for, and override `as_arc` with it.
    """

    sources: Mapping[str, SourceDataset] = field(validator=check_sources)
    dataset: JoinedDataset
    retry: Retry = Factory(Retry)
    lease_sec: float = field(default=300, validator=[gt(0), le(LONGEST)])

    def as_arc(self) -> BarrierArc:
        """The arc that it is worked as, whose one sink is ``main``."""
        return BarrierArc(
            type=self.type,
            name=self.name,
            exclude=self.exclude,
            sources=self.sources,
            sinks={"main": self.dataset},
            retry=self.retry,
            lease_sec=self.lease_sec,
        )
