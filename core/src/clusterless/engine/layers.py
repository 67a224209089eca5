"""Where the vertices of a graph are put: in layers from left to right, with few crossings (Sugiyama's way)."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import fmean

from attrs import frozen

_SWEEPS = 8  # there and back; more of them hardly ever help


@frozen
class Bend:
    """A place in a layer that an edge passes through: number *number* of its bends."""

    tail: str
    head: str
    number: int


Spot = str | Bend
Arrow = tuple[str, str]


@frozen(kw_only=True)
class Layers:
    """*layers* of spots, each in its order; *paths* are the spots that an edge goes through, its ends included.

    *heights* are those of the spots in their layer: neighbours are at least 1 apart, the least is 0.
    """

    layers: Sequence[Sequence[Spot]]
    heights: Mapping[Spot, float]
    paths: Mapping[Arrow, Sequence[Spot]]


def layered(vertices: Sequence[str], edges: Iterable[Arrow]) -> Layers:
    """A place for each of the *vertices*, such that edges lead to later layers, as far as none go round."""
    edges = [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1]]
    forward = _turned(vertices, edges)
    layer = _numbered(vertices, forward)
    paths = {edge: _path(*edge, layer) for edge in edges}
    beside = _beside(paths, layer)
    layers = _ordered(_filled(vertices, paths.values(), layer), beside)
    return Layers(layers=layers, heights=_heights(layers, beside), paths=paths)


def _turned(vertices: Sequence[str], edges: Sequence[Arrow]) -> Sequence[Arrow]:
    """The edges, those that close a circle the other way round: without recursion, graphs may be long."""
    heads: dict[str, list[str]] = {vertex: [] for vertex in vertices}
    for tail, head in edges:
        heads[tail].append(head)
    closing: set[Arrow] = set()
    state: dict[str, bool] = {}  # whether all below it was walked
    for root in vertices:
        walk = [(root, iter(heads[root]))] if root not in state else []
        state.setdefault(root, False)
        while walk:
            at, ahead = walk[-1]
            head = next(ahead, "")
            if not head:
                state[at] = True
                walk.pop()
            elif head not in state:
                state[head] = False
                walk.append((head, iter(heads[head])))
            elif not state[head]:
                closing.add((at, head))
    return [(edge[1], edge[0]) if edge in closing else edge for edge in edges]


def _numbered(vertices: Sequence[str], edges: Sequence[Arrow]) -> dict[str, int]:
    """Each vertex's layer: after the last of those that lead to it; a beginning, just before what it leads to."""
    heads: dict[str, list[str]] = {vertex: [] for vertex in vertices}
    missing = dict.fromkeys(vertices, 0)
    for tail, head in edges:
        heads[tail].append(head)
        missing[head] += 1
    layer = dict.fromkeys(vertices, 0)
    sources = ready = [vertex for vertex in vertices if not missing[vertex]]
    while ready:
        following = []
        for tail in ready:
            for head in heads[tail]:
                layer[head] = max(layer[head], layer[tail] + 1)
                missing[head] -= 1
                if not missing[head]:
                    following.append(head)
        ready = following
    for source in sources:
        layer[source] = min((layer[head] for head in heads[source]), default=1) - 1
    return layer


def _path(tail: str, head: str, layer: Mapping[str, int]) -> Sequence[Spot]:
    step = 1 if layer[tail] < layer[head] else -1
    bends = [Bend(tail, head, number) for number in range(layer[tail] + step, layer[head], step)]
    return (tail, *bends, head)


def _filled(vertices: Sequence[str], paths: Iterable[Sequence[Spot]], layer: Mapping[str, int]) -> list[list[Spot]]:
    layers: list[list[Spot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for vertex in vertices:
        layers[layer[vertex]].append(vertex)
    for path in paths:
        for bend in path[1:-1]:
            assert isinstance(bend, Bend)
            layers[bend.number].append(bend)
    return layers


def _beside(paths: Mapping[Arrow, Sequence[Spot]], layer: Mapping[str, int]) -> tuple[Mapping[Spot, list[Spot]], ...]:
    """What each spot is tied to in the layer before, and in the one after."""
    before: dict[Spot, list[Spot]] = {}
    after: dict[Spot, list[Spot]] = {}
    for (tail, head), path in paths.items():
        is_forward = layer[tail] < layer[head]
        for one, other in pairwise(path):
            left, right = (one, other) if is_forward else (other, one)
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    return before, after


def _ordered(layers: Sequence[list[Spot]], beside: tuple[Mapping[Spot, list[Spot]], ...]) -> Sequence[list[Spot]]:
    """Each spot goes where those are that it is tied to, on the average; the order with the fewest crossings wins."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers, beside[1])
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        ties = beside[sweep % 2]
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            place = {spot: number for each in layers for number, spot in enumerate(each)}
            layer.sort(key=lambda spot: fmean([place[tied] for tied in ties.get(spot, [spot])]))
        if (crossed := _crossings(layers, beside[1])) < fewest:
            best, fewest = [list(layer) for layer in layers], crossed
    return best


def _crossings(layers: Sequence[Sequence[Spot]], after: Mapping[Spot, Sequence[Spot]]) -> int:
    return sum(_inversions(list(_ends(layer, following, after))) for layer, following in pairwise(layers))


def _ends(layer: Sequence[Spot], following: Sequence[Spot], after: Mapping[Spot, Sequence[Spot]]) -> Iterator[int]:
    place = {spot: number for number, spot in enumerate(following)}
    for spot in layer:
        yield from sorted(place[tied] for tied in after.get(spot, ()))


def _inversions(numbers: Sequence[int]) -> int:
    seen: list[int] = []
    crossed = 0
    for number in numbers:
        crossed += len(seen) - bisect_right(seen, number)
        insort(seen, number)
    return crossed


def _heights(layers: Sequence[Sequence[Spot]], beside: tuple[Mapping[Spot, list[Spot]], ...]) -> Mapping[Spot, float]:
    """Spots are drawn to those that they are tied to, as far as their neighbours let them."""
    heights = {spot: float(number) for layer in layers for number, spot in enumerate(layer)}
    for sweep in range(_SWEEPS):
        ties = beside[sweep % 2]
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [fmean([heights[tied] for tied in ties.get(spot, [spot])]) for spot in layer]
            heights.update(zip(layer, _spread(wanted), strict=True))
    least = min(heights.values(), default=0.0)
    return {spot: height - least for spot, height in heights.items()}


def _spread(wanted: Sequence[float]) -> list[float]:
    """Heights in the same order, at least 1 apart, and the squares of how far they are from what is wanted least.

    Pools of neighbours that stand in each other's way are moved as one (isotonic regression).
    """
    pools: list[tuple[float, int]] = []  # the mean of what its members want, each less its place in the layer
    for place, height in enumerate(wanted):
        mean, count = height - place, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, count = (mean * count + other * others) / (count + others), count + others
        pools.append((mean, count))
    spread = [mean for mean, count in pools for _ in range(count)]
    return [mean + place for place, mean in enumerate(spread)]
