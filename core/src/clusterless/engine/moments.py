"""Moments as people type them (FORMATS 3.3) and are told them: a lot, a date or time, a distance from now; how long."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta, timezone

from clusterless.engine.adjusters import adjusted
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot

_HINT = "such as 12h, -1d@d, now, 2024-01-31, 2024-01-31T12:30:00Z or 20240131PT5M144"

_ZONE = r"(?P<zone> ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?"
_CLOCK = r"(?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?)?"
_TIME = _CLOCK + _ZONE
_HALF_DAY = r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)? ?(?P<half>[AaPp])[Mm]"
_COMPACT_TIME = r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})"
_COMPACT_DATE = r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
_US_DATE = r"(?P<month>[0-9]{1,2}|[A-Za-z]+)/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4}|[0-9]{2})"

_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?",
        rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})[T ]{_TIME}",
        rf"{_COMPACT_DATE}(?:[T ]{_COMPACT_TIME}{_ZONE})?",
        rf"{_COMPACT_TIME}{_ZONE[:-1]}",  # six digits alone could be a month as well: here the zone is needed
        _TIME,
        rf"{_US_DATE}(?: (?:{_TIME}))?",
        rf"{_US_DATE} {_HALF_DAY}",
        rf"(?P<day>[0-9]{{2}})/(?P<month>[A-Za-z]{{3}})/(?P<year>[0-9]{{4}}):{_TIME}",
        rf"(?P<month>[A-Za-z]+) (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th) (?P<year>[0-9]{{4}})(?:, {_TIME})?",
    )
)
_EPOCH_MILLIS = re.compile(r"[0-9]{9,}")
_LOT = re.compile(r"[0-9]*PT?[0-9]+[MHD][0-9]*")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def parse_moment(text: str, now: datetime) -> datetime:
    """The moment (in UTC) that *text* names, seen from *now* (aware).

    What is left out of a date is today's, of a time 0, of a zone UTC; a day
    left out that its month does not have is that month's last.

    Raises:
        InvalidValueError: *text* is none of the forms, or names a day or time that is none.
    """
    text, now = text.strip(), now.astimezone(UTC)
    if _LOT.fullmatch(text):
        return Lot.parse(text).start
    try:
        moment = _absolute(text, now) or adjusted(text, now)
    except OverflowError:
        raise _no_moment(text, "it lies outside the calendar") from None
    except ValueError as exc:
        raise _no_moment(text, str(exc)) from None
    if moment is None:
        raise _no_moment(text, "it has none of the known forms")
    return moment


def dated(moment: datetime) -> str:
    """*moment* as people are told it wherever they are, and may type it: ``2024-01-31 12:30:00Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def lasting(seconds: float) -> str:
    """So many seconds in their two largest units: ``45s``, ``2h 5m``, ``3d``."""
    whole = round(max(seconds, 0))
    for length, small, unit, below in ((86400, 3600, "d", "h"), (3600, 60, "h", "m"), (60, 1, "m", "s")):
        if whole >= length:
            rest = whole % length // small
            return f"{whole // length}{unit}" + (f" {rest}{below}" if rest else "")
    return f"{whole}s"


def _no_moment(text: str, reason: str) -> InvalidValueError:
    return InvalidValueError(f"{text[:60]!r} is not a moment: {reason}", hint=f"write one {_HINT}")


def _absolute(text: str, now: datetime) -> datetime | None:
    if _EPOCH_MILLIS.fullmatch(text):
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))
    for form in _FORMS:
        if match := form.fullmatch(text):
            return _composed({name: part for name, part in match.groupdict().items() if part}, now)
    return None


def _composed(parts: dict[str, str], now: datetime) -> datetime:
    year = _year(parts["year"]) if "year" in parts else now.year
    month = _month(parts["month"]) if "month" in parts else now.month
    day = int(parts["day"]) if "day" in parts else min(now.day, calendar.monthrange(year, month)[1])
    return datetime(
        year,
        month,
        day,
        _hour(parts),
        int(parts.get("minute", 0)),
        int(parts.get("second", 0)),
        int(parts.get("fraction", "0").ljust(6, "0")),
        tzinfo=_zone(parts.get("zone", "Z").strip()),
    ).astimezone(UTC)


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _month(text: str) -> int:
    if text.isdecimal():
        return int(text)
    for number, name in enumerate(_MONTHS, start=1):
        if text.lower() in {name, name[:3]}:
            return number
    msg = f"{text!r} is not a month"
    raise ValueError(msg)


def _hour(parts: dict[str, str]) -> int:
    hour = int(parts.get("hour", 0))
    if "half" not in parts:
        return hour
    if not 1 <= hour <= 12:
        msg = f"hour {hour} is not in 1..12"
        raise ValueError(msg)
    return hour % 12 + (12 if parts["half"] in "Pp" else 0)


def _zone(text: str) -> timezone:
    if text in {"Z", "UTC", "GMT"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].removeprefix(":") or 0)
    if hours > 18 or minutes > 59:
        msg = f"{text!r} is not a zone"
        raise ValueError(msg)
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))
