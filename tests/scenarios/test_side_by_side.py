"""Several projects, stages and versions, on one store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def theirs(tools: Any, start: str = "all") -> dict[str, Any]:
    arc = tools.arc(name="theirs", sources=["out"], sinks=["taken"])
    arc["sources"]["main"]["start"] = start
    return {"arcs": [arc]}


def declare_two(place: Any, tools: Any, start: str = "all") -> None:
    place.declare("a.json", "a", boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.declare("b.json", "b", **theirs(tools, start))


@pytest.mark.parametrize("calls", [[["a.json", "b.json"]], [["b.json", "a.json"]], [["a.json"], ["b.json"]]])
def test_a_project_subscribes_to_another_ones_dataset(place: Any, tools: Any, calls: list[list[str]]) -> None:
    declare_two(place, tools)
    place.put(*map(tools.file_of, range(3)))
    for files in calls:
        place.run(*files)
    assert place.objects("taken") == dict.fromkeys(map(tools.file_of, range(3)), 1)


def test_a_subscriber_that_was_off_is_owed_what_came_meanwhile(place: Any, tools: Any) -> None:
    declare_two(place, tools, start="now")
    place.put(tools.file_of(0))
    place.run("a.json")
    place.run("b.json")
    assert place.objects("taken") == {}, "what was there before it was first seen"
    place.put(tools.file_of(1))
    place.run("a.json")
    place.run("b.json")
    assert place.objects("taken") == {tools.file_of(1): 1}


def test_now_is_everything_where_there_is_nothing_yet(place: Any, tools: Any) -> None:
    declare_two(place, tools, start="now")
    place.put(*map(tools.file_of, range(2)))
    place.run("a.json", "b.json")
    assert place.objects("taken") == dict.fromkeys(map(tools.file_of, range(2)), 1)


def test_an_array_in_one_file_is_as_good_as_two(place: Any, tools: Any) -> None:
    declare_two(place, tools)
    both = ",".join((place.path / name).read_text() for name in ("a.json", "b.json"))
    (place.path / "both.json").write_text(f"[{both}]")
    place.put(tools.file_of(0))
    place.run("both.json")
    assert place.objects("taken") == {tools.file_of(0): 1}


def test_stages_do_not_see_each_other(place: Any, tools: Any) -> None:
    for stage in ("dev", "prod"):
        arc = tools.arc()
        arc["sinks"]["main"]["pathURI"] = f"out-{stage}/"
        place.declare(f"{stage}.json", placement={"stage": stage}, boundaries=[tools.boundary()], arcs=[arc])
    place.put(tools.file_of(0))
    place.run("dev.json")
    assert place.files("out-dev") == [tools.file_of(0)]
    place.put(tools.file_of(1))
    place.run("prod.json")
    assert place.files("out-prod") == [tools.file_of(0), tools.file_of(1)]
    assert place.files("out-dev") == [tools.file_of(0)]
    stores = {path.name.partition("-clusterless")[0] for path in (place.path / ".clusterless").glob("*-manifest-*")}
    assert stores == {"dev", "prod"}


def test_versions_live_side_by_side_and_run_together(place: Any, tools: Any) -> None:
    for version in ("1", "2"):
        arc, listener = tools.arc(), tools.boundary()
        arc["sources"]["main"]["version"] = listener["dataset"]["version"] = version
        arc["sinks"]["main"] = {"name": "out", "version": version, "pathURI": f"out-{version}/"}
        place.declare(f"{version}.json", version=version, boundaries=[listener], arcs=[arc])
    place.put(tools.file_of(0))
    place.run("1.json")
    place.put(tools.file_of(1))
    place.run("1.json", "2.json")
    for version in ("1", "2"):
        assert place.objects("out", version) == dict.fromkeys(map(tools.file_of, range(2)), 1)
        assert place.ledger("work", tools.hour(1), version=version)[-1]["entry"] == "complete"
    assert {Path(name).parts[0] for name in place.tree() if name.startswith("out")} == {"out-1", "out-2"}
