"""``cls doctor``: whether this environment, and stores, are fit to run on."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.render import Report, show
from clusterless.cli.words import fitted
from clusterless.deploy.read import Declared, read_projects
from clusterless.doctor.checks import Check, Result
from clusterless.doctor.environment import environment, plugins
from clusterless.doctor.stores import examine
from clusterless.errors import StoreRefusedError, UnfitError
from clusterless.plugins import Plugins, find_plugins
from clusterless.runtime.clock import SystemClock, random_id

COLUMNS = ("subject", "check", "result", "detail")
_EXAMPLES = """
\b
Examples:
  cls doctor
  cls doctor file:///mnt/shared/
  cls doctor -p a.json --output json
"""


@click.command(epilog=_EXAMPLES)
@reports
@click.argument("uris", nargs=-1, metavar="[URI|FOLDER]...")
@click.option("-p", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="A project file.")
@click.pass_obj
def doctor(session: Session, uris: tuple[str, ...], files: tuple[Path, ...]) -> None:
    """Look whether this environment is fit to run in, and stores to run on.

    A store, by its URI, its folder, or as a project's placement has it, is tried: several processes race to create
    objects, and look for what the others wrote, below cls-doctor/ in it. What was written is removed. Exits with 1
    when something is not fit; what was seen is said.
    """
    found = find_plugins()
    stores = dict.fromkeys((*map(_store, uris), *_of_projects(files, found)))
    checks = [*environment(), *plugins(found)]
    for uri in stores:
        checks += examine(uri, found.open_store(uri), SystemClock(), random_id)
    if session.output == "table":
        _text(checks)
    else:
        rows = tuple((each.subject, each.name, each.result.value, each.detail or None) for each in checks)
        show(Report(COLUMNS, rows), session.output)
    if not stores:
        click.echo("no store was tried: name one, such as file:///mnt/shared/, or a project file with -p", err=True)
    _refuse([each for each in checks if each.result is Result.FAILED])


def _store(given: str) -> str:
    """The URI that is meant: a folder may be named by its path.

    Raises:
        StoreRefusedError: there is no such folder; one that was made to be looked at would tell nothing.
    """
    scheme = urlsplit(given).scheme
    if scheme not in {"", "file"}:
        return f"{given.removesuffix('/')}/"
    path = Path(unquote(urlsplit(given).path) if scheme else given)
    if path.is_file():
        msg = f"{given} is a file, and no store"
        raise StoreRefusedError(msg, hint=f"a project file is named with -p: cls doctor -p {path}")
    if not path.is_dir():
        msg = f"{given}: there is no such folder; nothing was tried"
        raise StoreRefusedError(msg, hint=f"make it first: mkdir -p {path}")
    return f"{path.absolute().as_uri().removesuffix('/')}/"


def _text(checks: Sequence[Check]) -> None:
    """A paragraph a subject: rows of a table would not fit where people look."""
    for subject, group in groupby(checks, lambda check: check.subject):
        click.echo(subject)
        for check in group:
            click.echo(fitted(f"  {check.result.value:6}  {check.name}: {check.detail}".removesuffix(": "), sys.stdout))


def _of_projects(files: Sequence[Path], found: Plugins) -> Iterator[str]:
    """The stores of every placement that *files* name."""
    for declared in _declared(files, found):
        project = declared.deployable
        sources = (source.placement for arc in project.arcs for source in arc.sources.values() if source.placement)
        for placement in (project.placement, *sources):
            provider = found.provider(placement.provider)
            roots = found.roots(provider.complete(placement), declared.base)
            yield from (roots.metadata, roots.arc_state, roots.manifest)


def _declared(files: Sequence[Path], found: Plugins) -> Sequence[Declared]:
    return read_projects(files, found.components(), found.project_formats(), found.absence) if files else ()


def _refuse(failed: Sequence[Check]) -> None:
    if failed:
        lines = "\n".join(f"  - {each.subject}: {each.name}: {each.detail}" for each in failed)
        msg = f"not fit to run on: {len(failed)} of the checks failed\n{lines}"
        raise UnfitError(msg, hint="use another store, or mend what is named; then run cls doctor again")
