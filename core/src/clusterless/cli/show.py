"""``cls show``: components and models, as they are written in project files."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from clusterless.cli.templates import template
from clusterless.errors import ClsError
from clusterless.model.arc import Arc
from clusterless.model.dataset import SinkDataset, SourceDataset
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.plugins import Plugins, find_plugins
from clusterless.provider import Component

MODELS = (Deployable, Project, Placement, Arc, SourceDataset, SinkDataset)

_COMPONENTS: Mapping[str, Callable[[Plugins], Mapping[str, Component]]] = {
    "component": Plugins.components,
    "resource": Plugins.resources,
    "boundary": Plugins.boundaries,
    "barrier": Plugins.barriers,
    "arc": Plugins.arcs,
    "activity": Plugins.activities,
    "notifier": Plugins.notifiers,
}
_KINDS = ("provider", *_COMPONENTS, "model")


@click.command()
@click.argument("kind", type=click.Choice(_KINDS))
@click.option("--list", "wanted", flag_value="list", help="List their names.")
@click.option("--model", metavar="NAME", help="Show NAME as JSON, with every key and its default.")
@click.option("--model-all", "wanted", flag_value="model", help="The same for all of them.")
@click.option("--describe", metavar="NAME", help="Say what NAME is, with its JSON.")
@click.option("--describe-all", "wanted", flag_value="describe", help="The same for all of them.")
@click.option("--required", is_flag=True, help="Only the keys that must be given.")
def show(kind: str, wanted: str | None, model: str | None, describe: str | None, required: bool) -> None:
    """Show what may stand in a project file: components by KIND, and models."""
    if [wanted, model, describe].count(None) != 2:
        msg = "give one of --list, --model NAME, --model-all, --describe NAME, --describe-all"
        raise click.UsageError(msg)
    known = _known(kind)
    if wanted == "list":
        _lines(known)
    elif kind == "provider":
        msg = "show provider: only --list is there"
        raise click.UsageError(msg)
    elif model or wanted == "model":
        _lines(_json(known[name], name, required) for name in _chosen(known, model))
    else:
        _lines(_described(known[name], name) for name in _chosen(known, describe))


def _known(kind: str) -> Mapping[str, Any]:
    """What there is of that kind, by name: models in their own order, the rest sorted."""
    if kind == "model":
        return {model.__name__: model for model in MODELS}
    plugins = find_plugins()
    found = plugins.providers() if kind == "provider" else _COMPONENTS[kind](plugins)
    return dict(sorted(found.items()))


def _chosen(known: Mapping[str, Any], name: str | None) -> list[str]:
    if name is None:
        return list(known)
    for each in known:
        if each.lower() == name.lower():
            return [each]
    msg = f"no model found for: {name}"
    raise ClsError(msg, hint="--list shows what there is")


def _json(what: Any, name: str, required: bool) -> str:
    model, type_ = (what.model, name) if isinstance(what, Component) else (what, None)
    return json.dumps(template(model, type_, required=required), indent=2, separators=(",", " : "))


def _described(what: Any, name: str) -> str:
    model = what.model if isinstance(what, Component) else what
    description = inspect.cleandoc(model.__doc__ or "")
    synopsis = what.summary if isinstance(what, Component) else description.partition("\n")[0]
    blocks = {"Type": name, "Synopsis": synopsis, "Description": description, "Template": _json(what, name, False)}
    return "\n".join(f"{title}\n{_indented(body)}\n" for title, body in blocks.items() if body)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
