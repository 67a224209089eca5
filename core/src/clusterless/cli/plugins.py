"""``cls plugins``: what is installed, what it offers, and what failed and why."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.render import Report, Value, show
from clusterless.cli.words import fitted
from clusterless.errors import PluginError
from clusterless.plugins import DISABLE, Plugin, Plugins, find_plugins

COLUMNS = ("name", "distribution", "version", "kind", "offer", "problem")


_EXAMPLES = """
\b
Examples:
  cls plugins
  cls plugins --output json
"""


@click.command(epilog=_EXAMPLES)
@reports
@click.pass_obj
def plugins(session: Session) -> None:
    """Show what is installed, what it offers, and what failed.

    Exits with 1 when a plugin does not work.
    """
    found = find_plugins()
    rows = (*_offers(found), *_failures(found), *_disabled(found))
    if session.output == "table":
        _text(rows)
    else:
        show(Report(COLUMNS, rows), session.output)
    found.check()
    if found.failures:
        msg = f"{found.failures[0].plugin} does not work"
        raise PluginError(msg, hint=found.failures[0].error.hint)


def _offers(found: Plugins) -> Iterator[tuple[Value, ...]]:
    missing = _missing(found)
    for plugin in found.installed:
        offers = found.offers(plugin)
        if not offers:
            yield *_identity(plugin), None, None, None
        for kind, names in offers.items():
            for name in names:
                yield *_identity(plugin), kind, name, missing.get(name) if kind == "providers" else None


def _missing(found: Plugins) -> dict[str, str | None]:
    """By provider, why one that is installed offers nothing yet."""
    try:
        return {name: entry.unavailable or None for name, entry in found.providers().items()}
    except PluginError:
        return {}  # two claim one name: that is said once all is shown


def _failures(found: Plugins) -> Iterator[tuple[Value, ...]]:
    for failure in found.failures:
        yield *_identity(failure.plugin), None, None, failure.error.problem


def _disabled(found: Plugins) -> Iterator[tuple[Value, ...]]:
    return ((*_identity(plugin), None, None, f"disabled by {DISABLE}") for plugin in found.disabled)


def _identity(plugin: Plugin) -> tuple[str, str, str]:
    return plugin.name, plugin.distribution, plugin.version


def _text(rows: tuple[tuple[Value, ...], ...]) -> None:
    """A paragraph a plugin: rows of a table would not fit where people look."""
    head, below = None, None
    for name, distribution, version, kind, offer, problem in rows:
        if head != (head := f"{name} ({distribution} {version})"):
            click.echo(head)
            below = None
        if kind and below != (below := kind):
            click.echo(f"  {kind}")
        if offer:
            click.echo(f"    {offer}")
        if problem:
            click.echo(fitted(f"      {problem}", sys.stdout))
