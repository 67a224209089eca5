"""``cls local``: a lot's work as a script, to be run by hand."""

from __future__ import annotations

import click

from clusterless.cli.choosing import base_folder, one_arc, runnable
from clusterless.cli.run import in_containers
from clusterless.cli.scope import Scope, scoped
from clusterless.model.lot import Lot
from clusterless.operate.local import script_of
from clusterless.plugins import find_plugins
from clusterless.runtime.root import output_folder

_EPILOG = """
\b
Examples:
  cls local count 20240131PT5M287
"""


@click.command(epilog=_EPILOG)
@click.argument("arc")
@click.argument("lot")
@in_containers
@scoped
def local(scope: Scope, arc: str, lot: str, workloads: str) -> None:
    """Print a bash script that works one lot of ARC by hand: its variables, and its command or function.

    It reads the lot's sources, and writes where the arc writes; nothing of it is committed. Redirect it to a file.
    """
    wanted = Lot.parse(lot)
    landscape = runnable(scope, find_plugins())
    view = one_arc(landscape, scope, arc)
    click.echo(script_of(landscape, view, wanted, output_folder(base_folder(scope)), workloads), nl=False)
