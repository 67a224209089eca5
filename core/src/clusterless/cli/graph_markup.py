"""A pipeline as other programs draw it: Mermaid, Graphviz's dot, and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from clusterless.engine.drawing import Drawing, Flow, Kind, Vertex
from clusterless.engine.standing import Standing

COLOURS: Mapping[Standing, str] = {
    Standing.EMPTY: "#dfe3e8",
    Standing.COMPLETE: "#b7e4c0",
    Standing.REMOVED: "#c9cdd2",
    Standing.RUNNING: "#b3d7f5",
    Standing.STALE: "#d9c8f0",
    Standing.NEVER_STARTED: "#fdeaa8",
    Standing.LATE: "#fbd39a",
    Standing.PARTIAL: "#f7b59c",
    Standing.MISSING: "#f2a1a6",
}
"""Light enough for dark letters, whatever is behind them; the words say the same."""


def words(vertex: Vertex) -> Sequence[str]:
    """What is said of it, a line each."""
    return [each for each in (vertex.label, vertex.note, vertex.standing) if each]


def slug(state: Standing) -> str:
    return state.value.replace(" ", "-")


def _numbered(drawing: Drawing) -> Mapping[str, str]:
    return {vertex.id: f"n{number}" for number, vertex in enumerate(drawing.vertices, start=1)}


# ---- Mermaid ---------------------------------------------------------------------------------------------------

_SHAPES = {
    Kind.DATASET: ('[("', '")]'),
    Kind.BOUNDARY: ('>"', '"]'),
    Kind.ARC: ('["', '"]'),
    Kind.BARRIER: ('{{"', '"}}'),
    Kind.EGRESS: ('[/"', '"/]'),
    Kind.NOTIFIER: ('(["', '"])'),
    Kind.ACTIVITY: ('("', '")'),
}
_ARROWS = {Flow.LOTS: "-->", Flow.READ: "-.->", Flow.NEWS: "--o"}
_UNSAFE = re.compile(r"[^\w .,:/()+-]")  # of an ASCII character that means something there, its code is written


def as_mermaid(drawing: Drawing) -> str:
    """A flowchart, as Markdown pages show it."""
    return "\n".join(["flowchart LR", *_mermaid(drawing, _numbered(drawing)), ""])


def _mermaid(drawing: Drawing, number: Mapping[str, str]) -> Iterator[str]:
    for count, (home, own) in enumerate(drawing.by_home, start=1):
        yield f'  subgraph p{count} ["{_coded(drawing.homes[home])}"]'
        for vertex in own:
            before, after = _SHAPES[vertex.kind]
            yield f"    {number[vertex.id]}{before}{'<br/>'.join(map(_coded, words(vertex)))}{after}"
        yield "  end"
    for edge in drawing.edges:
        yield f"  {number[edge.tail]} {_ARROWS[edge.flow]} {number[edge.head]}"
    for state in drawing.states:
        yield f"  classDef {slug(state)} fill:{COLOURS[state]},color:#111"
        marked = ",".join(number[vertex.id] for vertex in drawing.vertices if vertex.state is state)
        yield f"  class {marked} {slug(state)}"


def _coded(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"#{ord(match[0])};", text)


# ---- dot -------------------------------------------------------------------------------------------------------

_DOT_SHAPES = {
    Kind.DATASET: "cylinder",
    Kind.BOUNDARY: "cds",
    Kind.ARC: "box",
    Kind.BARRIER: "hexagon",
    Kind.EGRESS: "cds",
    Kind.NOTIFIER: "note",
    Kind.ACTIVITY: "ellipse",
}
_STYLES = {Flow.LOTS: "solid", Flow.READ: "dashed", Flow.NEWS: "dotted"}


def as_dot(drawing: Drawing) -> str:
    """A digraph in Graphviz's language."""
    head = ["digraph clusterless {", "  rankdir=LR;", "  node [fontname=monospace];"]
    return "\n".join([*head, *_dot(drawing, _numbered(drawing)), "}", ""])


def _dot(drawing: Drawing, number: Mapping[str, str]) -> Iterator[str]:
    for count, (home, own) in enumerate(drawing.by_home, start=1):
        yield f"  subgraph cluster_{count} {{"
        yield f"    label={_quoted(drawing.homes[home])};"
        for vertex in own:
            yield f"    {number[vertex.id]} [{_attributes(vertex)}];"
        yield "  }"
    for edge in drawing.edges:
        yield f"  {number[edge.tail]} -> {number[edge.head]} [style={_STYLES[edge.flow]}];"


def _attributes(vertex: Vertex) -> str:
    said = _quoted("\n".join(words(vertex)))
    fill = f', style=filled, fillcolor="{COLOURS[vertex.state]}", fontcolor="#111111"' if vertex.state else ""
    return f"label={said}, shape={_DOT_SHAPES[vertex.kind]}{fill}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


# ---- JSON ------------------------------------------------------------------------------------------------------


def as_json(drawing: Drawing) -> str:
    projects = [{"id": home, "text": text} for home, text in drawing.homes.items()]
    edges = [{"from": edge.tail, "to": edge.head, "flow": edge.flow.value} for edge in drawing.edges]
    told = {"projects": projects, "nodes": list(map(_node, drawing.vertices)), "edges": edges}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _node(vertex: Vertex) -> Mapping[str, object]:
    lots = None if vertex.lots is None else {state.value: count for state, count in vertex.lots.items()}
    return {
        "id": vertex.id,
        "kind": vertex.kind.value,
        "name": vertex.name,
        "project": vertex.home,
        "note": vertex.note,
        "state": vertex.state.value if vertex.state else None,
        "lots": lots,
        "off": vertex.is_off,
    }
