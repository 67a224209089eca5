"""``cls show capabilities``: what each provider that is installed can do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click
from attrs import frozen

from clusterless.cli.render import Report, show, table
from clusterless.cli.words import fitted
from clusterless.model.capability import Ability, Capability, Support
from clusterless.plugins import Plugins
from clusterless.provider import ProviderEntry

COLUMNS = ("provider", "capability", "support", "offers", "why")


@frozen
class _Row:
    provider: str
    capability: Capability
    ability: Ability | None
    offers: Sequence[str]

    @property
    def support(self) -> str | None:
        return self.ability.support.value if self.ability else None

    @property
    def why(self) -> str:
        return self.ability.why if self.ability else ""


def show_capabilities(found: Plugins, output: str) -> None:
    """Print the table of providers by capability; in other forms than a table, a row for each of both."""
    rows = list(_rows(found))
    if output != "table":
        told = (
            (row.provider, row.capability.value, row.support, " ".join(row.offers) or None, row.why) for row in rows
        )
        show(Report(COLUMNS, tuple((*values, why or None) for *values, why in told)), output)
        return
    click.echo(table(_crossed(rows), shutil.get_terminal_size((0, 0)).columns), nl=False)
    for line in _notes(rows):
        click.echo(fitted(line, sys.stdout))


def _rows(found: Plugins) -> Iterator[_Row]:
    for name, entry in sorted(found.providers().items()):
        offered = _offered(found, name)
        for capability in Capability:
            yield _Row(name, capability, _ability(entry, capability), offered.get(capability, ()))


def _ability(entry: ProviderEntry, capability: Capability) -> Ability | None:
    if entry.unavailable:
        return Ability(Support.NOT_YET, entry.unavailable)
    return entry.capabilities.get(capability)


def _offered(found: Plugins, provider: str) -> Mapping[Capability, Sequence[str]]:
    """The names of what the provider offers, as far as what is offered has names."""
    own = [each for each in map(found.offers, found.installed) if provider in each.get("providers", ())]

    def of_its_own(names: Iterable[str]) -> list[str]:
        return [name for name in names if name.startswith(f"{provider}:")]

    containers = [name for name, arc in found.arcs().items() if arc.container]
    return {
        Capability.STORES: [name for each in own for name in each.get("stores", ())],
        Capability.ARRIVALS: of_its_own(found.boundaries()),
        Capability.EVENTS: of_its_own(found.notifiers()),
        Capability.RESOURCES: of_its_own(found.resources()),
        Capability.ARCS: of_its_own(name for name in found.arcs() if name not in containers),
        Capability.CONTAINERS: of_its_own(containers),
        Capability.DEPLOYMENT: [name for name in found.deployers() if name == provider],
    }


# ---- where people look -----------------------------------------------------------------------------------------


def _crossed(rows: Sequence[_Row]) -> Report:
    """A line a capability, a column a provider."""
    providers = tuple(dict.fromkeys(row.provider for row in rows))
    cells = {(row.capability, row.provider): row.support for row in rows}
    lines = ((each.value, *(cells[each, provider] for provider in providers)) for each in Capability)
    return Report(("capability", *providers), tuple(lines))


def _notes(rows: Sequence[_Row]) -> Iterator[str]:
    if any(row.ability and row.ability.support is Support.UNTRIED for row in rows):
        yield "untried: it never met the real service, only what stands in for it in tests."
    before = None
    for row in rows:
        if not row.why:
            continue
        if before != (before := row.provider):
            yield f"\n{row.provider}"
        yield f"  {row.capability.value}: {row.support}: {row.why}"
