"""Cron expressions: checked, and turned into the lots that they fire in. The only module that knows the library."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import dropwhile, groupby

from attrs import field, frozen

from clusterless.engine.schedule import EachLot, Tick, Ticks
from clusterless.errors import InvalidValueError
from clusterless.model import schedule
from clusterless.model.lot import Lot
from clusterless.model.schedule import Schedule

_HINT = (
    "give minute, hour, day of the month, month and day of the week, "
    "such as '*/5 * * * *' (every five minutes) or '0 3 * * MON-FRI' (at three on weekdays)"
)
_FIELDS = 5
_SOME_TIME = datetime(2024, 1, 1, tzinfo=UTC)
_SHIFT = timedelta(hours=3)  # more than any clock is put back by


def check_cron(cron: str) -> None:
    """Refuse what is no cron expression, or never fires.

    Raises:
        InvalidValueError: saying which field is wrong.
    """
    fields = cron.split()
    if len(fields) != _FIELDS:
        raise _no_cron(cron, f"it has {len(fields)} fields, not {_FIELDS}")
    minute, hour, day, month, weekday = fields
    for each in (f"{minute} {hour} {day} * {weekday}", f"0 0 1 {month} *"):
        try:
            _fires(each, _SOME_TIME)
        except InvalidValueError as error:
            raise _no_cron(cron, error.problem) from error
    with suppress(InvalidValueError):  # for the library, a day that its month does not have is a mistake
        if next(_fires(cron, _SOME_TIME), None):
            return
    msg = f"{cron!r} never fires: there is no such day"
    raise InvalidValueError(msg, hint=_HINT)


def _no_cron(cron: str, problem: str) -> InvalidValueError:
    return InvalidValueError(f"{cron!r} is no cron expression: {problem}", hint=_HINT)


def check_timezone(name: str) -> None:
    """Refuse what is no time zone.

    Raises:
        InvalidValueError: it is unknown here.
    """
    _zone(name)


def ticks_of(schedule: Schedule) -> Ticks:
    """What comes due by *schedule*.

    Raises:
        InvalidValueError: its cron or its timezone is none.
    """
    if schedule.cron is None:
        return EachLot(schedule.unit)
    check_cron(schedule.cron)
    return CronTicks(schedule)


@frozen
class CronTicks:
    """The lots that a schedule's cron fires in, each due when it first does."""

    schedule: Schedule
    _zone: tzinfo = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_zone", _zone(self.schedule.timezone))

    def after(self, lot: Lot) -> Iterator[Tick]:
        for each, fires in groupby(self._from(lot.end), self._lot):
            yield Tick(each, next(fires))

    def newest(self, now: datetime) -> Tick | None:
        assert self.schedule.cron
        # Begun later than needed: within an hour that comes twice, the library looks back from the first time.
        backwards = _fires(self.schedule.cron, (now + _SHIFT).astimezone(self._zone), reverse=True)
        fire = next(dropwhile(lambda fire: fire > now, backwards), None)
        return Tick(self._lot(fire), fire) if fire else None

    def _from(self, start: datetime) -> Iterator[datetime]:
        """The fire times from *start* on."""
        assert self.schedule.cron
        before = (start - timedelta(seconds=1)).astimezone(self._zone)
        return dropwhile(lambda fire: fire < start, _fires(self.schedule.cron, before))

    def _lot(self, fire: datetime) -> Lot:
        return Lot.containing(fire, self.schedule.unit)


def _fires(cron: str, start: datetime, *, reverse: bool = False) -> Iterator[datetime]:
    """The fire times (UTC) after or, in *reverse*, before *start*, whose zone is the expression's."""
    from cronsim import CronSim, CronSimError

    try:
        fires = CronSim(cron, start, reverse)
    except CronSimError as error:
        problem = str(error)
        raise InvalidValueError(f"{problem[:1].lower()}{problem[1:]}") from error
    return (fire.astimezone(UTC) for fire in fires)


def _zone(name: str) -> tzinfo:
    if name == schedule.UTC:
        return UTC  # known even where the machine has no zones at all
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"{name!r} is no time zone known here"
        known = bool(zoneinfo.available_timezones())
        hint = "use an IANA name, such as 'Europe/Berlin'" if known else "this machine has none: pip install tzdata"
        raise InvalidValueError(msg, hint=hint) from error
