"""Schedules: which lots come due without any data, and when."""

from __future__ import annotations

from attrs import frozen

from clusterless.errors import InvalidValueError
from clusterless.model.lot import LotUnit

UTC = "UTC"


@frozen(kw_only=True)
class Schedule:
    """The lots of *unit*: each is due at its end; with *cron*, those that it fires in, as soon as it does.

    *cron* has five fields, whose times are those of *timezone* (an IANA name).

    Raises:
        InvalidValueError: a timezone without a cron.
    """

    unit: LotUnit
    cron: str | None = None
    timezone: str = UTC

    def __attrs_post_init__(self) -> None:
        if self.cron is None and self.timezone != UTC:
            msg = "'timezone' goes with 'cron': lots begin and end by UTC"
            raise InvalidValueError(msg)
