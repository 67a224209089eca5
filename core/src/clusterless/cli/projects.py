"""``cls projects``: what a placement knows, or what files declare."""

from __future__ import annotations

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.render import Report, Value, show
from clusterless.cli.scope import KnownProject, Scope, scoped
from clusterless.plugins import find_plugins

COLUMNS = (
    "placement.provider",
    "placement.stage",
    "placement.account",
    "placement.region",
    "project.name",
    "project.version",
)
_EXAMPLES = """
\b
Examples:
  cls projects
  cls projects --project orders:2
"""


@click.command(epilog=_EXAMPLES)
@reports
@scoped
@click.pass_obj
def projects(session: Session, scope: Scope) -> None:
    """Show the projects that were run or deployed in a placement, or with -p those that files declare."""
    rows = tuple(map(_row, scope.known_projects(find_plugins())))
    show(Report(COLUMNS, rows, nothing="no project was run or deployed here yet"), session.output)


def _row(known: KnownProject) -> tuple[Value, ...]:
    place, project = known.placement, known.project
    return place.provider, place.stage, place.account, place.region, project.name, project.version
