"""``cls rollback``: mark lots as replaceable."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.asking import agreed
from clusterless.cli.choosing import base_folder, one_arc, runnable, split_lots
from clusterless.cli.planning import LeftError, bounded
from clusterless.cli.progress import progress
from clusterless.cli.ranges import Window
from clusterless.cli.render import Report, show
from clusterless.cli.run import stopped_by_signals
from clusterless.cli.scope import Scope, scoped
from clusterless.cli.words import say, sized, some
from clusterless.engine.ranges import LotRange, runs
from clusterless.errors import InvalidValueError
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.operate.one_lot import check_unit
from clusterless.operate.rolling import RolledBack, Weight, Worked, roll_back, weigh, worked
from clusterless.plugins import find_plugins
from clusterless.runtime.root import output_folder

_COLUMNS = ("project.name", "project.version", "arc", "lots", "marked", "running", "first", "last")
_REMOVED = ("objects", "bytes")
_GONE = ("lotsRemoved", "objectsRemoved", "bytesRemoved")
_DONE = ("project.name", "project.version", "arc", "rolledBack", *_GONE, "held")
_NAMED = 5

_EPILOG = """
\b
Examples:
  cls rollback copy 20240131PT5M287
  cls rollback a --earliest -1d --yes
  cls rollback a --latest -1y --remove

Exits with 0 where all is done, or only shown, with 1 where some lots were left, since they are being worked or read,
with 130 when interrupted: what was done then is said, and the same command goes on.
"""


@click.command(epilog=_EPILOG)
@click.argument("arc")
@click.argument("lots", nargs=-1, metavar="[LOT]...")
@bounded
@click.option("--remove", is_flag=True, help="Take away the objects and manifests that the lots came to.")
@click.option("--yes", is_flag=True, help="Do it; without, it is only shown.")
@scoped
@reports
@click.pass_obj
def rollback(
    session: Session,
    scope: Scope,
    arc: str,
    lots: tuple[str, ...],
    window: Window | None,
    remove: bool,
    yes: bool,
) -> None:
    """Mark lots of ARC as replaceable: a run works them anew at its next look, those before its start 'cls backfill'.

    What was committed stays readable until it is replaced; --remove takes it away, but for what an arc is reading,
    and what was written again since: how many objects, of how many bytes, is shown before. What is being worked is
    left alone. A MOMENT is a lot, a date or time, or a distance from now such as 12h or -1d@d.
    """
    names, parsed = split_lots(lots)
    if names or bool(parsed) == bool(window):
        msg = f"{names[0]!r} is not a lot" if names else "say which lots: LOT, or --earliest and --latest"
        raise click.UsageError(msg)
    landscape = runnable(scope, find_plugins())
    view = one_arc(landscape, scope, arc)
    for lot in parsed:
        check_unit(view, lot)
    there = worked(landscape, view, _ranges(view, window) if window else runs(parsed))
    total = len(there.lots) + (len(there.marked) if remove else 0)
    weight = _weighed(landscape, view, there) if remove and not yes else None
    if not yes or session.output == "table":
        show(_there(view, there, weight), session.output)
    if not total:
        say("there is nothing to roll back")
    elif not agreed(
        f"{_doing(total, weight)}?", yes=yes, otherwise=f"nothing was done; --yes would {_doing(total, weight)}"
    ):
        return
    stop, signals = stopped_by_signals()
    scratch = output_folder(base_folder(scope))
    done = roll_back(landscape, view, there, scratch, stop.is_set, remove=remove) if total else RolledBack()
    if yes or total:
        show(_done(view, done, there), session.output)
    if not done.is_whole:
        say("stopped before all was done; the same command goes on")
        sys.exit(128 + signals[0])
    _refuse_left(view, done, there)


def _ranges(view: ArcView, window: Window) -> Sequence[LotRange]:
    if view.unit is None:
        msg = f"{view.name} has no lots yet"
        raise InvalidValueError(msg)
    return [window.of(view.unit)]


def _weighed(landscape: Landscape, view: ArcView, there: Worked) -> Weight:
    with progress("counting what goes") as step:
        return weigh(landscape, view, there, step)


def _doing(total: int, weight: Weight | None) -> str:
    rolled = f"roll {some(total, 'lot')} back"
    if weight is None:
        return rolled
    size = f" ({sized(weight.bytes)})" if weight.objects else ""
    return f"{rolled}, and remove {some(weight.objects, 'object')}{size} and {some(weight.lots, 'manifest')} of them"


def _there(view: ArcView, there: Worked, weight: Weight | None) -> Report:
    known = sorted([*there.lots, *there.marked, *there.running])
    ends = (str(known[0]), str(known[-1])) if known else (None, None)
    counts = (len(there.lots), len(there.marked), len(there.running))
    row = (view.project.name, view.project.version, view.arc.name, *counts, *ends)
    if weight is None:
        return Report(_COLUMNS, (row,), kept=("arc", "lots"))
    return Report((*_COLUMNS, *_REMOVED), ((*row, weight.objects, weight.bytes),), kept=("arc", "lots", *_REMOVED))


def _done(view: ArcView, done: RolledBack, there: Worked) -> Report:
    gone = (done.gone.lots, done.gone.objects, done.gone.bytes)
    held = len(there.running) + len(done.held)
    row = (view.project.name, view.project.version, view.arc.name, done.lots, *gone, held)
    return Report(_DONE, (row,), kept=("arc", "rolledBack"))


def _refuse_left(view: ArcView, done: RolledBack, there: Worked) -> None:
    left = (*(f"{view.name} {lot} is being worked" for lot in there.running), *done.held)
    if left:
        named = "; ".join(left[:_NAMED]) + (f"; and {len(left) - _NAMED} more" if len(left) > _NAMED else "")
        msg = f"{some(len(left), 'lot')} not rolled back: {named}"
        raise LeftError(msg, hint="run this again when they are done")
