"""A cell a day: a month a row, so that a year fits 40 columns; the worst state of the day's lots is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import click

from clusterless.cli.render import Report, Value
from clusterless.cli.words import some
from clusterless.engine.standing import Standing, worst

Days = Mapping[date, "Counter[Standing]"]

# Letters, so that it can be read without colour; what is bad is written large.
_CELLS: Mapping[Standing, tuple[str, str]] = {
    Standing.EMPTY: ("-", "green"),
    Standing.COMPLETE: ("o", "green"),
    Standing.REMOVED: ("x", "bright_black"),
    Standing.RUNNING: ("r", "blue"),
    Standing.STALE: ("S", "yellow"),
    Standing.NEVER_STARTED: ("N", "yellow"),
    Standing.LATE: ("L", "magenta"),
    Standing.PARTIAL: ("P", "red"),
    Standing.MISSING: ("M", "red"),
}
_NO_LOTS = "."
_HEAD = "        1   5    10   15   20   25   30"


def calendar(days: Days, first: date, last: date) -> str:
    """The days from *first* to *last* as lines, with the letters that are used explained below."""
    lines = [
        _HEAD,
        *(_line(days, month, first, last) for month in _months(first, last)),
        "",
        *_legend(days, first, last),
    ]
    return "\n".join([*lines, ""])


def days_report(days: Days, first: date, last: date) -> Report:
    """A row a day: its worst state, and how many lots stand how."""
    columns = ("day", "state", *(standing.value.replace(" s", "S") for standing in Standing))
    return Report(columns, tuple(_row(day, days.get(day, Counter())) for day in _between(first, last)))


def _row(day: date, counts: Counter[Standing]) -> tuple[Value, ...]:
    state = worst(counts)
    return (day.isoformat(), state.value if state else None, *(counts[standing] for standing in Standing))


def _line(days: Days, month: date, first: date, last: date) -> str:
    cells = (_cell(days.get(day)) if first <= day <= last else " " for day in _of(month))
    return f"{month:%Y-%m} {''.join(cells)}".rstrip()


def _cell(counts: Counter[Standing] | None) -> str:
    state = worst(counts or ())
    if state is None:
        return _NO_LOTS
    letter, colour = _CELLS[state]
    return click.style(letter, fg=colour)


def _legend(days: Days, first: date, last: date) -> Iterator[str]:
    """A line a state that some day has, the worst first."""
    states = Counter(worst(days.get(day, ())) for day in _between(first, last))
    for state in reversed(Standing):
        if states[state]:
            letter, colour = _CELLS[state]
            yield f"{click.style(letter, fg=colour)} {state.value}: {some(states[state], 'day')}"
    if states[None]:
        yield f"{_NO_LOTS} no lots: {some(states[None], 'day')}"


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


def _of(month: date) -> Iterator[date]:
    day = month
    while day.month == month.month:
        yield day
        day += timedelta(days=1)


def _between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
