"""Reports: rows under dotted column names, as a table, JSON, CSV or TSV."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click
from attrs import frozen

Value = str | int | None


@frozen
class Report:
    """Rows of as many values as there are *columns*.

    In JSON a dotted name becomes a nested object, and the first *width*
    columns, if any, go below the key *record*.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    record: str = ""
    width: int = 0


def show(report: Report, output: str) -> None:
    """Print the report in the form named *output*."""
    click.echo(_FORMS[output](report), nl=False)


# ---- table -----------------------------------------------------------------------------------------------------

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAP = "  "


def _table(report: Report) -> str:
    heads = [_heads(name) for name in report.columns]
    cells = [[_cell(value) for value in row] for row in report.rows]
    widths = [max(map(len, column)) for column in zip(*_turned(heads), *cells, strict=True)]
    total = sum(widths) + len(_GAP) * (len(widths) - 1)
    room = shutil.get_terminal_size((0, 0)).columns
    if room and total > room:
        return _stacked(report.columns, cells, room)
    lines = [*(_line(row, widths) for row in _turned(heads)), "=" * total, *(_line(row, widths) for row in cells)]
    return "\n".join([*lines, "", ""])


def _heads(name: str) -> tuple[str, str]:
    """The column's two header rows: ``lotId`` is ``lot`` over ``id``."""
    first, _, second = _CAPITAL.sub("-", name).lower().replace(".", "-").partition("-")
    return (first, second) if second else ("", first)


def _turned(heads: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [[head[row] for head in heads] for row in (0, 1)]


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cell(value: Value) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else value


def _stacked(columns: Sequence[str], rows: Iterable[Sequence[str]], room: int) -> str:
    """A line a value, where a row does not fit; a value that does not fit either gets a line of its own."""
    width = max(map(len, columns))
    lines: list[str] = []
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            line = f"{name.ljust(width)}{_GAP}{cell}"
            lines += [line] if len(line) <= room else [name, f"{_GAP}{cell}"]
        lines.append("")
    return "\n".join([*lines, ""])


# ---- for programs ----------------------------------------------------------------------------------------------


def _json(report: Report) -> str:
    return json.dumps([_nested(report, row) for row in report.rows], indent=2) + "\n"


def _nested(report: Report, row: Sequence[Value]) -> Mapping[str, Any]:
    pairs = list(zip(report.columns, row, strict=True))
    rest = _objects(pairs[report.width :])
    return {report.record: _objects(pairs[: report.width]), **rest} if report.record else rest


def _objects(pairs: Iterable[tuple[str, Value]]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in pairs:
        *outer, last = name.split(".")
        inner = nested
        for part in outer:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return nested


def _separated(delimiter: str) -> Callable[[Report], str]:
    def write(report: Report) -> str:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(report.columns)
        writer.writerows(_blank_nulls(report.rows))
        return out.getvalue()

    return write


def _blank_nulls(rows: Iterable[Sequence[Value]]) -> Iterator[list[str | int]]:
    return (["" if value is None else value for value in row] for row in rows)


_FORMS: Mapping[str, Callable[[Report], str]] = {
    "table": _table,
    "json": _json,
    "csv": _separated(","),
    "tsv": _separated("\t"),
}
