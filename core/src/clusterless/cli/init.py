"""``cls init``: a project to start from, that runs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from clusterless.errors import ObjectExistsError, StoreRefusedError
from clusterless.model.naming import NAME_PATTERN
from clusterless.plugins import find_plugins

_EXAMPLES = """
\b
Examples:
  cls init
  cls init my-project
"""

_SCHEMA = "project.schema.json"

_PROJECT = """\
{
  "$schema": "./project.schema.json",
  "project": {"name": "NAME", "version": "1"},
  "placement": {"provider": "local"},

  // Files that are put in inbox/ become lots of the dataset "orders": five minutes each.
  "boundaries": [{
    "type": "local:core:putListenerBoundary",
    "name": "arrive",
    "lotUnit": "Twelfths",
    "dataset": {"name": "orders", "version": "1", "pathURI": "inbox/"}
  }],

  // For each lot of it, totals() in totals.py is called.
  "arcs": [{
    "type": "cls:core:pythonArc",
    "name": "add-up",
    "sources": {"main": {"name": "orders", "version": "1", "start": "all"}},
    "sinks": {"main": {"name": "totals", "version": "1", "pathURI": "totals/"}},
    "workload": {"function": "totals:totals"}
  }]
}
"""

_FUNCTION = '''\
"""What is done with each lot of orders."""

from collections import Counter

from clusterless.sdk import LotWork


def totals(work: LotWork) -> None:
    """Add up what was ordered, by kind."""
    ordered: Counter[str] = Counter()
    for source in work.source():
        for line in source.read().decode().splitlines():
            kind, count = line.split(",")
            ordered[kind] += int(count)
    lines = "".join(f"{kind},{count}\\n" for kind, count in sorted(ordered.items()))
    work.sink().write(f"lot={work.lot}/totals-{work.attempt}.csv", lines.encode())
'''

_README = f"""\
# A first project

`cls run project.json` books what arrives in `inbox/`, and calls the function in `totals.py` for each lot of it.
The results are in `totals/`; `cls datasets status -p project.json` says which lots are there, and which are not.
Editors complete `project.json` by `{_SCHEMA}`; `cls show schema > {_SCHEMA}` writes it anew.
What else may be declared, `cls show component --list` lists, and `cls show component --describe NAME` explains.
"""

_FILES: Mapping[str, str] = {
    "project.json": _PROJECT,
    "totals.py": _FUNCTION,
    "inbox/monday.csv": "apples,3\npears,2\n",
    "inbox/tuesday.csv": "apples,1\n",
    "README.md": _README,
}


@click.command(epilog=_EXAMPLES)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Make a project to start from in DIR, or here: declarations, a function, some data.

    It is called as the folder is, or 'first' where no project may be called so. Nothing that is there is written over.
    """
    from clusterless.cli.schema import project_schema

    schema = json.dumps(project_schema(find_plugins().components()), indent=2, ensure_ascii=False) + "\n"
    files = {**_FILES, "project.json": _PROJECT.replace("NAME", _name(folder), 1), _SCHEMA: schema}
    if there := [name for name in files if (folder / name).exists()]:
        msg = f"in the way, in {folder.absolute()}: {', '.join(there)}"
        raise ObjectExistsError(msg, hint="name another folder, as in: cls init my-project")
    for name, text in files.items():
        _write(folder / name, text)
    _say(folder, files)


def _name(folder: Path) -> str:
    """That of the folder, where a project may be called so."""
    name = folder.resolve().name
    return name if re.fullmatch(NAME_PATTERN, name) else "first"


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        msg = f"{file} cannot be written: {error.strerror}"
        raise StoreRefusedError(msg, hint="name a folder that you may write to, as in: cls init my-project") from error


def _say(folder: Path, files: Mapping[str, str]) -> None:
    click.echo(f"A project is in {folder.absolute()}:")
    for name in files:
        click.echo(f"  {name}")
    click.echo("\nNext, type:")
    if folder.absolute() != Path.cwd():
        click.echo(f"  cd {shlex.quote(str(folder))}")
    click.echo("  cls verify project.json")
    click.echo("  cls run project.json \\\n    --until-idle --seal-open")
    click.echo("  cls datasets status -p project.json")
    click.echo("  cat totals/*/*")
