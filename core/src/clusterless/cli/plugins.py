"""``cls plugins``: what is installed, what it offers, and what failed and why."""

from __future__ import annotations

import click

from clusterless.errors import PluginError
from clusterless.plugins import find_plugins


@click.command()
def plugins() -> None:
    """Show what is installed, what it offers, and what failed."""
    found = find_plugins()
    for plugin in found.installed:
        click.echo(str(plugin))
        for kind, names in found.offers(plugin).items():
            click.echo(f"  {kind}: {', '.join(names)}")
    for failure in found.failures:
        click.echo(f"{failure.plugin}\n  failed: {failure.error.problem}")
    if found.failures:
        raise PluginError("not every plugin works", hint=found.failures[0].error.hint)
