"""Whether others are busy with live lots of an arc, so that what is worked by a plan gives way."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

from attrs import define, field

from clusterless.engine.plan import Covered
from clusterless.errors import ClsError
from clusterless.model.ledger import Claim
from clusterless.model.lot import Lot
from clusterless.operate.candidates import is_over
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.reconcile import Seen, pictures

_GLANCE = 5.0  # seconds between looks
_RECENT = timedelta(days=1)  # lots that ended longer ago are not looked at


@define(eq=False)
class LiveLots:
    """The recent lots of *arc* that are not *planned*."""

    arc: RunningArc
    planned: Covered
    _looked: float = field(default=-_GLANCE, init=False)
    _are_worked: bool = field(default=False, init=False)

    def are_worked(self) -> bool:
        """Whether another process had claimed one of them, at most five seconds ago."""
        if monotonic() - self._looked >= _GLANCE:
            self._looked = monotonic()
            self._are_worked = any(map(self._is_claimed, self._recent()))
        return self._are_worked

    def _recent(self) -> list[Seen]:
        try:
            first = next(pictures(self.arc.state, self.arc.keys, None), None)
            floor = Lot.containing(self.arc.now() - _RECENT, first.lot.unit).previous if first else None
            return [each for each in pictures(self.arc.state, self.arc.keys, floor) if each.lot not in self.planned]
        except ClsError:
            return []  # it is the work itself that has to say so

    def _is_claimed(self, seen: Seen) -> bool:
        if seen.picture.final or not seen.picture.last:
            return False
        try:
            ledger = self.arc.ledger(seen.lot)
            last = ledger.read(seen.picture.last)
        except ClsError:
            return False
        return isinstance(last, Claim) and last.by != self.arc.writer.by and not is_over(ledger, last)
