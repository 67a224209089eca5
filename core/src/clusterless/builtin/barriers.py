"""How the barriers that every provider can run are declared."""

from __future__ import annotations

import enum

from attrs import Factory, evolve, field, frozen
from attrs.validators import gt, le, optional

from clusterless.errors import InvalidValueError
from clusterless.model.arc import OnEmpty, Wait
from clusterless.model.barrier import Barrier, BarrierArc
from clusterless.model.lot import LotUnit
from clusterless.model.naming import LONGEST


class AtDeadline(enum.Enum):
    """What becomes of a lot whose sources are not all there by the deadline."""

    FIRE = "fire"  # it is made of what there is
    REPORT = "report"  # it is not made: it is missing, and its reason names what has not come


@frozen(kw_only=True)
class JoinWait(Wait):
    """Which sources must be there before a lot is made, as an arc's ``wait``, and what happens at the deadline."""

    at_deadline: AtDeadline = AtDeadline.FIRE

    def __attrs_post_init__(self) -> None:
        Wait.__attrs_post_init__(self)
        if self.at_deadline is AtDeadline.REPORT and self.deadline_sec is None:
            msg = "'atDeadline': 'report' goes with 'deadlineSec'"
            raise InvalidValueError(msg)


@frozen(kw_only=True)
class JoinBarrier(Barrier):
    """Makes one dataset of several: a lot of it lists the objects of that lot of all its sources, in their order.

    Nothing is copied: the objects stay where they are. Their keys, to whoever reads the dataset, are
    those below their source's location, or below the joined dataset's ``pathURI`` where it names one
    that holds them: which tells objects of one key in several sources apart.

    A lot is made as soon as ``wait`` says. A source that comes after that is treated by its
    ``onRevision``; what came to nothing at the deadline is tried again as soon as another source comes.
    """

    wait: JoinWait = Factory(JoinWait)

    def as_arc(self) -> BarrierArc:
        """The arc that it is worked as: of empty lots too where it reports, since others may be missing."""
        reports = self.wait.at_deadline is AtDeadline.REPORT
        return evolve(Barrier.as_arc(self), wait=self.wait, on_empty=OnEmpty.RUN if reports else OnEmpty.SKIP)


@frozen(kw_only=True)
class RollupWait:
    """``deadlineSec`` after the end of a lot it is made of what there is; without one, of nothing less than all."""

    deadline_sec: float | None = field(default=None, validator=optional([gt(0), le(LONGEST)]))


@frozen(kw_only=True)
class RollupBarrier(Barrier):
    """Makes larger lots of smaller ones: a lot of ``lotUnit`` lists the objects of all source lots within it.

    Nothing is copied. The unit must be a multiple of the sources'; these leave out no lot (their boundaries are
    ``frequent``), or there is a deadline. What comes after that is treated by its source's ``onRevision``.
    """

    lot_unit: LotUnit
    wait: RollupWait = Factory(RollupWait)

    def as_arc(self) -> BarrierArc:
        """The arc that it is worked as."""
        wait = Wait(deadline_sec=self.wait.deadline_sec)
        return evolve(Barrier.as_arc(self), lot_unit=self.lot_unit, wait=wait)
