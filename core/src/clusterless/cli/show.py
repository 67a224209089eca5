"""``cls show``: components and models, as they are written in project files."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.keys import REQUIRED, Key, every_key
from clusterless.cli.meanings import plain, prose
from clusterless.cli.templates import template
from clusterless.errors import ClsError, closest
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
_INDENT = " " * 4
_WIDEST = 100
_KINDS = ("provider", *_COMPONENTS, "model", "schema", "capabilities")

_EXAMPLES = """
\b
KIND is one of component, resource,
boundary, barrier, arc, activity,
notifier, model, schema, capabilities,
and with --list only provider.

\b
Examples:
  cls show component --list
  cls show arc --describe copyArc
  cls show boundary --model-all
  cls show model --model Project
  cls show schema
  cls show capabilities --output json
"""


class UnknownNameError(ClsError, LookupError):
    """Nothing that is installed has that name."""

    code = "name-unknown"


def _complete_name(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Names of the kind, and what stands after their last colon."""
    # An option that still lacks its value ends click's reading: what stands before it is in `args`.
    kinds = {*_COMPONENTS, "model"}.intersection([ctx.params.get("kind"), *ctx.args])
    known = list(_known(kinds.pop())) if kinds else []
    short = [name.rpartition(":")[2] for name in known]
    # A shell parts words at colons: the whole name is offered once its first letters are there.
    return [name for name in (known if ":" in begun else short) if name.lower().startswith(begun.lower())]


@click.command(epilog=_EXAMPLES)
@click.argument("kind", type=click.Choice(_KINDS), metavar="KIND")
@click.option("--list", "wanted", flag_value="list", help="List their names.")
@click.option(
    "--model", metavar="NAME", shell_complete=_complete_name, help="Show NAME as JSON, with every key and its default."
)
@click.option("--model-all", "wanted", flag_value="model", help="The same for all of them.")
@click.option(
    "--describe", metavar="NAME", shell_complete=_complete_name, help="Say what NAME is, key by key, with its JSON."
)
@click.option("--describe-all", "wanted", flag_value="describe", help="The same for all of them.")
@click.option("--required", is_flag=True, help="Only the keys that must be given.")
@reports
@click.pass_obj
def show(
    session: Session, kind: str, wanted: str | None, model: str | None, describe: str | None, required: bool
) -> None:
    """Show what may stand in a project file: components by KIND, and models.

    NAME is a component's type, or what stands after its last colon, in any case. With KIND schema: the
    JSON Schema of project files, which editors check and complete by. With KIND capabilities: what each
    provider can do and what not, as a report.
    """
    if kind in {"schema", "capabilities"}:
        _check_alone(kind, wanted or model or describe or required)
        _show_capabilities(session.output) if kind == "capabilities" else _show_schema()
        return
    if session.given and session.given != "table":
        msg = "--output is for cls show capabilities: the others are no reports"
        raise click.UsageError(msg)
    if [wanted, model, describe].count(None) != 2:
        msg = "give one of --list, --model NAME, --model-all, --describe NAME, --describe-all"
        raise click.UsageError(msg)
    known = _known(kind)
    if wanted == "list":
        _lines(known)
    elif kind == "provider":
        msg = "show provider: only --list is there; cls plugins shows what each offers"
        raise click.UsageError(msg)
    elif model or wanted == "model":
        _lines(_json(known[name], name, required) for name in _chosen(kind, known, model))
    else:
        _lines(_described(known[name], name) for name in _chosen(kind, known, describe))


def _check_alone(kind: str, more: object) -> None:
    if more:
        msg = f"show {kind}: takes no options{' but --output' if kind == 'capabilities' else ''}"
        raise click.UsageError(msg)


def _show_capabilities(output: str) -> None:
    from clusterless.cli.capabilities import show_capabilities

    show_capabilities(find_plugins(), output)


def _show_schema() -> None:
    from clusterless.cli.schema import project_schema

    click.echo(json.dumps(project_schema(find_plugins().components()), indent=2, ensure_ascii=False))


def _known(kind: str) -> Mapping[str, Any]:
    """What there is of that kind, by name: models in their own order, the rest sorted."""
    if kind == "model":
        return {model.__name__: model for model in MODELS}
    plugins = find_plugins()
    found = plugins.providers() if kind == "provider" else _COMPONENTS[kind](plugins)
    return dict(sorted(found.items()))


def _chosen(kind: str, known: Mapping[str, Any], name: str | None) -> list[str]:
    if name is None:
        return list(known)
    if found := _meant(known, name):
        return found
    # All are components too: that would tell least.
    others = [other for other in (*_COMPONENTS, "model") if other not in {kind, "component"}]
    if other := next((other for other in others if _meant(_known(other), name)), None):
        msg = f"no {kind} is called {name}: it is {'an' if other[0] == 'a' else 'a'} {other}"
        raise UnknownNameError(msg, hint=f"cls show {other} --describe {name}")
    short = {_short(each): each for each in known}
    close = closest(name, [*known, *short])
    hint = f"did you mean {short.get(close, close)!r}?" if close else "--list shows what there is"
    msg = f"no model found for: {name}"
    raise UnknownNameError(msg, hint=hint)


def _meant(known: Iterable[str], name: str) -> list[str]:
    return [each for each in known if name.lower() in {each.lower(), _short(each)}]


def _short(name: str) -> str:
    """``copyArc``, of ``cls:core:copyArc``."""
    return name.rpartition(":")[2].lower()


def _json(what: Any, name: str, required: bool) -> str:
    model, type_ = (what.model, name) if isinstance(what, Component) else (what, None)
    return json.dumps(template(model, type_, required=required), indent=2, separators=(",", " : "))


def _described(what: Any, name: str) -> str:
    model = what.model if isinstance(what, Component) else what
    description = _filled(plain(prose(model.__doc__)))
    synopsis = _filled(what.summary) if isinstance(what, Component) else description.partition("\n\n")[0]
    blocks = {
        "Type": name,
        "Synopsis": synopsis,
        "Description": description,
        "Keys": "\n".join(_key(key) for key in every_key(model, lambda of: str(of.__name__))),
        "Template": _json(what, name, False),
    }
    return "\n".join(f"{title}\n{_indented(body)}\n" for title, body in blocks.items() if body)


def _key(key: Key) -> str:
    standard = key.default if key.default in {REQUIRED, "its own"} else f"default {key.default}"
    told = f"{plain(key.given)}; {standard}"
    models = [model.__name__ for model in MODELS if re.search(rf"\b{model.__name__}\b", key.given)]
    more = "".join(f"see cls show model --describe {name}" for name in models)
    below = [_filled(line, indent="  ") for line in (told, plain(key.meaning), more) if line]
    return "\n".join([key.name, *below])


def _filled(text: str, indent: str = "") -> str:
    """*text* in lines that fit, beside the indentation of its block."""
    width = max(min(shutil.get_terminal_size().columns, _WIDEST) - len(_INDENT), 20)
    wrapper = textwrap.TextWrapper(width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return "\n\n".join(wrapper.fill(paragraph) for paragraph in text.split("\n\n"))


def _indented(text: str) -> str:
    return textwrap.indent(text, _INDENT)


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
