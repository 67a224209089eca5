"""``cls verify``: everything that is wrong with project files, at once."""

from __future__ import annotations

from pathlib import Path

import click

from clusterless.deploy.check import check
from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import refuse_errors
from clusterless.engine.findings import Severity
from clusterless.plugins import find_plugins

_EXAMPLES = """
\b
Examples:
  cls verify project.json
  cls verify orders.json reports.json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
def verify(files: tuple[Path, ...]) -> None:
    """Check project files that run together, and say everything that is wrong.

    A FILE of - is standard input. Exits with 2 when something would not work;
    warnings alone are no failure.
    """
    plugins = find_plugins()
    declared = read_projects(files, plugins.components(), plugins.project_formats(), plugins.absence)
    found = check(declared, plugins)
    for finding in found:
        if finding.severity is Severity.WARNING:
            click.echo(f"warning: {finding}", err=True)
    refuse_errors(found)
    names = ", ".join(each.deployable.project.id for each in declared)
    click.echo(f"nothing is wrong with {names}" if not found else f"{names} can be run")
