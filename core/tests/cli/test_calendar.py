"""A year of days fits forty columns, and is read without colour."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta

import click
from hypothesis import given
from hypothesis import strategies as st

from clusterless.cli.calendar import calendar, days_report
from clusterless.engine.standing import Standing

FIRST = date(2024, 1, 30)

days = st.dictionaries(
    st.integers(0, 400).map(lambda number: FIRST + timedelta(days=number)),
    st.dictionaries(st.sampled_from(Standing), st.integers(1, 300), min_size=1).map(Counter),
    max_size=30,
)


def plain(text: str) -> list[str]:
    return click.unstyle(text).splitlines()


@given(days, st.integers(0, 400))
def test_every_day_has_one_cell_and_every_line_fits(found: dict[date, Counter[Standing]], length: int) -> None:
    last = FIRST + timedelta(days=length)
    lines = plain(calendar(found, FIRST, last))
    assert max(map(len, lines)) <= 40
    cells = "".join(line[8:] for line in lines if re.match(r"\d{4}-\d\d ", line)).replace(" ", "")
    assert len(cells) == length + 1
    assert cells.count(".") == sum(FIRST + timedelta(days=number) not in found for number in range(length + 1))


def test_the_worst_state_of_a_day_is_shown_below_its_date() -> None:
    counts = {
        date(2024, 1, 31): Counter({Standing.COMPLETE: 287, Standing.LATE: 1}),
        date(2024, 2, 1): Counter({Standing.COMPLETE: 288}),
        date(2024, 2, 10): Counter({Standing.COMPLETE: 3, Standing.EMPTY: 285}),
    }
    assert plain(calendar(counts, date(2024, 1, 30), date(2024, 2, 11))) == [
        "        1   5    10   15   20   25   30",
        "2024-01                              .L",
        "2024-02 o........o.",
        "",
        "L late: 1 day",
        "o complete: 2 days",
        ". no lots: 10 days",
    ]


def test_for_programs_there_is_a_row_a_day() -> None:
    counts = {FIRST: Counter({Standing.NEVER_STARTED: 2, Standing.COMPLETE: 1})}
    report = days_report(counts, FIRST, FIRST + timedelta(days=1))
    shown = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
    assert {name: shown[0][name] for name in ("day", "state", "complete", "neverStarted", "late")} == {
        "day": "2024-01-30",
        "state": "never started",
        "complete": 1,
        "neverStarted": 2,
        "late": 0,
    }
    assert (shown[1]["day"], shown[1]["state"]) == ("2024-01-31", None)
