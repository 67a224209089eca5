"""Whatever things are called, each form of a graph can be read by those whose form it is."""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.cli.graph_markup import as_dot, as_json, as_mermaid
from clusterless.cli.graph_svg import as_svg
from clusterless.cli.graph_text import as_text
from clusterless.engine.drawing import Drawing, Edge, Flow, Kind, Vertex, coloured, narrowed
from clusterless.engine.standing import Standing

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it calls its own parser by names that are going
    import pydot.dot_parser

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
    st.sampled_from(['"', "%s", "50 %", "end", "a\\", "]]>", "&lt;", "`x`", "</svg>", "<b>", "日本語", "#quot;", "n1"]),
)
STATES = st.none() | st.dictionaries(st.sampled_from(Standing), st.integers(0, 3))


@st.composite
def drawings(draw: st.DrawFn) -> Drawing:
    homes = {f"h{number}": text for number, text in enumerate(draw(st.lists(TEXTS, min_size=1, max_size=3)))}
    vertices = [
        Vertex(
            id=f"id {number}",
            kind=draw(st.sampled_from(Kind)),
            name=draw(TEXTS),
            home=draw(st.sampled_from(sorted(homes))),
            note=draw(st.just("") | TEXTS),
            lots=draw(STATES),
        )
        for number in range(draw(st.integers(1, 7)))
    ]
    ends = st.sampled_from([vertex.id for vertex in vertices])
    edges = draw(st.lists(st.builds(Edge, ends, ends, st.sampled_from(Flow)), max_size=10, unique=True))
    return Drawing(homes, vertices, edges)


ORDERS = Vertex(id="o", kind=Kind.DATASET, name="orders/1", home="shop")
CLEAN = Vertex(id="c", kind=Kind.ARC, name="clean", home="shop", note="lots of Hours")
KEPT = Vertex(id="k", kind=Kind.DATASET, name="kept/1", home="shop")
TELL = Vertex(id="t", kind=Kind.NOTIFIER, name="tell", home="other")
SHOP = Drawing(
    {"shop": "shop/1 (local)", "other": "other/1 (local)"},
    [ORDERS, CLEAN, KEPT, TELL],
    [Edge("o", "c"), Edge("c", "k"), Edge("k", "t", Flow.NEWS), Edge("k", "c", Flow.READ)],
)


# ---- whatever they are called ----------------------------------------------------------------------------------


def test_dot_is_read_by_others_with_the_same_words() -> None:
    """One of few: the parser takes its time."""
    names = ['"', "a\\", "50 %; }", "日本語"]
    vertices = [Vertex(id=name, kind=Kind.ARC, name=name, home="shop", note="it's") for name in names]
    (graph,) = pydot.graph_from_dot_data(as_dot(Drawing(SHOP.homes, vertices, [Edge(names[0], names[1])])))
    (project,) = graph.get_subgraphs()
    assert [unquoted(str(node.get_label())) for node in project.get_nodes()] == [f"arc {name}\nit's" for name in names]
    assert [(edge.get_source(), edge.get_destination()) for edge in graph.get_edges()] == [("n1", "n2")]


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text[1:-1])


WORD = r'"(?:[\w .,:/()+-]|#\d+;|<br/>)*"'
NODE = rf"n\d+(?:\[\({WORD}\)\]|>{WORD}\]|\[{WORD}\]|\{{\{{{WORD}\}}\}}|\[/{WORD}/\]|\(\[{WORD}\]\)|\({WORD}\))"
LINES = (
    r"flowchart LR",
    rf"  subgraph p\d+ \[{WORD}\]",
    rf"    {NODE}",
    r"  end",
    r"  n\d+ (?:-->|-\.->|--o) n\d+",
    r"  classDef [a-z-]+ fill:#[0-9a-f]{6},color:#111",
    r"  class n\d+(?:,n\d+)* [a-z-]+",
)


QUOTED = r'"(?:[^"\\\n]|\\["\\n])*"'
FILLED = r', style=filled, fillcolor="#[0-9a-f]{6}", fontcolor="#111111"'
DOT_LINES = (
    r"digraph clusterless \{|  rankdir=LR;|  node \[fontname=monospace\];|  subgraph cluster_\d+ \{|  \}|\}",
    rf"    label={QUOTED};",
    rf"    n\d+ \[label={QUOTED}, shape=[a-z]+(?:{FILLED})?\];",
    r"  n\d+ -> n\d+ \[style=[a-z]+\];",
)


@given(drawings())
def test_dot_keeps_to_its_grammar(drawing: Drawing) -> None:
    for line in as_dot(drawing).split("\n")[:-1]:
        assert any(re.fullmatch(form, line) for form in DOT_LINES), line


@given(drawings())
def test_mermaid_keeps_to_its_grammar(drawing: Drawing) -> None:
    for line in as_mermaid(drawing).split("\n")[:-1]:
        assert any(re.fullmatch(form, line) for form in LINES), line


@given(drawings())
def test_svg_is_xml_with_every_word_in_it(drawing: Drawing) -> None:
    root = ET.fromstring(as_svg(drawing))
    space = "{http://www.w3.org/2000/svg}"
    titles = [group.findtext(f"{space}title") for group in root.iter(f"{space}g")]
    assert len(titles) == len(drawing.vertices)
    assert len(list(root.iter(f"{space}rect"))) == len(drawing.vertices)
    for title, vertex in zip(titles, drawing.vertices, strict=True):
        assert title
        assert title.startswith(vertex.label.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))


@given(drawings())
def test_json_has_it_all(drawing: Drawing) -> None:
    told = json.loads(as_json(drawing))
    assert [node["name"] for node in told["nodes"]] == [vertex.name for vertex in drawing.vertices]
    assert {node["project"] for node in told["nodes"]} <= {project["id"] for project in told["projects"]}
    assert [(edge["from"], edge["to"]) for edge in told["edges"]] == [(each.tail, each.head) for each in drawing.edges]


@given(drawings(), st.integers(8, 120))
def test_text_fits_and_ends(drawing: Drawing, room: int) -> None:
    for line in as_text(drawing, room, "utf-8").split("\n"):
        assert len(line) <= room


# ---- as it looks -----------------------------------------------------------------------------------------------


def test_a_tree_says_what_leads_to_what_and_what_goes_elsewhere() -> None:
    assert as_text(SHOP, 0, "utf-8") == (
        "shop/1 (local)\n"
        "\n"
        "● orders/1\n"
        "arc clean (lots of Hours) of orders/1, kept/1\n"
        "● kept/1 → other/1 (local)\n"
        "arc clean (above)\n"
        "\n"
        "other/1 (local)\n"
        "\n"
        "● kept/1 of shop/1 (local)\n"
        "notifier tell\n"
    )


def test_a_terminal_that_has_no_lines_gets_none() -> None:
    forked = Drawing(SHOP.homes, SHOP.vertices, [Edge("o", "c"), Edge("o", "k")])
    assert as_text(forked, 0, "ascii").splitlines()[2:5] == [
        "* orders/1",
        "|- arc clean (lots of Hours)",
        "`- * kept/1",
    ]


def test_what_goes_round_is_shown_once() -> None:
    round_ = Drawing({"shop": "shop/1"}, [CLEAN, KEPT], [Edge("c", "k"), Edge("k", "c", Flow.READ)])
    assert as_text(round_, 0, "utf-8").splitlines()[2:] == [
        "arc clean (lots of Hours)",
        "● kept/1",
        "arc clean (above)",
    ]


def test_a_chain_is_drawn_however_long() -> None:
    chain = [Vertex(id=str(number), kind=Kind.ARC, name=f"a{number}", home="shop") for number in range(2000)]
    edges = [Edge(str(number), str(number + 1)) for number in range(1999)]
    assert as_text(Drawing({"shop": "shop/1"}, chain, edges), 40, "utf-8").splitlines()[-1] == "arc a1999"


def test_states_are_said_in_words_the_worst_first_and_coloured() -> None:
    lots = {"c": Counter({Standing.COMPLETE: 1200, Standing.MISSING: 3, Standing.LATE: 0}), "k": Counter[Standing]()}
    drawing = coloured(SHOP, lots, off={"k"})
    text = as_text(drawing, 0, "utf-8")
    assert "arc clean (lots of Hours) [missing 3, complete 1,200]" in text
    assert "● kept/1 [off]" in text
    assert "arc clean (lots of Hours) [no lots]" in as_text(coloured(SHOP, {"c": Counter()}), 0, "utf-8")
    assert "orders/1 [" not in text
    assert "class n2 missing" in as_mermaid(drawing)
    assert "fillcolor" in as_dot(drawing)
    assert ".missing rect" in as_svg(drawing)
    assert json.loads(as_json(drawing))["nodes"][1]["state"] == "missing"
    assert [node["name"] for node in json.loads(as_json(drawing))["nodes"] if node["off"]] == ["kept/1"]


@pytest.mark.parametrize(("name", "kept"), [("clean", {"o", "c", "k"}), ("tell", {"k", "t"}), ("nothing", set())])
def test_what_is_asked_for_is_drawn_with_what_stands_beside_it(name: str, kept: set[str]) -> None:
    drawing = narrowed(SHOP, lambda vertex: vertex.name == name)
    assert {vertex.id for vertex in drawing.vertices} == kept
    assert {end for edge in drawing.edges for end in (edge.tail, edge.head)} <= kept
