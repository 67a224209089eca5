"""The words at the end of the demo: what arrived, what was done, and whether it adds up."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

import polars as pl
from attrs import frozen

import nyc
from clusterless.model.arc import Arc
from tally import Pipeline, Tally


@frozen
class Report:
    """*equal* says that every total is what the input has; *lines* are not wrapped yet."""

    lines: tuple[str, ...]
    equal: bool

    def text(self, width: int) -> str:
        return "\n".join(_wrapped(line, width) for line in self.lines)


def expected_rows(days: int) -> Mapping[str, int]:
    """How many rows each dataset should hold, by the input alone."""
    flights = nyc.flights(days)
    late = flights.filter(pl.col("dep_delay").cast(pl.Int64, strict=False) > 15)
    return {
        "flights": flights.height,
        "weather": nyc.weather(days).height,
        "flights-by-carrier": flights.height,
        "flights-with-weather": flights.height,
        "flights-delayed": late.height,
    }


def report(pipeline: Pipeline, days: int) -> Report:
    """Read what is committed, and compare it with the first *days* days of the input."""
    arrived = {dataset.name: pipeline.tally(dataset) for dataset in pipeline.arrivals}
    worked = {sink.name: pipeline.tally(sink) for arc in pipeline.arcs for sink in arc.sinks.values()}
    rows = {name: tally.rows for name, tally in (arrived | worked).items()}
    expected = expected_rows(days)
    lines = (
        f"New York, 2013: {_count(days, 'day')} of flights and weather",
        "",
        "Arrived",
        *(f"  {name}: {_amount(tally, 'file')}" for name, tally in arrived.items()),
        "",
        "Worked",
        *(line for arc in pipeline.arcs for line in _arc(arc, worked, pipeline.waiting(arc))),
        "",
        "Against the input",
        *(_comparison(name, rows[name], wanted) for name, wanted in expected.items()),
    )
    return Report(lines, all(rows[name] == wanted for name, wanted in expected.items()))


def _arc(arc: Arc, worked: Mapping[str, Tally], waiting: int) -> Iterator[str]:
    for sink in arc.sinks.values():
        tally = worked[sink.name]
        lots = f"{len(tally.complete):,} complete, {len(tally.empty):,} empty, {waiting:,} waiting"
        yield f"  {arc.name}: {_amount(tally, 'object')}; lots: {lots}"


def _amount(tally: Tally, thing: str) -> str:
    return f"{_count(tally.rows, 'row')} in {_count(tally.files, thing)} ({_count(tally.size, 'byte')})"


def _comparison(name: str, rows: int, wanted: int) -> str:
    verdict = "equal" if rows == wanted else "NOT EQUAL"
    return f"  {name}: {rows:,} of {_count(wanted, 'row')}, {verdict}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
