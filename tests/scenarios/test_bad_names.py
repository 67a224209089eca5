"""Files may have any name, and come through whole; what is declared may not, and is told so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

NAMES = [
    "a b.txt",
    " leading and trailing ",
    "key=value",
    "100%.txt",
    "%20.txt",
    "%2F%2e%2e",
    "ünïcode-日本-🚀.txt",
    "e\u0301 beside \u00e9",
    "a+b&c;d,e'f(g)$h!@:~",
    "question?and#hash",
    'quotes"and\\backslash',
    "{name}[0-9]*",
    "new\nline\ttab",
    "-n",
    "x" * 240 + ".txt",
]
DEEP = "/".join(["y" * 200] * 5)  # a key of a thousand characters

FUNCTION = """
def copy(work):
    for each in work.source():
        with work.sink().open(each.key) as out:
            out.write(each.read())
"""


def put(place: Any, key: str) -> None:
    path = place.path / "in" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x00\xff of " + key.encode())


def below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["copy", "python", "exec"])
def test_files_of_any_name_come_through_whole(place: Any, tools: Any, kind: str) -> None:
    for key in (*NAMES, f"{DEEP}/z.txt"):
        put(place, key)
    arc = tools.arc(kind)
    if kind == "python":
        (place.path / "flow.py").write_text(FUNCTION)
        arc["workload"] = {"function": "flow:copy"}
    if kind == "exec":
        body = (
            "import shutil\nroot = path(props['sources']['main']['pathURI'])\nmade = []\n"
            "for one in came():\n"
            "    target = path(props['sinks']['main']['pathURI']) / one.relative_to(root)\n"
            "    target.parent.mkdir(parents=True, exist_ok=True)\n"
            "    shutil.copyfile(one, target)\n"
            "    made.append(target.as_uri())\n"
            "stage(*made)\n"
        )
        arc["workload"] = place.workload("carry.py", body)
    place.declare(boundaries=[tools.by_arrival()], arcs=[arc])
    place.run("--seal-open")
    arrived = below(place.path / "in")
    assert len(arrived) == len(NAMES) + 1
    assert below(place.path / "out") == arrived
    listed = [uri for manifest in place.manifests("out").values() for uri in manifest["uris"]]
    assert len(set(listed)) == len(arrived)


def test_a_name_that_is_not_unicode_is_said_and_holds_up_nothing(place: Any, tools: Any) -> None:
    put(place, "good.txt")
    os.rename(place.path / "in/good.txt", os.fsencode(place.path / "in") + b"/bad-\xff.txt")
    put(place, "good.txt")
    place.declare(boundaries=[tools.by_arrival()], arcs=[tools.arc()])
    ran = place.run("--seal-open")
    assert list(below(place.path / "out")) == ["good.txt"]
    assert "its name is not UTF-8; rename it" in ran.err


@pytest.mark.parametrize("name", ["a b", "a=b", "a%20b", "ü", "日本", "a/b", "a\nb", "", ".", "-x", "a..b", "x" * 1000])
def test_what_is_declared_has_plain_names(place: Any, tools: Any, name: str) -> None:
    """Each place where a name is declared is told of, and long ones are cut."""
    listener, arc = tools.boundary(), tools.arc(name=name)
    listener["name"] = listener["dataset"]["name"] = arc["sources"]["main"]["version"] = name
    place.declare(name=name, version=name, placement={"stage": name}, boundaries=[listener], arcs=[arc])
    said = place.cls("verify", "p.json")
    assert said.code == 2
    assert said.err.count("begin with a letter or digit") == 7
    for path in ("project.name", "project.version", "placement.stage", "arcs[0].name", "boundaries[0].dataset.name"):
        assert f"$.{path}: " in said.err
    assert max(map(len, said.err.splitlines())) < 250


@pytest.mark.parametrize("path_uri", ["in=1 %25/", "ü/日本 🚀/", "a+b&c/", "x" * 250 + "/" + "y" * 250 + "/"])
def test_folders_may_have_any_name_too(place: Any, tools: Any, path_uri: str) -> None:
    (place.path / path_uri).mkdir(parents=True)
    (place.path / path_uri / "f 1.txt").write_text("x")
    arc = tools.arc()
    arc["sinks"]["main"]["pathURI"] = f"out/{path_uri}"
    listener = tools.by_arrival()
    listener["dataset"]["pathURI"] = path_uri
    place.declare(boundaries=[listener], arcs=[arc])
    place.run("--seal-open")
    written = place.path / "out" / path_uri / "f 1.txt"
    assert written.is_file(), place.tree()


@pytest.mark.parametrize("path_uri", ["x" * 256 + "/", "x/" * 600, "é" * 128 + "/"])
@pytest.mark.parametrize("of", ["boundary", "arc"])
def test_folders_that_cannot_be_are_refused_before_anything_begins(
    place: Any, tools: Any, path_uri: str, of: str
) -> None:
    listener, arc = tools.boundary(), tools.arc()
    (listener["dataset"] if of == "boundary" else arc["sinks"]["main"])["pathURI"] = path_uri
    place.declare(boundaries=[listener], arcs=[arc])
    ran = place.run(code=2)
    assert "is too long: a name takes 255 bytes, and a whole path 1000" in ran.err
