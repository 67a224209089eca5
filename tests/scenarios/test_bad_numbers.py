"""Very many of one thing, and files that contradict each other."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from clusterless.errors import SHOWN

MANY = 10_000
ROOM = 150 * 1024  # KiB that checking so many may take; an empty project takes about 40,000

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def of_many(tools: Any, **changes: Any) -> list[dict[str, Any]]:
    """Arcs in chains of ten, each from the one before."""
    arcs = []
    for number in range(MANY):
        source = "raw" if number % 10 == 0 else f"d{number - 1}"
        arcs.append({**tools.arc(name=f"a{number}", sources=[source], sinks=[f"d{number}"]), **changes})
    return arcs


@pytest.mark.slow
def test_ten_thousand_components_are_checked(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=of_many(tools))
    command = [*tools.CLS, "verify", "p.json"]
    measured = [sys.executable, "-c", MEASURE, *command]
    said = subprocess.run(measured, cwd=place.path, capture_output=True, text=True, check=False)
    told, _, room = said.stdout.strip().rpartition("\n")
    assert told == "nothing is wrong with p/1", said.stderr[:500]
    assert int(room) < ROOM


@pytest.mark.slow
def test_ten_thousand_mistakes_are_each_told_once(place: Any, tools: Any) -> None:
    """All in one folder: each is told of with its nearest neighbours, not with all others."""
    arcs = of_many(tools)
    for arc in arcs:
        arc["sinks"]["main"]["pathURI"] = "out/"
    place.declare(boundaries=[tools.boundary()], arcs=arcs)
    said = place.cls("verify", "p.json", "--output", "json")
    assert said.code == 2
    told = [each["problem"] for each in json.loads(said.out) if "sinks overlap" in each["problem"]]
    assert MANY - 1 <= len(told) <= 3 * MANY
    assert all(any(f"arcs[{number}]." in each for each in told[:50]) for number in (1, 2, 3))
    assert len(said.err.splitlines()) == 1 + SHOWN + 2  # where people look, the first, how many more, and a hint


@pytest.mark.slow
def test_ten_thousand_unknown_types_are_told_at_once(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=of_many(tools, type="cls:core:copyArk"))
    said = place.cls("verify", "p.json", "--output", "csv")
    assert said.code == 2
    assert said.out.count("did you mean 'cls:core:copyArc'?") == MANY
    assert said.err.count("did you mean 'cls:core:copyArc'?") == SHOWN


def test_ten_files_that_contradict_each_other_are_told_of_whole(place: Any, tools: Any) -> None:
    """Each finding names both places, by file or by project and element."""
    files = []
    for number in range(10):
        listener = tools.boundary(name=f"in{number}", folder=f"in{number}", dataset="shared")
        arc = tools.arc(name=f"w{number}", sources=[f"nowhere{number}"], sinks=["out"])
        arc["sinks"]["main"]["pathURI"] = f"in{(number + 1) % 10}/out/"
        place.declare(f"{number}.json", f"p{number}", boundaries=[listener], arcs=[arc])
        files.append(f"{number}.json")
    said = place.cls("verify", *files, "--output", "tsv")
    assert said.code == 2
    lines = [line.replace("\t", ": ").replace("error: ", "  - ") for line in said.out.splitlines()]
    for number in range(1, 10):
        owners = f"dataset shared/1 has two owners: boundary 'in0' of p0/1 and boundary 'in{number}' of p{number}/1"
        assert any(line.startswith(f"  - {number}.json: ") and owners in line for line in lines), owners
        sinks = f"dataset out/1 has two owners: arc 'w0' of p0/1 and arc 'w{number}' of p{number}/1"
        assert any(line.startswith(f"  - {number}.json: ") and sinks in line for line in lines), sinks
    for number in range(10):
        other = (number + 1) % 10
        assert any(
            f"{number}.json: " in line
            and f"'w{number}' of p{number}/1" in line
            and f"'in{other}' of p{other}/1" in line
            for line in lines
            if "would arrive again" in line
        ), number
        assert any(f"{number}.json: " in line and f"nobody owns dataset nowhere{number}/1" in line for line in lines)


def test_ten_files_of_one_project_name_the_files_of_both(place: Any, tools: Any) -> None:
    for number in range(10):
        place.declare(f"{number}.json", boundaries=[tools.boundary(folder=f"in{number}")])
    said = place.cls("verify", *(f"{number}.json" for number in range(10)))
    assert said.code == 2
    told = [line for line in said.err.splitlines() if "is already declared in" in line]
    assert len(told) == 9
    assert all(f"{number}.json: $.project: p/1 on " in told[number - 1] for number in range(1, 10))


def test_mistakes_in_ten_files_are_told_together(place: Any, tools: Any) -> None:
    for number in range(9):
        place.declare(f"{number}.json", f"p{number}", arcs=[{**tools.arc(), f"key{number}": 1}])
    (place.path / "9.json").write_text("{")
    said = place.cls("verify", *(f"{number}.json" for number in range(10)), "10.json")
    assert said.code == 74
    assert all(f"key{number}" in said.err for number in range(9))
    assert "9.json" in said.err
    assert "10.json: cannot be read" in said.err


def test_what_is_long_is_not_echoed_whole(place: Any, tools: Any) -> None:
    listener = tools.boundary(keyRegex="(" + "a" * 5000, dataset="raw")
    project = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}, "k" * 2_000_000: 1}
    arc = tools.arc(kind="x" * 5000, name="n" * 5000)
    (place.path / "p.json").write_text(json.dumps({**project, "boundaries": [listener], "arcs": [arc]}))
    said = place.cls("verify", "p.json")
    assert said.code == 2
    assert len(said.err.splitlines()) >= 4
    assert max(map(len, said.err.splitlines())) < 700
    assert "is not a regular expression: missing )" in said.err
