"""Distances from now, as in ``12h``, ``-1d@d`` or ``@w1+9h`` (FORMATS 3.3)."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

from clusterless.errors import InvalidValueError

_SPELLINGS = {
    "second": ("s", "sec", "secs", "second", "seconds"),
    "minute": ("m", "min", "minute", "minutes"),
    "hour": ("h", "hr", "hrs", "hour", "hours"),
    "day": ("d", "day", "days"),
    "week": ("w", "week", "weeks"),
    "month": ("mon", "month", "months"),
    "year": ("y", "yr", "yrs", "year", "years"),
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_INSIDE = {
    "second": "millisecond",
    "minute": "second",
    "hour": "minute",
    "day": "hour",
    "week": "day",
    "month": "day",
    "year": "month",
}
_ADJUSTER = re.compile(
    r"(?:(?P<sign>[+-])?(?P<amount>[0-9]+)?(?P<unit>[a-z]+))?"
    r"(?:@(?P<snap>[a-z]+)(?P<ordinal>[0-9]+)?(?:(?P<then_sign>[+-])(?P<then>[0-9]+)(?P<then_unit>[a-z]+))?)?"
)


def adjusted(text: str, now: datetime) -> datetime | None:
    """*now* (UTC) moved, then snapped down, then moved again as *text* says; None where it is no adjuster.

    Raises:
        InvalidValueError: it reads like one, but a unit is none.
        OverflowError: it leads out of the calendar.
    """
    match = _ADJUSTER.fullmatch(text)
    if not match or not text:
        return None
    if text == "now":
        return now
    if text.isalpha() and text not in _UNITS:
        return None
    moment = now
    if match["unit"]:
        moment = _moved(moment, _signed(match["sign"] or "-", match["amount"]), _unit(match["unit"]))
    if match["snap"]:
        snap = _unit(match["snap"])
        moment = _moved(_snapped(moment, snap), int(match["ordinal"] or 0), _INSIDE[snap])
    if match["then"]:
        moment = _moved(moment, _signed(match["then_sign"], match["then"]), _unit(match["then_unit"]))
    return moment


def _signed(sign: str, amount: str | None) -> int:
    return int(sign + (amount or "1"))


def _unit(spelling: str) -> str:
    if spelling not in _UNITS:
        msg = f"{spelling!r} is not a unit: use s, m, h, d, w, mon or y"
        raise InvalidValueError(msg)
    return _UNITS[spelling]


def _moved(moment: datetime, amount: int, unit: str) -> datetime:
    if unit in {"month", "year"}:
        return _moved_by_months(moment, amount * (12 if unit == "year" else 1))
    return moment + timedelta(**{f"{unit}s": amount})


def _moved_by_months(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    if not 1 <= year <= 9999:
        raise OverflowError
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _snapped(moment: datetime, unit: str) -> datetime:
    if unit == "second":
        return moment.replace(microsecond=0)
    if unit == "minute":
        return moment.replace(second=0, microsecond=0)
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if unit == "week":
        return day - timedelta(days=day.isoweekday() % 7)  # weeks begin on Sunday
    return day.replace(month=1 if unit == "year" else day.month, day=1 if unit in {"month", "year"} else day.day)
