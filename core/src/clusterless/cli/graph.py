"""``cls graph``: projects, datasets and what works them, drawn."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping

import click

from clusterless.cli.app import Session
from clusterless.cli.graph_markup import as_dot, as_json, as_mermaid
from clusterless.cli.graph_svg import as_svg
from clusterless.cli.graph_text import as_text
from clusterless.cli.progress import progress
from clusterless.cli.ranges import Window, is_given, ranged
from clusterless.cli.scope import Scope, refuse_unknown, scoped
from clusterless.engine.drawing import Drawing, Vertex, coloured, narrowed
from clusterless.operate.graph import count_lots, draw, turned_off
from clusterless.operate.status.overview import Overview
from clusterless.operate.status.subjects import subjects
from clusterless.plugins import find_plugins

_EPILOG = """
\b
Examples:
  cls graph -p project.json
  cls graph --earliest -1d@d
  cls graph --format svg
"""


def _text(drawing: Drawing) -> str:
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    return as_text(drawing, room, sys.stdout.encoding)


_FORMATS: Mapping[str, Callable[[Drawing], str]] = {
    "text": _text,
    "mermaid": as_mermaid,
    "dot": as_dot,
    "svg": as_svg,
    "json": as_json,
}


@click.command(epilog=_EPILOG)
@click.option("--format", "form", type=click.Choice([*_FORMATS]), help="What it is drawn as.  [default: text]")
@ranged
@scoped
@click.pass_context
def graph(ctx: click.Context, scope: Scope, window: Window, form: str | None) -> None:
    """Draw projects: datasets, what makes, works and announces them, and what it has to do with other projects.

    With --earliest or --latest, each with how its lots of that time stand, and coloured by the worst of them;
    without both, no lots are looked at, and the 12 hours are for --latest alone. MOMENT is a lot, a date or time, or
    a distance from now such as 12h or -1d@d.
    """
    session: Session = ctx.obj
    drawn = _FORMATS[form or _form(session.given)]
    is_coloured = is_given(ctx, "earliest", "latest")
    landscape = scope.landscape(find_plugins(), is_looked_at=is_coloured)
    drawing = draw(landscape)
    if scope.projects or scope.names:
        _refuse_unknown(scope, drawing)
        drawing = narrowed(drawing, lambda vertex: _is_asked_for(scope, vertex))
    if not drawing.vertices:
        click.echo("there is nothing to draw: -p FILE draws the project of a file", err=True)
        return
    if is_coloured:
        known = Overview(landscape, subjects(landscape), window.of, window.now)
        with progress("looking at lots") as step:
            drawing = coloured(drawing, count_lots(known, step), turned_off(known))
    click.echo(drawn(drawing), nl=False)


def _form(output: str | None) -> str:
    """What ``cls --output`` asks for, where ``--format`` does not."""
    if output in {"csv", "tsv"}:
        msg = f"a graph has no rows that could be {output}: use --format {', '.join(_FORMATS)}"
        raise click.UsageError(msg)
    return "json" if output == "json" else "text"


def _is_asked_for(scope: Scope, vertex: Vertex) -> bool:
    is_of_project = not scope.projects or bool(_projects(vertex) & {*scope.projects})
    return is_of_project and (not scope.names or bool(_names(vertex) & {*scope.names}))


def _refuse_unknown(scope: Scope, drawing: Drawing) -> None:
    known = drawing.vertices
    refuse_unknown("project", scope.projects, [_projects(vertex) for vertex in known])
    refuse_unknown("name", scope.names, [_names(vertex) for vertex in known])


def _projects(vertex: Vertex) -> set[str]:
    project = vertex.home.rpartition(" ")[2]
    return {project.partition("/")[0], project.replace("/", ":")}


def _names(vertex: Vertex) -> set[str]:
    return {vertex.name, vertex.name.partition("/")[0]}
