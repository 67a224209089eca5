"""``cls policy``: what running projects needs to be allowed."""

from __future__ import annotations

import json
from pathlib import Path

import click

from clusterless.deploy.places import placements, with_places
from clusterless.deploy.read import read_projects
from clusterless.errors import NotInstalledError
from clusterless.plugins import find_plugins
from clusterless.provider import Permitting

_EXAMPLES = """
\b
Examples:
  cls policy project.json
  cls policy a.json > policy.json
  cls policy a.json --provider aws
"""


@click.command(epilog=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--provider", "named", metavar="NAME", default="", help="Of this provider; else of that of the files.")
def policy(files: tuple[Path, ...], named: str) -> None:
    """Print the permissions that 'cls run' of project files needs, as their provider takes them.

    With sources in placements of another provider, or objects and inboxes kept
    there, name that provider to see what is needed of it.

    Nothing of a placement is looked at. A FILE of - is standard input.
    """
    plugins = find_plugins()
    declared = read_projects(files, plugins.components(), plugins.project_formats(), plugins.absence)
    deployables = [
        with_places(each.deployable, lambda placement, _: plugins.provider(placement.provider).complete(placement), "$")
        for each in declared
    ]
    names = [named] if named else sorted({each.placement.provider for each in deployables})
    if len(names) > 1:
        msg = f"the files are placed on {' and '.join(names)}, whose permissions have nothing in common: use --provider"
        raise click.UsageError(msg)
    for other in sorted({place.provider for each in deployables for place in placements(each)} - {*names}):
        if not named and isinstance(plugins.provider(other), Permitting):
            click.echo(f"{other} is asked too: --provider {other} tells what it must allow", err=True)
    provider = plugins.provider(names[0])
    if not isinstance(provider, Permitting):
        msg = f"provider {names[0]} has no policies"
        raise NotInstalledError(msg, hint="whoever may read and write its stores may run projects there")
    click.echo(json.dumps(provider.policy(deployables), indent=2))
