"""Two boundaries by the time in the key, an arc that joins them, and keys that come late."""

from __future__ import annotations

import re
from typing import Any

import pytest

JOIN = """
stage(write(f"{lot}.txt", " ".join(f"{role}:{len(came(role))}" for role in sorted(props["sourceManifestPaths"]))))
"""


def declare(place: Any, tools: Any, on_revision: str = "report", **join: Any) -> None:
    listeners = [
        tools.boundary(name=name, folder=name, dataset=name, eventArrival="frequent") for name in ("left", "right")
    ]
    joins = tools.arc("exec", "join", ("left", "right"), workload=place.workload("join.py", JOIN), **join)
    for source in joins["sources"].values():
        source["onRevision"] = on_revision
    place.declare(boundaries=listeners, arcs=[joins])


def joined(place: Any) -> dict[str, str]:
    return {name[:-4]: (place.path / "out" / name).read_text() for name in place.files("out")}


def test_a_join_works_the_lots_that_both_have(place: Any, tools: Any) -> None:
    declare(place, tools)
    place.put(*map(tools.file_of, range(3)), folder="left")
    place.put(*map(tools.file_of, range(1, 3)), tools.file_of(2, "another"), folder="right")
    place.run()
    assert joined(place) == {tools.hour(1): "left:1 right:1", tools.hour(2): "left:1 right:2"}
    assert place.kinds("join", tools.hour(0)) == []


def test_after_its_deadline_a_join_goes_on_with_what_there_is(place: Any, tools: Any) -> None:
    declare(place, tools, wait={"deadlineSec": 1})
    place.put(*map(tools.file_of, range(2)), folder="left")
    place.put(tools.file_of(1), folder="right")
    place.run()
    assert joined(place) == {tools.hour(0): "left:1", tools.hour(1): "left:1 right:1"}


def test_a_deadline_that_is_far_keeps_no_run_from_ending(place: Any, tools: Any) -> None:
    """It says which lot waits until when; the lot is worked as soon as what it lacks has come."""
    declare(place, tools, wait={"deadlineSec": 172_800})
    place.put(*map(tools.file_of, range(2)), folder="left")
    place.put(tools.file_of(1), folder="right")
    ran = place.run()
    waits = f"p/join {tools.hour(0)} waits for its sources until"
    assert re.fullmatch(rf"{waits} [-0-9: ]+Z: a later run works it\n", ran.err)
    assert ran.out.endswith("\nall else is at rest\n")
    assert joined(place) == {tools.hour(1): "left:1 right:1"}
    place.put(tools.file_of(0), folder="right")
    assert place.run().out.endswith("\nall is at rest\n")
    assert joined(place)[tools.hour(0)] == "left:1 right:1"


@pytest.mark.parametrize("on_revision", ["report", "rerun"])
def test_a_late_key_makes_a_new_revision_of_its_lot(place: Any, tools: Any, on_revision: str) -> None:
    declare(place, tools, on_revision)
    for folder in ("left", "right"):
        place.put(*map(tools.file_of, range(3)), folder=folder)
    place.run()
    place.put(tools.file_of(1, "late"), folder="left")
    ran = place.run("--log-format", "json")
    assert sum(line["late"] for line in ran.events("SealedLots")) == 1
    newest = place.manifests("left")[tools.hour(1)]
    assert (newest["revision"], len(newest["uris"])) == (1, 2)
    if on_revision == "rerun":
        assert place.kinds("join", tools.hour(1)) == ["claim", "complete", "rollback", "claim", "complete"]
        assert place.manifests("out")[tools.hour(1)]["revision"] == 1
        assert joined(place)[tools.hour(1)] == "left:2 right:1"
    else:
        assert place.kinds("join", tools.hour(1)) == ["claim", "complete"]
        assert {line["lot"] for line in ran.events("LeftAlone") if line["stale"]} == {tools.hour(1)}
        assert "1 stale lot, since a source is newer ('cls replay -p p.json join --which stale')" in place.run().out
        assert joined(place)[tools.hour(1)] == "left:1 right:1"
    assert [each["revision"] for lot, each in place.manifests("left").items() if lot != tools.hour(1)] == [0, 0]


def test_a_key_from_the_future_is_told_and_keeps_nothing_from_ending(place: Any, tools: Any) -> None:
    declare(place, tools)
    place.put(tools.file_of(1), folder="left")
    place.put("far-30240101T05.txt", folder="left")
    ran = place.run()
    assert "1 batch waits: the times in their keys are yet to come" in ran.out
    assert list(place.manifests("left")) == [tools.hour(1)]
    assert any("/intake/30240101PT1H005/" in name for name in place.leftovers())
