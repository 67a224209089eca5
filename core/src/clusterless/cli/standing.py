"""``cls arcs`` and ``cls datasets``: what there is, and how its lots stand."""

from __future__ import annotations

import enum
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import click
from attrs import frozen

from clusterless import layout
from clusterless.cli.app import Session, reports
from clusterless.cli.ranges import Window, is_given, ranged, say_where_lots_are
from clusterless.cli.render import Report, Value, show
from clusterless.cli.scope import KnownArc, KnownDataset, Scope, scoped
from clusterless.engine.ranges import LotRange, coverage
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState
from clusterless.model.placement import Placement
from clusterless.operate.listing import unit_of
from clusterless.operate.newest import nearest
from clusterless.operate.recorded import arc_lots, dataset_lots
from clusterless.plugins import find_plugins

_PLACEMENT = ("placement.provider", "placement.stage", "placement.account", "placement.region")
_ARC = (*_PLACEMENT, "project.name", "project.version", "name")
_DATASET = (*_PLACEMENT, "dataset.name", "dataset.version")
_FOUND = ("temporalUnit", "earliest", "earliestFound", "earliestGap", "latest", "latestFound", "latestGap")
_TOTALS = ("totalFound", "range", "rangeGap")
_KEPT = ("name", "dataset.name", "lotId", "arcState", "manifestState", "complete", "totalFound")
_GAPS = ("earliestGap", "latestGap", "rangeGap")
"""Not for people: of what comes seldom they count lots that nobody waits for. ``cls gaps`` tells those apart."""
_SPARE = (("earliest", "latest", "range"), ("earliestFound", "latestFound"), _PLACEMENT, ("temporalUnit",))
_ARC_STATES = (ArcState.RUNNING, ArcState.PARTIAL, ArcState.MISSING, ArcState.COMPLETE)
_MANIFEST_STATES = (ManifestState.REMOVED, ManifestState.PARTIAL, ManifestState.EMPTY, ManifestState.COMPLETE)

_EXAMPLES = """
\b
Examples:
  cls {0} -p project.json
  cls {0} status -p project.json
  cls {0} status --earliest -1d@d
  cls {0} status --output csv
"""

Row = tuple[Value, ...]


@frozen(kw_only=True)
class Kind:
    """How a report of arcs or datasets is made up: *record* and *summary* are its keys in JSON, *state* a column."""

    record: str
    summary: str
    columns: tuple[str, ...]
    state: str
    states: Sequence[enum.Enum]

    def nothing(self, scope: Scope) -> str:
        if scope.files:
            return f"no {self.record} that is declared there is asked for"
        return f"no {self.record}s are known here; -p FILE looks at those of a project file"


_ARCS = Kind(record="arc", summary="arc", columns=_ARC, state="arcState", states=_ARC_STATES)
_DATASETS = Kind(record="dataset", summary="manifest", columns=_DATASET, state="manifestState", states=_MANIFEST_STATES)


@frozen
class Subject:
    """One arc or dataset of a report: its columns, its lots within a range by state, and the *nearest* lot to it."""

    identity: Row
    unit: LotUnit | None
    lots: Callable[[LotRange], Iterable[tuple[Lot, enum.Enum]]]
    nearest: Callable[[LotRange], Lot | None]


def _viewed(command: Callable[..., None]) -> Callable[..., None]:
    """Adds what ``status`` takes; the command is called with a *window*, None where a plain list is wanted."""

    @functools.wraps(command)
    def called(view: str | None, each: bool, window: Window, **others: Any) -> None:
        if view is None and (each or is_given(click.get_current_context(), "earliest", "latest")):
            msg = "--list, --earliest and --latest go with 'status'"
            raise click.UsageError(msg)
        command(window=window if view else None, each=each, **others)

    for option in reversed(_OPTIONS):
        called = option(called)
    return ranged(called)


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("view", required=False, type=click.Choice(["status"]), metavar="[status]"),
    click.option("--list", "each", is_flag=True, help="With status: a row a lot, not a row of counts."),
)


@click.command(epilog=_EXAMPLES.format("arcs"))
@_viewed
@scoped
@reports
@click.pass_obj
def arcs(session: Session, scope: Scope, window: Window | None, each: bool) -> None:
    """List arcs, or with 'status' how their lots stand.

    MOMENT is a lot, a date or time, or a distance from now such as 12h or -1d@d.
    """
    subjects = [_arc(arc) for arc in scope.arcs(find_plugins())]
    _show(_report(_ARCS, subjects, window, each, _ARCS.nothing(scope)), subjects, window, session.output)


@click.command(epilog=_EXAMPLES.format("datasets"))
@_viewed
@scoped
@reports
@click.pass_obj
def datasets(session: Session, scope: Scope, window: Window | None, each: bool) -> None:
    """List datasets, or with 'status' how their lots stand.

    MOMENT is a lot, a date or time, or a distance from now such as 12h or -1d@d.
    """
    subjects = [_dataset(dataset) for dataset in scope.datasets(find_plugins())]
    _show(_report(_DATASETS, subjects, window, each, _DATASETS.nothing(scope)), subjects, window, session.output)


def _show(report: Report, subjects: Sequence[Subject], window: Window | None, output: str) -> None:
    show(report, output)
    if window is None or any(_holds_a_lot(report, row) for row in report.rows):
        return
    say_where_lots_are((each.nearest(window.of(each.unit)) for each in subjects if each.unit), window)


def _holds_a_lot(report: Report, row: Row) -> bool:
    return "totalFound" not in report.columns or bool(row[report.columns.index("totalFound")])


def _arc(arc: KnownArc) -> Subject:
    identity = (*_place(arc.placement), arc.project.name, arc.project.version, arc.name)
    return Subject(
        identity,
        arc.unit or unit_of(arc.store, arc.keys.path),
        lambda wanted: arc_lots(arc.store, arc.keys, wanted),
        partial(nearest, arc.store, arc.keys.path),
    )


def _dataset(known: KnownDataset) -> Subject:
    identity = (*_place(known.placement), known.dataset.name, known.dataset.version)
    return Subject(
        identity,
        known.unit or unit_of(known.store, layout.dataset_path(known.dataset)),
        lambda wanted: dataset_lots(known.store, known.dataset, wanted),
        partial(nearest, known.store, layout.dataset_path(known.dataset)),
    )


def _place(placement: Placement) -> tuple[Value, ...]:
    return placement.provider, placement.stage, placement.account, placement.region


def _report(kind: Kind, subjects: Sequence[Subject], window: Window | None, each: bool, nothing: str) -> Report:
    columns, width = kind.columns, len(kind.columns)
    if window is None:
        return Report(columns, tuple(subject.identity for subject in subjects), kept=_KEPT, nothing=nothing)
    if each:
        listed = tuple(row for subject in subjects for row in _lot_rows(subject, window))
        nothing = nothing if not subjects else f"no {kind.record} has a lot {window}"
        return Report((*columns, "lotId", kind.state), listed, kind.record, width, _KEPT, nothing)
    counted = (*columns, *_FOUND, *(each.value for each in kind.states), *_TOTALS)
    rows = tuple(_counts(subject, window, kind.states) for subject in subjects)
    return Report(counted, rows, kind.summary, width, _KEPT, nothing, aside=_GAPS, spare=_SPARE)


def _lot_rows(subject: Subject, window: Window) -> Iterable[Row]:
    if subject.unit is None:
        return ()
    return ((*subject.identity, str(lot), state.value) for lot, state in subject.lots(window.of(subject.unit)))


def _counts(subject: Subject, window: Window, states: Sequence[enum.Enum]) -> Row:
    if subject.unit is None:
        # It never had a lot, and nobody can say how long one would be.
        return (*subject.identity, *(None for _ in _FOUND), *(0 for _ in states), 0, None, None)
    wanted = window.of(subject.unit)
    counts = Counter[enum.Enum]()

    def counted() -> Iterable[Lot]:
        for lot, state in subject.lots(wanted):
            counts[state] += 1
            yield lot

    seen = coverage(wanted, counted())
    return (
        *subject.identity,
        subject.unit.name,
        str(wanted.first),
        _text(seen.earliest_found),
        seen.earliest_gap,
        str(wanted.last),
        _text(seen.latest_found),
        seen.latest_gap,
        *(counts[state] for state in states),
        seen.total_found,
        seen.range,
        seen.range_gap,
    )


def _text(lot: Lot | None) -> str | None:
    return str(lot) if lot else None
