"""``cls dupes``: what a dataset holds more than once."""

from __future__ import annotations

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.audit import FOUND, NONE_THERE, chosen, show_faults, wanted
from clusterless.cli.progress import progress
from clusterless.cli.ranges import Window, ranged_or_all
from clusterless.cli.scope import Scope, scoped
from clusterless.cli.words import say, some
from clusterless.engine.audit import Kind
from clusterless.operate.audit.dupes import find_dupes
from clusterless.plugins import find_plugins

_EPILOG = """
\b
Examples:
  cls dupes orders -p project.json
  cls dupes orders --earliest -7d
  cls dupes orders/1 --output json

Exits with 0 where nothing is there twice, with 3 where something is.
"""


@click.command(epilog=_EPILOG)
@click.argument("dataset")
@click.argument("lots", nargs=-1, metavar="[LOT]...")
@ranged_or_all
@scoped
@reports
@click.pass_context
def dupes(ctx: click.Context, scope: Scope, window: Window | None, dataset: str, lots: tuple[str, ...]) -> None:
    """Find what a dataset holds twice: an object in several lots, or several objects of the same bytes.

    DATASET is a name, as orders or orders/1. Where the store does not tell of which bytes an object is, those of
    one size are read. Empty objects are left out; of those that are alike, the first is not listed.
    """
    session: Session = ctx.obj
    landscape = scope.landscape(find_plugins())
    view = chosen(landscape, dataset)
    asked = wanted(view, lots, window)
    with progress(f"comparing {view.node}") as step:
        doubled = find_dupes(landscape, view, asked, step)
    show_faults(doubled.book, session.output)
    counts = doubled.book.counts()
    doubles, copies = counts.get(Kind.DOUBLE, 0), counts.get(Kind.COPY, 0)
    told = f"{view.node}: {some(doubled.lots, 'lot')}, {some(doubled.objects, 'object')}"
    none = f"; {NONE_THERE}" if asked and not doubled.lots else ""
    copied = f"{some(copies, 'copy', 'copies')} of {some(doubled.bytes, 'byte')}"
    say(f"{told}; {doubles:,} in several lots; {copied}{none}")
    if counts:
        ctx.exit(FOUND)
