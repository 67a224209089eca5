"""``cls backfill``: work lots of history."""

from __future__ import annotations

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.planning import Doing, Wanted, plan_and_work, planned
from clusterless.cli.scope import Scope

_EPILOG = """
\b
Examples:
  cls backfill copy -p project.json
  cls backfill copy -p p.json --yes
  cls backfill copy --earliest -30d
  cls backfill copy 20240131PT5M287
  cls backfill --resume ID --yes

Exits with 0 where all is done, or only shown, with 1 where some lots came to nothing, with 130 when interrupted.
"""


@click.command(epilog=_EPILOG)
@planned("missing failed partial")
@reports
@click.pass_obj
def backfill(session: Session, wanted: Wanted, doing: Doing, scope: Scope) -> None:
    """Work the lots of ARC that lie before its start, or were never worked, failed, or are partial.

    A plan is made, kept, and shown: how many lots, why, how much they read (judged by some of them), and how long
    that may take. With --yes, or agreed to on a terminal, it is worked here, beside whatever runs: a lot that others
    have claimed is left to them, and while they work recent lots of the same arc, one lot is worked at a time.
    Without ARC, all arcs are looked at. A MOMENT is a lot, a date or time, or a distance from now such as 12h or
    -1d@d.
    """
    plan_and_work(wanted, doing, scope, session.output)
