"""How far retention has given up a dataset's lots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import Factory, frozen

from clusterless.model.lot import Lot


@frozen(kw_only=True)
class Horizon:
    """*marks* say before which lots nothing is claimed, and since when (the store's time); the last one counts.

    Before the lot *cleared*, all is known to be removed.
    """

    marks: Mapping[Lot, datetime] = Factory(dict)
    cleared: Lot | None = None

    @property
    def lot(self) -> Lot | None:
        """The lot before which nothing is claimed any more; None where all may be."""
        return last_of(self.marks)

    def hides(self, lot: Lot) -> bool:
        """Whether some part of *lot*, of whatever unit, lies before the horizon."""
        return self.lot is not None and lot.start < self.lot.start

    def known_by(self, moment: datetime) -> Lot | None:
        """Where the horizon was at *moment*."""
        return last_of(lot for lot, since in self.marks.items() if since <= moment)


def last_of(lots: Iterable[Lot]) -> Lot | None:
    """The latest of *lots*, whatever their units."""
    return max(lots, key=lambda lot: lot.start, default=None)
