"""Reports: rows under dotted column names, as a table, JSON, CSV or TSV."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from attrs import evolve, frozen

from clusterless.cli.words import fitted, headline
from clusterless.codec.values import moment_text
from clusterless.engine.moments import dated

Value = str | int | float | datetime | None

_WIDE = 100  # columns, where nobody says


@frozen
class Report:
    """Rows of as many values as there are *columns*.

    In JSON a dotted name becomes a nested object, and the first *width*
    columns, if any, go below the key *record*. On a terminal, a column that says the same in
    every row stands above the table, unless it is one of *kept*;
    those *aside* are left out there, and those of *spare* too, one after another until a row fits.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    record: str = ""
    width: int = 0
    kept: tuple[str, ...] = ()
    nothing: str = "nothing to show"  # said where there are no rows
    aside: tuple[str, ...] = ()
    spare: tuple[tuple[str, ...], ...] = ()


def show(report: Report, output: str) -> None:
    """Print the report in the form named *output*."""
    if output != "table":
        click.echo(_FORMS[output](report), nl=False)
    elif not report.rows:
        click.echo(fitted(report.nothing, sys.stderr), err=True)
    else:
        click.echo(table(report, shutil.get_terminal_size((0, 0)).columns, folded=sys.stdout.isatty()), nl=False)


# ---- table -----------------------------------------------------------------------------------------------------

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAP = "  "


def table(report: Report, room: int = 0, *, folded: bool = False) -> str:
    """The report in lines of at most *room* columns, if any: a line a row, or where that does not fit, a line a value.

    *folded*: what all rows have in common is said once, above, and what can be spared is left out.
    """
    if not folded:
        return _drawn(report, room)
    shown = _spared(report, room)
    above, rest = _folded(shown, room)
    left = [name for name in report.columns if name not in shown.columns]
    said = [f"not shown: {', '.join(left)}; --output csv has all"] if left else []
    below = "".join(f"{textwrap.fill(each, room or _WIDE, break_on_hyphens=False)}\n" for each in said)
    return above + _drawn(rest, room) + below


def _drawn(report: Report, room: int) -> str:
    heads, cells, widths = _measured(report)
    total = _total(widths)
    if room and total > room:
        return _stacked(report.columns, cells, room)
    columns = [_aligned(column) for column in zip(*report.rows, strict=True)]
    lines = [_line(row, widths, columns) for row in (*_turned(heads), *cells)]
    return "\n".join([*lines[:2], "=" * total, *lines[2:], "", ""])


def _measured(report: Report) -> tuple[list[tuple[str, str]], list[list[str]], list[int]]:
    """The heads, the cells, and how wide each column is."""
    heads = [_heads(name) for name in report.columns]
    cells = [[_cell(value) for value in row] for row in report.rows]
    return heads, cells, [max(map(len, column)) for column in zip(*_turned(heads), *cells, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _spared(report: Report, room: int) -> Report:
    """The report without what is aside, and as much of what it can spare as makes its rows fit."""
    shown = _without(report, report.aside)
    for names in report.spare:
        _, rest = _folded(shown, room)
        if not room or _total(_measured(rest)[2]) <= room:
            break
        shown = _without(shown, names)
    return shown


def _without(report: Report, names: Sequence[str]) -> Report:
    left = [index for index, name in enumerate(report.columns) if name not in names]
    rows = tuple(tuple(row[index] for index in left) for row in report.rows)
    return evolve(report, columns=tuple(report.columns[index] for index in left), rows=rows)


def _folded(report: Report, room: int) -> tuple[str, Report]:
    """What all rows have in common, and the report without it."""
    common = {
        name: column[0]
        for name, column in zip(report.columns, zip(*report.rows, strict=True), strict=True)
        if len(set(column)) == 1 and name not in report.kept
    }
    if len(common) == len(report.columns):
        return "", report
    said = ", ".join(f"{name} {_cell(value)}" for name, value in common.items() if value not in {None, 0})
    above = "\n".join(textwrap.wrap(said, room or _WIDE, break_on_hyphens=False))
    return above and f"{above}\n\n", _without(report, tuple(common))


def _heads(name: str) -> tuple[str, str]:
    """The column's two header rows: ``lotId`` is ``lot`` over ``id``."""
    first, _, second = _CAPITAL.sub("-", name).lower().replace(".", "-").partition("-")
    return (first, second) if second else ("", first)


def _turned(heads: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [[head[row] for head in heads] for row in (0, 1)]


def _aligned(column: Iterable[Value]) -> Callable[[str, int], str]:
    """Numbers stand below each other by their last digit."""
    kinds = {type(value) for value in column} - {type(None)}
    return str.rjust if kinds and kinds <= {int, float} else str.ljust


def _line(cells: Iterable[str], widths: Iterable[int], columns: Iterable[Callable[[str, int], str]]) -> str:
    return _GAP.join(just(cell, width) for cell, width, just in zip(cells, widths, columns, strict=True)).rstrip()


def _cell(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return dated(value)
    return headline(value) if isinstance(value, str) else f"{value:,}"


def _stacked(columns: Sequence[str], rows: Iterable[Sequence[str]], room: int) -> str:
    """A line a value, where a row does not fit; a value that does not fit either gets lines of its own."""
    width = max(map(len, columns))
    lines: list[str] = []
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            line = f"{name.ljust(width)}{_GAP}{cell}"
            lines += [line] if len(line) <= room else [name, *_broken(cell, room)]
        lines.append("")
    return "\n".join([*lines, ""])


def _broken(cell: str, room: int) -> list[str]:
    return textwrap.wrap(cell, max(room, 2 * len(_GAP)), initial_indent=_GAP, subsequent_indent=_GAP) or [_GAP]


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
        inner[last] = _for_programs(value)
    return nested


def _separated(delimiter: str) -> Callable[[Report], str]:
    def write(report: Report) -> str:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(report.columns)
        writer.writerows(_blank_nulls(report.rows))
        return out.getvalue()

    return write


def _blank_nulls(rows: Iterable[Sequence[Value]]) -> Iterator[list[str | int | float]]:
    return (["" if value is None else value for value in map(_for_programs, row)] for row in rows)


def _for_programs(value: Value) -> str | int | float | None:
    return moment_text(value) if isinstance(value, datetime) else value


_FORMS: Mapping[str, Callable[[Report], str]] = {
    "json": _json,
    "csv": _separated(","),
    "tsv": _separated("\t"),
}
