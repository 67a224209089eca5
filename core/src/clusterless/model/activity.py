"""Activities: work on a clock, and the entries of the ledger that lets one runner do it at a time."""

from __future__ import annotations

import enum
from datetime import datetime

from attrs import Factory, field, frozen
from attrs.validators import gt, le

from clusterless.errors import InvalidValueError
from clusterless.model.arc import Retry
from clusterless.model.dataset import Dataset
from clusterless.model.element import Element
from clusterless.model.ledger import Failure
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.naming import LONGEST
from clusterless.model.schedule import UTC, Schedule


class CatchUp(enum.Enum):
    """What is done about lots that came due while nothing ran."""

    LAST = "last"  # the newest of them is run, the others are left out
    ALL = "all"  # each is run, in order
    NONE = "none"  # none is run


@frozen(kw_only=True)
class Activity(Element):
    """Work on a clock: for each lot of the unit ``interval`` when it has ended, or whenever ``cron`` fires.

    A run may take ``timeoutSec``; one that failed is tried again as ``retry`` says, then the next lot's turn comes.
    """

    interval: LotUnit | None = None
    cron: str | None = None
    timezone: str = UTC
    catch_up: CatchUp = CatchUp.LAST
    timeout_sec: float = field(default=3600, validator=[gt(0), le(LONGEST)])
    retry: Retry = Factory(Retry)

    def __attrs_post_init__(self) -> None:
        if (self.interval is None) == (self.cron is None):
            msg = "say when: by 'interval', such as 'Hours', or by 'cron', such as '0 3 * * *', and not by both"
            raise InvalidValueError(msg)
        _ = self.schedule  # which refuses what does not go together

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """The datasets of its project that it is about; components that have some override it."""
        return ()

    @property
    def schedule(self) -> Schedule:
        return Schedule(unit=self.interval or LotUnit.SIXTIETHS, cron=self.cron, timezone=self.timezone)


class Phase(enum.Enum):
    SEEN = "seen"  # first met: what came due up to the lot is no concern of the activity
    BEGAN = "began"
    ENDED = "ended"  # without an error, or with one
    RELEASED = "released"  # the runner was told to stop: the attempt does not count


@frozen(kw_only=True)
class Turn:
    """One entry of an activity's ledger: *lot* is the one that it is about.

    *expires* (of one that began) is when another may take it for dead; *note* is what was
    done, *error* why it was not (of one that ended), *output* the file of what was printed, where it ran.
    *put_id* settles a lost answer, *at* and *by* are for people.
    """

    put_id: str
    at: datetime
    by: str
    phase: Phase
    lot: Lot
    attempt: str = ""
    expires: datetime | None = None
    error: Failure | None = None
    note: str = ""
    output: str = ""
