"""The time that an object's key spells, for boundaries that book by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from clusterless.errors import InvalidValueError, cut
from clusterless.model.boundary import LotSource
from clusterless.runtime.patterns import pattern

_PARTS = ("year", "month", "day", "hour", "minute", "second")
_LEAST = (0, 1, 1, 0, 0, 0)
_SHOWN = 200  # characters of a pattern that is refused
_FIRST_YEAR = 1000  # lots are written with four digits; a year of two is a pattern gone wrong
_EXAMPLE = r"'/(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)/' or '_(?P<timestamp>\d{8}T\d{6}Z)\.'"


def check_booked_by(lot_source: LotSource, key_regex: str | None) -> None:
    """Refuse a *key_regex* that is not asked for, and its absence where it is.

    Raises:
        InvalidValueError: so it is, or no time could be read with it.
    """
    if lot_source.is_key_time != (key_regex is not None):
        msg = "lotSource 'keyTimestampRegex' and keyRegex need each other"
        raise InvalidValueError(msg, hint="give both to book by the time in the key, or neither")
    if key_regex is not None:
        check_key_regex(key_regex)


def check_key_regex(regex: str) -> None:
    """Refuse a pattern that no time could be read with.

    Raises:
        InvalidValueError: *regex* is no regular expression, or names neither a ``timestamp`` nor a ``year``, or
            leaves a part out between two that it names.
    """
    shown = cut(repr(regex), _SHOWN)
    try:
        groups = pattern(regex).groups
    except InvalidValueError as error:
        msg = f"keyRegex {shown} is not a regular expression: {error.problem}"
        raise InvalidValueError(msg, hint=error.hint) from None
    parts = [part in groups for part in _PARTS]
    if "timestamp" in groups:
        if any(parts):
            msg = f"keyRegex {shown} names a timestamp and parts of one"
            raise InvalidValueError(msg, hint="keep one of them")
    elif parts != sorted(parts, reverse=True) or not parts[0]:
        msg = f"keyRegex {shown} does not name the groups {', '.join(_PARTS)} from the year on without a gap"
        raise InvalidValueError(msg, hint=f"write it like {_EXAMPLE}")


def key_time(regex: str, key: str) -> datetime | None:
    """The moment (aware, in UTC) that *key* spells, or None where it spells none.

    *regex* is searched for anywhere in *key* and has either the named group ``timestamp``
    (ISO 8601; UTC unless it has a zone), or ``year``, ``month``, ``day``, ``hour``, ``minute``,
    ``second`` (UTC), of which those that are missing from the end on are least.
    """
    if (groups := pattern(regex).find(key)) is None:
        return None
    try:
        moment = _stamped(groups["timestamp"]) if "timestamp" in groups else _assembled(groups)
    except (ValueError, OverflowError, TypeError):
        return None
    return moment if moment.year >= _FIRST_YEAR else None


def _stamped(text: str | None) -> datetime:
    moment = datetime.fromisoformat(text or "")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _assembled(groups: Mapping[str, str | None]) -> datetime:
    numbers = [int(groups.get(part) or least) for part, least in zip(_PARTS, _LEAST, strict=True)]
    year, month, day, hour, minute, second = numbers
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
