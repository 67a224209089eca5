"""``cls gaps``: what should be there and is not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.choosing import base_folder
from clusterless.cli.progress import progress
from clusterless.cli.ranges import Window, ranged
from clusterless.cli.render import Report, Value, show
from clusterless.cli.scope import Scope, refuse_unknown, scoped
from clusterless.cli.words import say, some
from clusterless.engine.gaps import Reason
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.operate.gaps.finding import Gap, Search, find_gaps_of
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.operate.things import Thing, Things
from clusterless.plugins import find_plugins
from clusterless.runtime.clock import identity
from clusterless.runtime.root import output_folder

FOUND = 3
"""What is exited with where there is a gap."""

_PLACE = ("placement.provider", "placement.stage", "placement.account", "placement.region")
_WHAT = ("dataset.name", "dataset.version", "element", "first", "last", "lots")
_RARE = ("since", "output")
_WHY_IN_SHORT = ("cause", "why", *_RARE)
_WHY = ("cause", "why", "since", "blocked.element", "blocked.lot", "blocked.cause", "blocked.why", "output")
_KEPT = ("dataset.name", "first", "last", "lots", "cause", "why")

_EPILOG = """
\b
Examples:
  cls gaps -p project.json
  cls gaps orders --why --earliest -7d
  cls gaps --why --output json

Exits with 0 where nothing is missing, with 3 where there is a gap.
"""


@click.command(epilog=_EPILOG)
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@click.option("--why", is_flag=True, help="Say what each lot waits for, walking upstream; and what was removed.")
@ranged
@scoped
@reports
@click.pass_context
def gaps(ctx: click.Context, scope: Scope, window: Window, datasets: tuple[str, ...], why: bool) -> None:
    """List the lots that should be there and are not.

    DATASET is a name, as orders or orders/1, or that of what makes it, as shop/copy; without, all are looked at.
    MOMENT is a lot, a date or time, or a distance from now such as 12h or -1d@d.
    """
    session: Session = ctx.obj
    landscape = scope.landscape(find_plugins())
    things = Things(landscape)
    _refuse_unknown(scope, things.all)
    wanted = [thing for thing in things.chosen(datasets) if datasets or _is_asked_for(scope, landscape, thing)]
    _name_unknown(wanted)
    with progress("looking for gaps") as step:
        search = Search(window=window.of, now=window.now, why=why, step=step)
        found = list(find_gaps_of(things, wanted, search))
    nothing = f"nothing is missing of {some(len(wanted), 'dataset')} {window}" if wanted else "no dataset is asked for"
    folder = output_folder(base_folder(scope))
    show(_report(found, folder, nothing, why=why, short=session.output == "table"), session.output)
    if any(gap.is_gap for gap in found):
        ctx.exit(FOUND)


def _is_asked_for(scope: Scope, landscape: Landscape, thing: Thing) -> bool:
    """Whether a project that is asked about makes it, not only one upstream, and it has a name that is asked for."""
    if _maker(thing) not in landscape.own:
        return False
    if scope.projects and not _projects(thing) & {*scope.projects}:
        return False
    return not scope.names or bool(_names(thing) & {*scope.names})


def _refuse_unknown(scope: Scope, things: Sequence[Thing]) -> None:
    refuse_unknown("project", scope.projects, [each for thing in things if (each := _projects(thing))])
    refuse_unknown("name", scope.names, [_names(thing) for thing in things])


def _projects(thing: Thing) -> frozenset[str]:
    return _maker(thing)[1].spellings


def _names(thing: Thing) -> set[str]:
    return {thing.name, thing.name.partition("/")[0]}


def _maker(thing: Thing) -> tuple[Placement, Project]:
    if thing.view:
        return thing.view.placement, thing.view.owner
    assert isinstance(thing.maker, ArcView)
    return thing.maker.placement, thing.maker.project


def _name_unknown(things: list[Thing]) -> None:
    for thing in things:
        if thing.unit is None:
            say(f"left out: {thing.name}: no lot of it was ever seen, and nobody says how long one is")


def _report(gaps: Sequence[Gap], folder: Path, nothing: str, *, why: bool, short: bool) -> Report:
    """*short*: for people, to whom the first ancestor that is blocked is told in the same breath."""
    is_one = len({_maker(gap.thing)[0] for gap in gaps}) <= 1
    place = () if short and is_one else _PLACE
    because = () if not why else _WHY_IN_SHORT if short else _WHY
    rows = tuple(_row(gap, folder, short=short)[len(_PLACE) - len(place) :] for gap in gaps)
    columns = (*place, *_WHAT, *because)
    if short and rows:
        told = [n for n, name in enumerate(columns) if name not in _RARE or any(row[n] is not None for row in rows)]
        columns, rows = tuple(columns[n] for n in told), tuple(tuple(row[n] for n in told) for row in rows)
    return Report(columns, rows, kept=_KEPT, nothing=nothing)


def _row(gap: Gap, folder: Path, *, short: bool) -> tuple[Value, ...]:
    view, lots, (place, _) = gap.thing.view, gap.lots, _maker(gap.thing)
    where = (place.provider, place.stage, place.account, place.region)
    dataset = (view.dataset.name, view.dataset.version) if view else (None, None)
    what = (*where, *dataset, gap.thing.element, str(lots.first), str(lots.last), len(lots))
    return (*what, *_because(gap.reason, folder, short=short)) if gap.reason else what


def _because(reason: Reason, folder: Path, *, short: bool) -> tuple[Value, ...]:
    root, since = reason.origin, reason.origin.since
    when = since.replace(microsecond=0) if since else None
    if short:
        further = f"; {root.element} {root.lot} {root.cause.code}: {root.text}" if reason.root else ""
        return reason.cause.code, reason.text + further, when, _output(root, folder)
    blocked = (root.element, str(root.lot), root.cause.code, root.text) if reason.root else (None,) * 4
    return (reason.cause.code, reason.text, when, *blocked, _output(root, folder))


def _output(reason: Reason, folder: Path) -> str | None:
    """Where the attempt's output is: here, or with whoever ran it."""
    if not reason.output:
        return None
    here = folder / reason.output
    if here.is_file():
        return str(here)
    is_here = reason.by.partition(":")[0] == identity().partition(":")[0]
    return None if is_here else f"{reason.by}: {reason.output}"  # it printed nothing, or elsewhere
