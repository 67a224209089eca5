"""``cls verify``: everything that is wrong with project files, at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.render import Report, show
from clusterless.deploy.check import check
from clusterless.deploy.read import Declared, read_projects
from clusterless.deploy.resolve import refuse_errors
from clusterless.engine.findings import Finding, Severity
from clusterless.errors import SHOWN, MalformedError
from clusterless.plugins import Plugins, find_plugins

_COLUMNS = ("severity", "file", "problem")

_EXAMPLES = """
\b
Examples:
  cls verify project.json
  cls verify orders.json reports.json
  cls verify big.json --output json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@reports
@click.pass_obj
def verify(session: Session, files: tuple[Path, ...]) -> None:
    """Check project files that run together, and say everything that is wrong.

    A FILE of - is standard input. Where much is wrong, only the first is told, and all of it as json, csv or
    tsv. Exits with 2 when something would not work; warnings alone are no failure.
    """
    plugins = find_plugins()
    declared = _read(files, plugins, session.output)
    found = check(declared, plugins)
    names = ", ".join(each.deployable.project.id for each in declared)
    if session.output == "table":
        _warn([str(each) for each in found if each.severity is Severity.WARNING])
        refuse_errors(found)
        click.echo(f"nothing is wrong with {names}" if not found else f"{names} can be run")
    else:
        show(Report(_COLUMNS, tuple(map(_row, found))), session.output)
        refuse_errors(found)


def _read(files: Sequence[Path], plugins: Plugins, output: str) -> Sequence[Declared]:
    try:
        return read_projects(files, plugins.components(), plugins.project_formats(), plugins.absence)
    except MalformedError as error:
        if output != "table":
            rows = [(Severity.ERROR.value, *_placed(each, error.source, files)) for each in error.findings]
            show(Report(_COLUMNS, tuple(rows)), output)
        raise


def _placed(finding: str, source: str, files: Sequence[Path]) -> tuple[str, str]:
    """The file, and what is wrong in it; of several files each finding begins with its own."""
    if source in map(str, files):
        return source, finding
    file = max((str(each) for each in files if finding.startswith(f"{each}: ")), key=len, default=source)
    return file, finding.removeprefix(f"{file}: ")


def _row(finding: Finding) -> tuple[str, str, str]:
    return finding.severity.value, finding.file, str(finding).removeprefix(f"{finding.file}: ")


def _warn(warnings: Sequence[str]) -> None:
    for each in warnings[:SHOWN]:
        click.echo(f"warning: {each}", err=True)
    if len(warnings) > SHOWN:
        click.echo(f"warning: and {len(warnings) - SHOWN:,} more; --output json has all", err=True)
