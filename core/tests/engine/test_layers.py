"""Laws of the layout: nothing overlaps, edges go on, and the same graph is drawn in the same way."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.layers import Bend, layered

NAMES = [f"v{number}" for number in range(9)]
GRAPHS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)


@given(GRAPHS)
def test_each_vertex_has_one_place_and_neighbours_are_apart(edges: list[tuple[str, str]]) -> None:
    laid = layered(NAMES, edges)
    spots = [spot for layer in laid.layers for spot in layer]
    assert len(spots) == len(set(spots)) == len(laid.heights)
    assert sorted(spot for spot in spots if isinstance(spot, str)) == NAMES
    for layer in laid.layers:
        assert all(laid.heights[below] - laid.heights[above] >= 1 - 1e-9 for above, below in pairwise(layer))
    assert min(laid.heights.values()) == 0


@given(GRAPHS)
def test_an_edge_goes_from_layer_to_layer(edges: list[tuple[str, str]]) -> None:
    laid = layered(NAMES, edges)
    where = {spot: number for number, layer in enumerate(laid.layers) for spot in layer}
    assert set(laid.paths) == {(tail, head) for tail, head in edges if tail != head}
    for (tail, head), path in laid.paths.items():
        assert (path[0], path[-1]) == (tail, head)
        assert all(isinstance(spot, Bend) for spot in path[1:-1])
        assert {where[after] - where[before] for before, after in pairwise(path)} in ({1}, {-1})


@given(GRAPHS)
def test_where_nothing_goes_round_every_edge_goes_forward(edges: list[tuple[str, str]]) -> None:
    onward = [(min(edge), max(edge)) for edge in edges]
    laid = layered(NAMES, onward)
    where = {spot: number for number, layer in enumerate(laid.layers) for spot in layer}
    assert all(where[tail] < where[head] for tail, head in laid.paths)


def test_edges_cross_only_where_they_must() -> None:
    laid = layered(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    assert [list(layer) for layer in laid.layers] == [["a", "b"], ["y", "x"]]


def test_a_beginning_stands_beside_what_it_leads_to() -> None:
    laid = layered(["a", "b", "c", "late"], [("a", "b"), ("b", "c"), ("late", "c")])
    assert [set(layer) for layer in laid.layers] == [{"a"}, {"b", "late"}, {"c"}]


def test_a_chain_is_a_line_however_long() -> None:
    names = [str(number) for number in range(3000)]
    laid = layered(names, list(pairwise(names)))
    assert len(laid.layers) == 3000
    assert set(laid.heights.values()) == {0}


def test_nothing_is_laid_out_of_nothing() -> None:
    assert layered([], []).layers == []
