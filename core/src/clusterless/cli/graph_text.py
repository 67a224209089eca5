"""A pipeline as text: a tree a project, that fits however narrow the terminal is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from attrs import frozen

from clusterless.engine.drawing import Drawing, Kind, Vertex


@frozen
class Guides:
    """What a tree is drawn with."""

    branch: str
    last: str
    trunk: str
    dataset: str
    leads: str


LINES = Guides("├─ ", "└─ ", "│  ", "● ", "→")
PLAIN = Guides("|- ", "`- ", "|  ", "* ", "->")
_WIDE = 10_000


def as_text(drawing: Drawing, room: int, encoding: str) -> str:
    """Each project as a tree: below a thing stands what it leads to; *room* in columns, 0 for any number of them."""
    guides = _fit(encoding)
    sections = (
        "\n".join([*_wrapped(drawing.homes[home], "", "", room), *_Tree(drawing, guides, room, home, own).lines()])
        for home, own in drawing.by_home
    )
    return "\n\n".join(sections) + "\n"


def _fit(encoding: str) -> Guides:
    try:
        f"{LINES.branch}{LINES.last}{LINES.trunk}{LINES.dataset}{LINES.leads}".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return LINES


@frozen
class _Tree:
    """The tree of what is of *home*; what comes from elsewhere stands at its roots."""

    drawing: Drawing
    guides: Guides
    room: int
    home: str
    own: Sequence[Vertex]

    def lines(self) -> Iterator[str]:
        shown: set[str] = set()
        for root in self._roots():
            yield ""
            yield from self._below(root, shown)
        for left in self.own:  # what goes round has no beginning
            if left.id not in shown:
                yield ""
                yield from self._below(left.id, shown)

    def _roots(self) -> Sequence[str]:
        roots: dict[str, None] = {}
        for vertex in self.own:
            tails = [edge.tail for edge in self.drawing.tails.get(vertex.id, ())]
            roots |= dict.fromkeys(tail for tail in tails if self.drawing.by_id[tail].home != self.home)
            if not tails:
                roots[vertex.id] = None
        return list(roots)

    def _below(self, root: str, shown: set[str]) -> Iterator[str]:
        """One thing after another without indenting, as long as they do not branch; without recursion."""
        waiting = [(root, "", "")]
        while waiting:
            each, lead, rest = waiting.pop()
            vertex = self.drawing.by_id[each]
            yield from _wrapped(self._said(vertex, is_known=each in shown), lead, rest, self.room)
            if each in shown:
                continue
            shown.add(each)
            *others, last = self._led_to(each) or [""]
            if last:
                forks = (self.guides.last, "   ") if others else ("", "")
                waiting.append((last, rest + forks[0], rest + forks[1]))
            waiting += [(one, rest + self.guides.branch, rest + self.guides.trunk) for one in reversed(others)]

    def _led_to(self, each: str) -> Sequence[str]:
        heads = [edge.head for edge in self.drawing.heads.get(each, ())]
        return [head for head in dict.fromkeys(heads) if self.drawing.by_id[head].home == self.home]

    def _said(self, vertex: Vertex, *, is_known: bool) -> str:
        label = f"{self.guides.dataset}{vertex.name}" if vertex.kind is Kind.DATASET else vertex.label
        if is_known:
            return f"{label} (above)"
        parts = [label, f"({vertex.note})" if vertex.note else "", f"[{vertex.standing}]" if vertex.standing else ""]
        return " ".join(filter(None, (*parts, *self._elsewhere(vertex))))

    def _elsewhere(self, vertex: Vertex) -> Iterator[str]:
        """What the tree cannot show."""
        if vertex.home != self.home:
            yield f"of {self.drawing.homes[vertex.home]}"
            return
        tails = dict.fromkeys(edge.tail for edge in self.drawing.tails.get(vertex.id, ()))
        if vertex.kind not in {Kind.DATASET, Kind.NOTIFIER} and len(tails) > 1:
            yield f"of {', '.join(self.drawing.by_id[tail].name for tail in tails)}"
        heads = (self.drawing.by_id[edge.head].home for edge in self.drawing.heads.get(vertex.id, ()))
        if homes := [self.drawing.homes[home] for home in dict.fromkeys(heads) if home != self.home]:
            yield f"{self.guides.leads} {', '.join(homes)}"


def _wrapped(text: str, lead: str, rest: str, room: int) -> Sequence[str]:
    """Lines of *room* columns at most; of guides that leave too little of it, the innermost are kept."""
    kept = room // 2 or _WIDE
    return textwrap.wrap(
        text,
        room or _WIDE,
        initial_indent=lead[-kept:],
        subsequent_indent=f"{rest[-kept:]}  ",
        break_on_hyphens=False,
    )
