"""Which lots a question is about."""

from __future__ import annotations

from attrs import frozen

from clusterless.engine.ranges import LotRange
from clusterless.model.lot import Lot


@frozen
class Wanted:
    """The lots of *ranges*, of whatever units; all lots where there are none."""

    ranges: tuple[LotRange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, lot: Lot) -> bool:
        return not self.ranges or any(lot in each for each in self.ranges)

    @property
    def first(self) -> Lot | None:
        """The earliest; None where all are wanted."""
        return min((each.first for each in self.ranges), default=None, key=lambda lot: lot.start)

    def ends_before(self, lot: Lot) -> bool:
        """Whether neither *lot* nor any lot of a later day is wanted."""
        return bool(self.ranges) and all(each.last.day < lot.day for each in self.ranges)
