"""``cls exec``: one lot, now, in this terminal."""

from __future__ import annotations

import sys

import click

from clusterless.cli.choosing import base_folder, one_arc, runnable
from clusterless.cli.run import in_containers, stopped_by_signals
from clusterless.cli.scope import Scope, scoped
from clusterless.cli.words import say, some
from clusterless.errors import WorkloadError
from clusterless.model.ledger import Failed
from clusterless.model.lot import Lot
from clusterless.operate.one_lot import work_one
from clusterless.plugins import find_plugins
from clusterless.runtime.root import output_folder

_EPILOG = """
\b
Examples:
  cls exec tax 20240131PT5M287
  cls exec tax 20240131PT5M287 --again

Exits with 0 where the lot is complete or empty then, with 1 where it failed or is not to be worked, with 130 when
interrupted.
"""


@click.command("exec", epilog=_EPILOG)
@click.argument("arc")
@click.argument("lot")
@click.option("--again", is_flag=True, help="Though it is complete: replace what it came to by a new revision.")
@in_containers
@scoped
def execute(scope: Scope, arc: str, lot: str, again: bool, workloads: str) -> None:
    """Work one lot of ARC, here and now, and show what it prints.

    It is claimed and committed as any other, wherever it lies; what had failed begins its attempts anew.
    """
    wanted = Lot.parse(lot)
    landscape = runnable(scope, find_plugins())
    view = one_arc(landscape, scope, arc)
    stop, signals = stopped_by_signals()
    folder = output_folder(base_folder(scope))
    delivered = work_one(landscape, view, wanted, folder, stop, _emit, again=again, workloads=workloads)
    outcome = delivered.outcome
    if outcome is None:
        say(f"{view.name} {lot} was let go of; nothing was committed")
        sys.exit(128 + signals[0])
    if isinstance(outcome, Failed):
        msg = f"{view.name} {lot} {outcome.state.value}: {outcome.error.message}"
        raise WorkloadError(msg, hint="mend it, and run this again; what it printed is above")
    objects = some(sum(sink.objects for sink in outcome.sinks.values()), "object")
    say(f"{view.name} {lot} {outcome.state.value}: {objects}, revision {outcome.revision}")


def _emit(output: bytes) -> None:
    click.echo(output, nl=False)
