"""How ``cls:core:clockBoundary`` is declared."""

from __future__ import annotations

from attrs import Factory, field, frozen

from clusterless.errors import InvalidValueError
from clusterless.model.boundary import Booking, EventArrival, IngressBoundary, PathFilter
from clusterless.model.dataset import ClockDataset
from clusterless.model.lot import LotUnit
from clusterless.model.schedule import UTC, Schedule


@frozen(kw_only=True)
class ClockBoundary(IngressBoundary):
    """Seals lots without data, so that work runs on a schedule: each is complete and has no objects.

    It makes a lot for each ``lotUnit`` when it has ended; with ``cron`` only those that it fires in, as soon as it
    does, of a minute where no ``lotUnit`` is given. The first is the one that it is first run in.
    """

    dataset: ClockDataset
    lot_unit: LotUnit | None = None  # type: ignore[assignment]  # with a cron it need not be said
    cron: str | None = None
    timezone: str = UTC
    event_arrival: EventArrival = field(default=EventArrival.FREQUENT, init=False)  # these say how data is booked
    grace_sec: float = field(default=0, init=False)
    settle_sec: float = field(default=0, init=False)
    filter: PathFilter = field(default=Factory(PathFilter), init=False)

    def __attrs_post_init__(self) -> None:
        if self.lot_unit is None and self.cron is None:
            msg = "say when: by 'lotUnit', such as 'Hours', or by 'cron', such as '0 3 * * *'"
            raise InvalidValueError(msg)
        _ = self.booking  # which refuses what does not go together

    @property
    def booking(self) -> Booking:
        unit = self.lot_unit or LotUnit.SIXTIETHS
        # With a cron there are lots that never come, so nothing may wait for each.
        arrival = EventArrival.INFREQUENT if self.cron else EventArrival.FREQUENT
        schedule = Schedule(unit=unit, cron=self.cron, timezone=self.timezone)
        return Booking(unit=unit, arrival=arrival, grace=0, settle=0, schedule=schedule)
