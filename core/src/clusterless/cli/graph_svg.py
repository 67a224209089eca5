"""A pipeline as a picture: SVG that needs nothing else to be shown, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from xml.sax.saxutils import escape

from attrs import frozen

from clusterless.cli.graph_markup import COLOURS, slug, words
from clusterless.engine.drawing import Drawing, Kind, Vertex
from clusterless.engine.layers import Arrow, Layers, Spot, layered

_CHARACTER, _LINE, _PADDING = 7.3, 15, 8  # pixels: of a monospaced letter, a line, and around a text
_BETWEEN, _MARGIN = 56, 16  # between layers, and around all
_LONGEST = 44  # characters of a line; the whole is shown when it is pointed at
_ROUND = {Kind.DATASET: 14, Kind.ACTIVITY: 14, Kind.NOTIFIER: 14}

_STYLE = """\
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1b1f24; }
rect { fill: #f6f8fa; stroke: #57606a; }
rect.excluded { stroke-dasharray: 3 3; }
path { fill: none; stroke: #57606a; }
path.read { stroke-dasharray: 6 4; }
path.news { stroke-dasharray: 2 3; }
marker path { fill: #57606a; stroke: none; }
.small { font-size: 11px; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  rect { fill: #21262d; stroke: #8b949e; }
  path { stroke: #8b949e; }
  marker path { fill: #8b949e; stroke: none; }
}"""
_HEAD = '<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{0}" height="{1}" viewBox="0 0 {0} {1}">'
_ARROW = (
    '<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
)
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_svg(drawing: Drawing) -> str:
    laid = layered([vertex.id for vertex in drawing.vertices], [(edge.tail, edge.head) for edge in drawing.edges])
    return "\n".join([*_Picture(drawing, _Frame.of(drawing, laid)).lines(), ""])


@frozen
class _Box:
    left: int
    top: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        return self.top + self.height // 2

    @property
    def right(self) -> int:
        return self.left + self.width


@frozen
class _Frame:
    """Where everything is, in pixels: a box a spot, and as *paths* the spots that an edge goes through."""

    boxes: Mapping[Spot, _Box]
    paths: Mapping[Arrow, Sequence[Spot]]
    width: int
    height: int

    @classmethod
    def of(cls, drawing: Drawing, laid: Layers) -> _Frame:
        said = {vertex.id: _said(drawing, vertex) for vertex in drawing.vertices}
        tallest = max(map(len, said.values()), default=1) * _LINE + 2 * _PADDING
        widths = [max([_width(said.get(str(spot), ())) for spot in layer], default=0) for layer in laid.layers]
        lefts = list(accumulate((width + _BETWEEN for width in widths), initial=_MARGIN))
        boxes = {
            spot: _Box(lefts[number], _MARGIN + round(laid.heights[spot] * (tallest + _LINE)), widths[number], tallest)
            for number, layer in enumerate(laid.layers)
            for spot in layer
        }
        bottom = max((box.top + box.height for box in boxes.values()), default=0)
        return cls(boxes, laid.paths, max(lefts[-1] - _BETWEEN, 0) + _MARGIN, bottom + _MARGIN)


@frozen
class _Picture:
    drawing: Drawing
    frame: _Frame

    def lines(self) -> Iterator[str]:
        yield _HEAD.format(self.frame.width, self.frame.height)
        yield f"<title>{_xml(', '.join(self.drawing.homes.values()))}</title>"
        yield f"<style>\n{_STYLE}\n{_fills(self.drawing)}</style>"
        yield _ARROW
        for edge in self.drawing.edges:
            if path := self.frame.paths.get((edge.tail, edge.head)):
                yield f'<path class="{edge.flow.value}" marker-end="url(#to)" d="{self._curve(path)}"/>'
        for vertex in self.drawing.vertices:
            yield from self._vertex(vertex, self.frame.boxes[vertex.id])
        yield "</svg>"

    def _curve(self, path: Sequence[Spot]) -> str:
        boxes = [self.frame.boxes[spot] for spot in path]
        is_forward = boxes[0].left <= boxes[-1].left
        enter, leave = (_left, _right) if is_forward else (_right, _left)
        drawn = [f"M{leave(boxes[0])} {boxes[0].middle}"]
        for one, other in pairwise(boxes):
            half = (leave(one) + enter(other)) // 2
            drawn.append(f"C{half} {one.middle} {half} {other.middle} {enter(other)} {other.middle}")
            if other is not boxes[-1]:
                drawn.append(f"H{leave(other)}")
        return " ".join(drawn)

    def _vertex(self, vertex: Vertex, box: _Box) -> Iterator[str]:
        said = _said(self.drawing, vertex)
        height = len(said) * _LINE + 2 * _PADDING
        top = box.middle - height // 2
        is_excluded = "excluded" in vertex.note
        state = f"state {slug(vertex.state)}" if vertex.state else "excluded" if is_excluded else ""
        whole = ", ".join([*words(vertex), self.drawing.homes[vertex.home]])
        yield f'<g class="{vertex.kind.value} {state}"><title>{_xml(whole)}</title>'
        yield (
            f'<rect class="{state}" x="{box.left}" y="{top}" width="{box.width}" height="{height}" '
            f'rx="{_ROUND.get(vertex.kind, 2)}"/>'
        )
        for number, line in enumerate(said):
            size = "small" if number else "name"
            y = top + _PADDING + (number + 1) * _LINE - 4
            yield f'<text class="{size}" x="{box.left + _PADDING}" y="{y}">{_xml(line)}</text>'
        yield "</g>"


def _said(drawing: Drawing, vertex: Vertex) -> Sequence[str]:
    """The lines in its box: with whose it is, where there is more than one project."""
    label, *rest = words(vertex)
    homes = [drawing.homes[vertex.home].partition(" (")[0]] if len(drawing.homes) > 1 else []
    return [line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…" for line in (label, *homes, *rest)]


def _width(lines: Sequence[str]) -> int:
    return round(max((len(line) for line in lines), default=0) * _CHARACTER) + 2 * _PADDING


def _left(box: _Box) -> int:
    return box.left


def _right(box: _Box) -> int:
    return box.right


def _fills(drawing: Drawing) -> str:
    fills = (f".{slug(state)} rect {{ fill: {COLOURS[state]}; }}" for state in drawing.states)
    return "\n".join([*fills, ".state text { fill: #111; }" if drawing.states else "", ""])


def _xml(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
