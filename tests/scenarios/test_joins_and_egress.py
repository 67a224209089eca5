"""Barriers and ways out: what several folders hold becomes one dataset, and goes out marked, lot by lot."""

from __future__ import annotations

import hashlib
import json
from typing import Any

REPORT = """
def report(work):
    for source in work.source():
        work.sink().write(f"{work.lot}/{work.attempt}/{source.key}", source.read())
"""


def sources(*names: str, **more: Any) -> dict[str, Any]:
    roles = ("main",) if len(names) == 1 else names
    return {
        role: {"name": name, "version": "1", "start": "all", **more} for role, name in zip(roles, names, strict=True)
    }


def join(*names: str, dataset: str = "all", **more: Any) -> dict[str, Any]:
    return {
        "type": "cls:core:joinBarrier",
        "name": f"join-{dataset}",
        "sources": sources(*names, onRevision="rerun"),
        "dataset": {"name": dataset, "version": "1"},
        "retry": {"attempts": 1},
        **more,
    }


def egress(dataset: str = "all", **more: Any) -> dict[str, Any]:
    return {
        "type": "cls:core:copyEgressBoundary",
        "name": "publish",
        "sources": sources(dataset, onRevision="rerun"),
        "pathURI": "outside",
        "retry": {"attempts": 1},
        **more,
    }


def declare(place: Any, tools: Any, **more: Any) -> None:
    arrivals = [
        tools.boundary(name=name, folder=f"in/{name}", dataset=name, eventArrival="frequent")
        for name in ("left", "right")
    ]
    (place.path / "reports.py").write_text(REPORT, "utf-8")
    report = {"function": "reports:report"}
    place.declare(
        **{
            "boundaries": [*arrivals, egress()],
            "barriers": [join("left", "right")],
            "arcs": [
                {**tools.arc("copy", "copy", ["all"], ["copied"]), "sources": sources("all", onRevision="rerun")},
                tools.arc("python", "report", ["all"], ["reported"], workload=report),
            ],
            **more,
        }
    )


def arrive(place: Any, tools: Any, *hours: int) -> None:
    for folder in ("left", "right"):
        place.put(*(f"{folder}-{tools.file_of(number)}" for number in hours), folder=f"in/{folder}")


def mark(place: Any, lot: str) -> dict[str, Any]:
    """What the mark of a lot says, after what it names was found whole."""
    said: dict[str, Any] = json.loads((place.path / f"outside/lot={lot}/mark.json").read_text("utf-8"))
    lines = [json.dumps(each, separators=(",", ":")) for each in said["objects"]]
    assert said["digest"] == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    for each in said["objects"]:
        assert (place.path / "outside" / said["folder"] / each["name"]).stat().st_size == each["size"]
    return said


def names(said: dict[str, Any]) -> list[str]:
    return [each["name"] for each in said["objects"]]


def test_two_folders_become_one_dataset_that_any_number_of_arcs_read(place: Any, tools: Any) -> None:
    """Nothing is copied by the join, an arc and a function read it, and it goes out."""
    declare(place, tools)
    arrive(place, tools, 0, 1)
    place.run()
    lots = [tools.hour(0), tools.hour(1)]
    expected = [[f"{side}-{tools.file_of(number)}" for side in ("left", "right")] for number in (0, 1)]
    joined = place.manifests("all")
    assert list(joined) == lots
    assert [[uri.rpartition("/")[2] for uri in joined[lot]["uris"]] for lot in lots] == expected
    assert all("/in/left/" in joined[lot]["uris"][0] and "/in/right/" in joined[lot]["uris"][1] for lot in lots)
    assert place.files("copied") == sorted(name for each in expected for name in each)
    assert place.objects("reported") == place.objects("all")
    assert [names(mark(place, lot)) for lot in lots] == expected
    assert place.leftovers() == []
    owned = json.loads((place.store("metadata") / "datasets/name=all/version=1/dataset.json").read_text("utf-8"))
    assert owned["dataset"]["pathURI"] == (place.path / "in").as_uri() + "/"
    assert owned["roots"] == [f"{(place.path / 'in' / side).as_uri()}/" for side in ("left", "right")]
    before = place.tree()
    place.run()
    assert place.tree() == before


def test_a_late_file_goes_through_the_join_and_out_as_a_new_revision(place: Any, tools: Any) -> None:
    """The mark is replaced by one of the newer revision; what it named before is still there for its readers."""
    declare(place, tools)
    arrive(place, tools, 0, 1)
    place.run()
    lot = tools.hour(0)
    first = mark(place, lot)
    place.put(f"late-{tools.file_of(0)}", folder="in/left")
    place.run()
    second = mark(place, lot)
    assert (first["revision"], second["revision"]) == (0, 1)
    assert names(second) == sorted([*names(first), f"late-{tools.file_of(0)}"])
    assert second["folder"] != first["folder"]
    assert all((place.path / "outside" / first["folder"] / name).exists() for name in names(first))
    assert mark(place, tools.hour(1))["revision"] == 0
    assert set(place.files("copied")) >= set(names(second))


def test_a_join_that_reports_makes_no_lot_until_all_is_there(place: Any, tools: Any) -> None:
    """The lot is missing for a reason that names what has not come; when that comes, the lot is made."""
    wait = {"deadlineSec": 0.5, "atDeadline": "report"}
    declare(place, tools, barriers=[join("left", "right", wait=wait)])
    place.put(tools.file_of(0), folder="in/left")
    place.run(code=1)
    lot = tools.hour(0)
    assert place.kinds("join-all", lot) == ["claim", "missing"]
    assert "right (dataset right/1)" in place.ledger("join-all", lot)[1]["error"]["message"]
    assert place.manifests("all") == {}
    place.put(tools.file_of(0, "g"), folder="in/right")
    place.run()
    assert place.kinds("join-all", lot)[-2:] == ["claim", "complete"]
    assert place.objects("all") == {tools.file_of(0): 1, tools.file_of(0, "g"): 1}


def test_a_join_of_a_join_lists_what_lies_below_three_locations(place: Any, tools: Any) -> None:
    """Its objects keep the keys that they have below the location that each is of."""
    arrivals = [
        tools.boundary(name=name, folder=folder, dataset=name, eventArrival="frequent")
        for name, folder in (("left", "in/left"), ("right", "in/right"), ("far", "elsewhere"))
    ]
    barriers = [join("left", "right"), join("all", "far", dataset="most")]
    copy = {**tools.arc("copy", "copy", ["most"], ["copied"]), "sources": sources("most")}
    place.declare(boundaries=arrivals, barriers=barriers, arcs=[copy])
    for folder in ("in/left", "in/right", "elsewhere"):
        place.put(tools.file_of(0, folder.rpartition("/")[2]), folder=folder)
    place.run()
    assert place.files("copied") == sorted(tools.file_of(0, name) for name in ("left", "right", "elsewhere"))


def test_one_name_for_an_arc_and_a_barrier_is_refused(place: Any, tools: Any) -> None:
    declare(place, tools, barriers=[{**join("left", "right"), "name": "copy"}])
    ran = place.cls("verify", "p.json")
    assert ran.code == 2
    assert "$.barriers[0].name: 'copy' is also the name of $.arcs[0]" in ran.err


def test_a_join_that_can_never_be_met_is_refused(place: Any, tools: Any) -> None:
    rare = tools.boundary(name="left", folder="in/left", dataset="left")
    full = tools.boundary(name="right", folder="in/right", dataset="right", eventArrival="frequent")
    declare(place, tools, boundaries=[rare, full])
    ran = place.cls("run", "p.json", "--until-idle")
    assert ran.code == 2
    assert "boundary 'left' of p/1" in ran.err
