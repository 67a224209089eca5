"""``cls audit``: a dataset's objects held against its lots, and these against what was committed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.asking import confirmed
from clusterless.cli.progress import progress
from clusterless.cli.ranges import Window, ranged_or_all
from clusterless.cli.render import Report, Value, show
from clusterless.cli.run import stopped_by_signals
from clusterless.cli.scope import Scope, scoped
from clusterless.cli.words import say, some
from clusterless.engine.audit import Fault, Kind
from clusterless.engine.ranges import LotRange, runs
from clusterless.engine.wanted import Wanted
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot
from clusterless.operate.audit.book import Book
from clusterless.operate.audit.dataset import Audited, audit_dataset
from clusterless.operate.audit.fix import Mended, mend, mendable
from clusterless.operate.landscape import NARROWER, DatasetView, Landscape
from clusterless.operate.listing import unit_of
from clusterless.operate.things import Things
from clusterless.plugins import find_plugins

FOUND = 3
"""What is exited with where something is wrong."""

NONE_THERE = "none of the lots asked for is there"

COLUMNS = ("kind", "lot", "uri", "size", "note")
_SHOWN = 1000  # rows of a kind in a table

_EPILOG = """
\b
Examples:
  cls audit orders -p project.json
  cls audit orders --earliest -1d@d
  cls audit orders --fix --yes
  cls audit orders --output csv

Exits with 0 where all is as it should be, with 3 where something is wrong and was not put right, with 1 when
it was asked and the answer was no, with 130 when interrupted: what was put right then is said, and the same command
goes on.
"""


@click.command(epilog=_EPILOG)
@click.argument("dataset")
@click.argument("lots", nargs=-1, metavar="[LOT]...")
@click.option("--fix", is_flag=True, help="Book strays as late arrivals; remove what attempts left and nothing names.")
@click.option("--yes", is_flag=True, help="With --fix: do it without asking.")
@ranged_or_all
@scoped
@reports
@click.pass_context
def audit(
    ctx: click.Context,
    scope: Scope,
    window: Window | None,
    dataset: str,
    lots: tuple[str, ...],
    fix: bool,
    yes: bool,
) -> None:
    """Find what is wrong with a dataset's objects: each is to be in one lot, as it was committed.

    DATASET is a name, as orders or orders/1. Objects that are in no lot are found when all lots are audited,
    and not only some. With --fix it is said first what will be done, and asked on a terminal.
    """
    session: Session = ctx.obj
    if fix and (lots or window):
        msg = "--fix goes with all lots: leave out LOT, --earliest and --latest"
        raise click.UsageError(msg)
    landscape = scope.landscape(find_plugins())
    view = chosen(landscape, dataset)
    asked = wanted(view, lots, window)
    with progress(f"auditing {view.node}") as step:
        audited = audit_dataset(landscape, view, asked, step)
    show_faults(audited.book, session.output)
    say(_summary(view, asked, audited))
    left = _fixed(landscape, view, audited, yes) if fix else audited.wrong
    if left:
        ctx.exit(FOUND)


# ---- what is asked about ---------------------------------------------------------------------------------------


def chosen(landscape: Landscape, name: str) -> DatasetView:
    """The dataset of that name; of several, that of the projects that are asked about, not one upstream of them.

    Raises:
        InvalidValueError: there is none, or several: in two placements, or of two versions.
    """
    views = [thing.view for thing in Things(landscape).chosen([name]) if thing.view]
    views = [view for view in views if (view.placement, view.owner) in landscape.own] or views
    if len(views) == 1:
        return views[0]
    if not views:
        msg = f"{name} makes no dataset"
        raise InvalidValueError(msg, hint="name a dataset: cls datasets lists them")
    known = ", ".join(f"{view.node} in {view.placement.title}" for view in views)
    msg = f"{name!r} is several datasets: {known}"
    raise InvalidValueError(msg, hint=f"say which: with its version, as orders/1, or {NARROWER}")


def wanted(view: DatasetView, lots: Sequence[str], window: Window | None) -> Wanted:
    """The *lots*, those within the *window*, or all where there is neither.

    Raises:
        InvalidValueError: one of *lots* is none, or nobody says how long lots are.
    """
    ranges: list[LotRange] = []
    parsed = [_lot(text) for text in lots]
    for _, of_unit in groupby(sorted(parsed, key=lambda lot: (lot.unit.label, lot.start)), _unit):
        ranges += runs(of_unit)
    unit = view.unit or (unit_of(view.manifests.store, view.path) if window else None)
    if window and not unit:
        msg = f"no lot of {view.node} was ever seen, and nobody says how long one is"
        raise InvalidValueError(msg, hint="name lots, or leave out --earliest and --latest")
    if window and unit:
        ranges.append(window.of(unit))
    return Wanted(tuple(ranges))


def _lot(text: str) -> Lot:
    hint = "name each lot by itself; 'cls datasets status --list' lists lots, --earliest and --latest take many"
    try:
        return Lot.parse(text)
    except InvalidValueError as error:
        raise InvalidValueError(error.problem, hint=hint) from None


def _unit(lot: Lot) -> str:
    return lot.unit.label


# ---- what is told ----------------------------------------------------------------------------------------------


def show_faults(book: Book, output: str) -> None:
    """All of them, or for a table the first of each kind; nothing where there are none."""
    rows: list[tuple[Value, ...]] = []
    for kind, count in book.counts().items():
        faults = book.faults((kind,))
        rows += map(_row, islice(faults, _SHOWN) if output == "table" else faults)
        if output == "table" and count > _SHOWN:
            say(f"{kind.code}: the first {_SHOWN:,} of {count:,} are shown; --output csv has all")
    if rows or output != "table":
        show(Report(COLUMNS, tuple(rows), kept=COLUMNS), output)


def _row(fault: Fault) -> tuple[Value, ...]:
    return fault.kind.code, fault.lot or None, fault.uri, fault.size, fault.note


def _summary(view: DatasetView, asked: Wanted, audited: Audited) -> str:
    told = [f"{some(audited.lots, 'lot')}, {some(audited.objects, 'object')}, {some(audited.bytes, 'byte')}"]
    wrong = [f"{count:,} {kind.code}" for kind, count in audited.counts.items() if kind.is_wrong]
    told += wrong or [NONE_THERE if asked and not audited.lots else "nothing is wrong"]
    if kept := audited.counts.get(Kind.KEPT):
        told.append(f"{some(kept, 'more object')} kept by partial attempts")
    if audited.waiting:
        told.append(f"{some(audited.waiting, 'more object')} may yet be in a lot")
    if audited.older:
        told.append(f"{some(audited.older, 'more object')} of older revisions")
    if audited.passed:
        told.append(f"{some(audited.passed, 'object')} passed over")
    return f"{view.node}: {'; '.join(told)}"


# ---- putting it right ------------------------------------------------------------------------------------------


def _fixed(landscape: Landscape, view: DatasetView, audited: Audited, yes: bool) -> int:
    """How much is left."""
    able = mendable(landscape, view, audited)
    total = audited.wrong
    if not able:
        if total:
            say("nothing of it can be put right by --fix")
        return total
    if able.strays:
        say(f"to do: book {some(able.strays, 'stray')} as late arrivals of {view.node}")
    if able.disowned:
        say(f"to do: remove {some(able.disowned, 'object')} that attempts left and nothing names")
    if not (yes or _agreed()):
        say("nothing was done")
        click.get_current_context().exit(1)
    stop, signals = stopped_by_signals()
    mended = mend(landscape, view, audited, stop.is_set)
    for line in _done(mended):
        say(line)
    staged = min(mended.swept.staged, audited.counts.get(Kind.STAGED, 0))  # of the others nobody had said a word
    done = mended.booked + staged + mended.swept.data
    if left := _left(audited, able.strays > 0, mended):
        say(f"left: {', '.join(left)}")
    if not mended.is_whole:
        say("stopped before all was done; the same command goes on")
        click.get_current_context().exit(128 + signals[0])
    return max(total - done, 0)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        msg = "there is no terminal to ask on: give --yes to have it done"
        raise click.UsageError(msg)
    return confirmed("Do this?")


def _done(mended: Mended) -> Iterator[str]:
    if mended.booked:
        yield f"booked {some(mended.booked, 'stray')}; the next run of its project seals them"
    if mended.unbooked:
        yield f"put {some(mended.unbooked, 'stray')} aside as unbooked: their keys give no time"
    if mended.swept.data or mended.swept.staged:
        yield f"removed {some(mended.swept.data, 'object')}, and {some(mended.swept.staged, 'object')} from staging"


def _left(audited: Audited, booked: bool, mended: Mended) -> list[str]:
    """By kind, what is as wrong as before."""
    counts: dict[Kind, int] = dict(audited.counts)
    if booked:
        counts[Kind.STRAY] = mended.left
        counts[Kind.UNBOOKED] = counts.get(Kind.UNBOOKED, 0) + mended.unbooked
    else:
        counts[Kind.DISOWNED] = counts.get(Kind.DISOWNED, 0) - mended.swept.data
        counts[Kind.STAGED] = counts.get(Kind.STAGED, 0) - mended.swept.staged
    return [f"{count:,} {kind.code}" for kind, count in counts.items() if count > 0 and kind.is_wrong]
