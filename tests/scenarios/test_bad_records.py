"""What cannot be read on the store is named and set aside, the rest goes on, and the exit code tells."""

from __future__ import annotations

from typing import Any

import pytest

BROKEN = ["", '{"entry":"claim"}', "\0\0\0"]


def two_stages(place: Any, tools: Any) -> None:
    """Project a books and copies; project b copies on."""
    place.declare("a.json", "a", boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.declare("b.json", "b", arcs=[tools.arc(name="on", sources=["out"], sinks=["end"])])
    place.put(*map(tools.file_of, range(3)))


def the_rest(tools: Any) -> dict[str, int]:
    return {tools.file_of(0): 1, tools.file_of(2): 1}


@pytest.mark.parametrize("text", BROKEN)
def test_an_unreadable_manifest(place: Any, tools: Any, text: str) -> None:
    two_stages(place, tools)
    place.run("a.json")
    broken = next(place.store("manifest").glob(f"datasets/name=out/*/lot={tools.hour(1)}/**/manifest.json"))
    good = broken.read_text()
    broken.write_text(text)
    ran = place.run("b.json", code=1)
    assert place.objects("end") == the_rest(tools)
    assert str(broken) in ran.out + ran.err
    assert f"1 left without a result: b/on {tools.hour(1)}" in ran.err
    broken.write_text(good)


@pytest.mark.parametrize("text", BROKEN)
def test_an_unreadable_ledger_entry(place: Any, tools: Any, text: str) -> None:
    place.declare(
        boundaries=[tools.boundary()], arcs=[tools.arc("exec", workload=place.workload("no.py", "sys.exit(1)"))]
    )
    place.put(tools.file_of(1))
    place.run(code=1)
    broken = place.ledgers("work") / f"lot={tools.hour(1)}" / "000002.json"
    broken.write_text(text)
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.put(tools.file_of(0), tools.file_of(2))
    ran = place.run(code=1)
    assert place.objects("out") == the_rest(tools)
    assert str(broken) in ran.err
    assert f"1 left without a result: p/work {tools.hour(1)}" in ran.err
    assert "hint: " in ran.err


@pytest.mark.parametrize("text", BROKEN)
def test_an_unreadable_intake_batch(place: Any, tools: Any, text: str) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.put(tools.file_of(0))
    place.run()
    intake = place.store("arc-state") / "boundaries/project=p/version=1/boundary=arrive/intake"
    broken = intake / tools.hour(1) / "0123456789abcdef.json"
    broken.parent.mkdir(parents=True)
    broken.write_text(text)
    place.put(tools.file_of(2))
    ran = place.run(code=1)
    assert place.objects("out") == the_rest(tools)
    assert "0123456789abcdef.json" in ran.err
    assert not broken.exists()
    kept = list(place.path.rglob("0123456789abcdef.json"))
    assert [path.read_text() for path in kept] == [text]
    place.run()


@pytest.mark.parametrize("text", BROKEN)
def test_an_unreadable_event(place: Any, tools: Any, text: str) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.put(tools.file_of(0))
    place.run()
    queue = next((place.path / ".clusterless/events").glob("*/p-1-work"))
    (queue / "000000000000001-broken.json").write_text(text)
    place.put(tools.file_of(2))
    ran = place.run(code=None)
    assert place.objects("out") == the_rest(tools), ran
    assert "an event that cannot be read was set aside in " in ran.err
    assert {path.name.partition("-")[2] for path in (queue / "dead").iterdir()} == {"broken.json", "broken.reason.txt"}


def test_an_unreadable_seal_stops_its_boundary_and_no_other(place: Any, tools: Any) -> None:
    other = tools.boundary(name="other", folder="other", dataset="others")
    arcs = [tools.arc(), tools.arc(name="too", sources=["others"], sinks=["more"])]
    place.declare(boundaries=[tools.boundary(), other], arcs=arcs)
    place.put(tools.file_of(0))
    place.run()
    seal = next(place.store("arc-state").glob("boundaries/*/*/boundary=arrive/seals/000000001.json"))
    good = seal.read_text()
    seal.write_text("{")
    place.put(tools.file_of(1))
    place.put(tools.file_of(1), folder="other")
    ran = place.run(code=1)
    assert str(seal) in ran.err
    assert "1 left without a result: p/arrive" in ran.err
    assert place.objects("more") == {tools.file_of(1): 1}
    seal.write_text(good)
    place.run()
    assert place.objects("out") == dict.fromkeys(map(tools.file_of, range(2)), 1)


@pytest.mark.parametrize("text", ["", "{"])
def test_an_unreadable_record_of_an_owner(place: Any, tools: Any, text: str) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.run()
    record = place.store("metadata") / "datasets/name=raw/version=1/dataset.json"
    record.write_text(text)
    ran = place.run(code=None)
    assert ran.code != 0
    assert str(record) in ran.err
