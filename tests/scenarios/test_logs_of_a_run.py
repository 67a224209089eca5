"""``cls run --logs``: what commands, functions and containers print comes to whoever looks, while it comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beds import docker as bed

pytestmark = pytest.mark.slow

FUNCTION = """
from clusterless.sdk import LotWork

def work(lot: LotWork) -> None:
    print("\\x1b[2Jrude\\nthe last")
    lot.sink().write(f"{lot.lot}-{lot.attempt}", b"x")
"""
FAILS = "echo '\x1b[2Jrude'; echo the last; exit 3"  # what writes no manifest has printed all the same


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with bed.engine(tmp_path_factory) as host:
        yield host


def arc_of(kind: str, place: Any, tools: Any, request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, str]]:
    """An arc that prints, and the variables that running it needs."""
    if kind == "python":
        (place.path / "code.py").write_text(FUNCTION)
        return tools.arc(kind, workload={"function": "code:work"}), {}
    command = ["sh", "-c", FAILS]
    if kind == "exec":
        return tools.arc(kind, workload={"command": command}), {}
    host = request.getfixturevalue("host")
    workload = {"image": bed.busybox(host), "command": command, "pullPolicy": "never"}
    return {**tools.arc(workload=workload), "type": "docker:core:containerArc"}, {"DOCKER_HOST": host}


@pytest.mark.parametrize("kind", ["exec", "python", "container"])
def test_what_lots_print_is_told_with_their_arc_and_lot(
    place: Any, tools: Any, request: pytest.FixtureRequest, kind: str
) -> None:
    arc, env = arc_of(kind, place, tools, request)
    place.declare(boundaries=[tools.boundary()], arcs=[arc])
    place.put(tools.file_of(0))
    ran = place.run("--logs", code=None, env=env)
    lot = f"p/work {tools.hour(0)}"
    lines = ran.out.splitlines()
    assert rf"{lot} | \x1b[2Jrude" in lines, ran
    outcome = next(
        number for number, line in enumerate(lines) if line.startswith((f"{lot} missing", f"{lot} complete"))
    )
    assert lines.index(f"{lot} | the last") < outcome


def test_without_being_asked_for_lines_are_not_told(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc("exec", workload={"command": ["echo", "quiet"]})])
    place.put(tools.file_of(0))
    assert "| quiet\n" not in place.run(code=None).out.partition(" missing: ")[0]


def test_each_line_and_progress_is_an_event_in_json(place: Any, tools: Any) -> None:
    told = json.dumps({"done": 1, "total": 4, "message": "reading"})
    # It goes on once it was heard: the run's own output is what it waits for.
    script = (
        f"echo one; echo 'CLS_PROGRESS {told}'; until grep -q Progressed {place.path}/told; do sleep 0.1; done; false"
    )
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc("exec", workload={"command": ["sh", "-c", script]})])
    place.put(tools.file_of(0))
    run = place.start("run", "p.json", "--until-idle", "--logs", "--log-format", "json")
    events = []
    assert run.stdout
    with Path(place.path / "told").open("w") as file:
        for line in run.stdout:
            events.append(json.loads(line))
            file.write(events[-1]["event"] + "\n")
            file.flush()
    of_lot = {"element": "p/work", "lot": tools.hour(0)}
    assert {"event": "Printed", **of_lot, "line": "one"} in events
    assert {"event": "Progressed", **of_lot, "done": 1, "total": 4, "message": "reading"} in events
    assert not any("CLS_PROGRESS" in each.get("line", "") for each in events)


def test_a_flood_is_kept_and_does_not_hold_up_what_prints_it(place: Any, tools: Any) -> None:
    script = "seq 3000000; echo done >&2; false"
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc("exec", workload={"command": ["sh", "-c", script]})])
    place.put(tools.file_of(0))
    lines = place.run("--logs", code=None).out.splitlines()
    assert any("bytes are not shown; they are kept in" in line for line in lines)
    assert f"p/work {tools.hour(0)} | done" in lines
    [kept] = (place.path / ".clusterless/output/p/1/work").rglob("*.log")
    assert kept.read_text().count("\n") == 3_000_001
