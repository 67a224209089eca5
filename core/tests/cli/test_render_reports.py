"""The four forms of a report (FORMATS 7.4), byte by byte."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.cli.render import Report, show, table

ARCS = Report(
    ("placement.provider", "project.name", "name", "lotId", "totalFound"),
    (("local", "p", "copy", "20240131PT5M000", 1234567), ("local", "p,q", "join", None, None)),
    "arc",
    3,
)


def printed(report: Report, output: str, capsys: pytest.CaptureFixture[str]) -> str:
    show(report, output)
    return capsys.readouterr().out


def test_a_table_has_two_header_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(ARCS, "table", capsys) == (
        "placement  project        lot                  total\n"
        "provider   name     name  id                   found\n"
        "====================================================\n"
        "local      p        copy  20240131PT5M000  1,234,567\n"
        "local      p,q      join  -                        -\n"
        "\n"
    )


def test_an_empty_table_is_a_line_where_errors_go(capsys: pytest.CaptureFixture[str]) -> None:
    show(Report(("lotId", "name"), (), nothing="there are none"), "table")
    assert capsys.readouterr() == ("", "there are none\n")
    assert printed(Report(("lotId", "name"), ()), "csv", capsys) == "lotId,name\n"
    assert printed(Report(("lotId", "name"), ()), "json", capsys) == "[]\n"


FOLDED = Report(
    ("placement.provider", "placement.stage", "name", "lotId", "running", "complete"),
    (("local", None, "copy", "20240131PT5M000", 0, 7), ("local", None, "join", "20240131PT5M001", 0, 7)),
    kept=("name", "complete"),
)


def test_what_all_rows_have_in_common_is_said_once_above() -> None:
    assert table(FOLDED, 60, folded=True) == (
        "placement.provider local\n"
        "\n"
        "      lot\n"
        "name  id               complete\n"
        "===============================\n"
        "copy  20240131PT5M000         7\n"
        "join  20240131PT5M001         7\n"
        "\n"
    )


def test_where_all_is_common_all_is_shown() -> None:
    report = Report(("name", "lotId"), (("copy", "x"),))
    assert table(report, folded=True) == table(report)


TEXT = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), max_size=60) | st.none()


@given(
    rows=st.integers(1, 5).flatmap(
        lambda width: st.lists(st.tuples(*[st.integers(0, 10**9) | TEXT] * width), min_size=1, max_size=5)
    ),
    room=st.integers(12, 200),
    folded=st.booleans(),
)
def test_no_line_is_longer_than_the_terminal(rows: list[tuple[str | int | None, ...]], room: int, folded: bool) -> None:
    report = Report(tuple(f"c{number}.x" for number in range(len(rows[0]))), tuple(rows))
    assert max(map(len, table(report, room, folded=folded).splitlines())) <= room


def test_a_row_that_does_not_fit_is_stacked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = printed(ARCS, "table", capsys)
    assert all(len(line) <= 40 for line in shown.splitlines())
    assert "lotId               20240131PT5M000\ntotalFound          1,234,567\n\n" in shown


def test_a_value_that_does_not_fit_gets_its_own_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    report = Report(("name", "lotId"), (("a-long-name-indeed", "20240131PT5M000"),))
    assert printed(report, "table", capsys) == "name\n  a-long-name-indeed\nlotId\n  20240131PT5M000\n\n"


def test_json_is_nested_and_keeps_nulls(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(ARCS, "json", capsys)) == [
        {
            "arc": {"placement": {"provider": "local"}, "project": {"name": "p"}, "name": "copy"},
            "lotId": "20240131PT5M000",
            "totalFound": 1234567,
        },
        {
            "arc": {"placement": {"provider": "local"}, "project": {"name": "p,q"}, "name": "join"},
            "lotId": None,
            "totalFound": None,
        },
    ]


def test_json_of_a_plain_list_has_no_record_key(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(("placement.provider", "name"), (("local", "copy"),))
    assert json.loads(printed(report, "json", capsys)) == [{"placement": {"provider": "local"}, "name": "copy"}]


def test_csv_and_tsv_have_dotted_names_and_blanks_for_null(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(ARCS, "csv", capsys) == (
        "placement.provider,project.name,name,lotId,totalFound\n"
        "local,p,copy,20240131PT5M000,1234567\n"
        'local,"p,q",join,,\n'
    )
    assert printed(ARCS, "tsv", capsys).splitlines()[1] == "local\tp\tcopy\t20240131PT5M000\t1234567"


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_categories=["C"])), st.integers())))
def test_every_form_for_programs_gives_the_rows_back(rows: list[tuple[str, int]]) -> None:
    from clusterless.cli.render import _FORMS

    report = Report(("name", "totalFound"), tuple(rows))
    assert [(row["name"], row["totalFound"]) for row in json.loads(_FORMS["json"](report))] == rows
    for form, delimiter in (("csv", ","), ("tsv", "\t")):
        read = list(csv.reader(io.StringIO(_FORMS[form](report)), delimiter=delimiter))[1:]
        assert [(name, int(count)) for name, count in read] == rows


def test_what_can_be_spared_is_left_out_until_a_row_fits_and_is_named() -> None:
    rows = (("one", 1, "2024-01-31", "here-and-there", 5), ("two", 2, "2024-02-01", "elsewhere", 6))
    report = Report(("name", "gap", "from", "place", "n"), rows, aside=("gap",), spare=(("from",), ("place",)))
    for room, left in ((80, "gap"), (30, "gap, from"), (26, "gap, from"), (12, "gap, from, place")):
        shown = " ".join(table(report, room, folded=True).split())
        assert f"not shown: {left}; --output csv has all" in shown
    assert "not shown" not in table(report, 80)
    assert "gap" in table(report, 80)


def test_a_common_zero_is_not_worth_a_word() -> None:
    report = Report(("name", "bad", "good"), (("a", 0, 3), ("b", 0, 3)))
    assert table(report, 40, folded=True).startswith("good 3\n\n")


def test_a_moment_is_told_in_words_to_people_and_in_iso_8601_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2024, 1, 31, 13, 30, 5, 250_000, tzinfo=timezone(timedelta(hours=1)))
    report = Report(("name", "since"), (("a", moment), ("b", moment.astimezone(UTC)), ("c", None)))
    said = {}
    for form in ("table", "json", "csv"):
        show(report, form)
        said[form] = capsys.readouterr().out
    assert said["table"].splitlines()[3:5] == ["a     2024-01-31 12:30:05Z", "b     2024-01-31 12:30:05Z"]
    assert [row["since"] for row in json.loads(said["json"])] == [*["2024-01-31T12:30:05.250000Z"] * 2, None]
    assert said["csv"].splitlines()[1:] == ["a,2024-01-31T12:30:05.250000Z", "b,2024-01-31T12:30:05.250000Z", "c,"]
