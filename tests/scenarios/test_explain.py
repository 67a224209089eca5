"""`cls explain` tells a lot, an object and an attempt from objects alone: also once the project is no more."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def ran(place: Any, tools: Any) -> Any:
    """Hours 3 and 4 of `raw`, copied to `out` and on to a `day`; `bad` fails at hour 4 and is tried again."""
    day = {
        "type": "cls:core:rollupBarrier",
        "name": "day",
        "lotUnit": "Days",
        "sources": {"main": {"name": "out", "version": "1", "start": "all"}},
        "dataset": {"name": "by-day", "version": "1"},
        "wait": {"deadlineSec": 1},
    }
    fails = place.workload("bad.py", "stage(write(lot)) if lot.endswith('003') else sys.exit('no tomorrow')\n")
    bad = tools.arc("exec", name="bad", sinks=("tried",), workload=fails, retry={"attempts": 2, "backoffSec": 0})
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc(), bad], barriers=[day])
    place.put(tools.file_of(3), tools.file_of(4), tools.file_of(4, "b"))
    place.run(code=1)
    return place


def facts(place: Any, *arguments: str) -> list[dict[str, str]]:
    told = place.cls("explain", *arguments, "--output", "csv")
    assert told.code == 0, told
    return list(csv.DictReader(told.out.splitlines()))


def of(told: list[dict[str, str]], name: str, *columns: str) -> list[tuple[str, ...]]:
    return [tuple(fact[column] for column in columns) for fact in told if fact["name"] == name]


def attempts(place: Any, arc: str, lot: str) -> list[str]:
    return [entry["attempt"] for entry in place.ledger(arc, lot) if entry["entry"] == "claim"]


def test_a_lot_is_told_with_its_objects_makers_and_readers_after_all_is_destroyed(ran: Any, tools: Any) -> None:
    """No project file, no metadata: names come from keys, and what an arc wrote is known by its digest."""
    lot = tools.hour(4)
    first, second = attempts(ran, "bad", lot)
    (ran.path / "p.json").unlink()
    shutil.rmtree(ran.store("metadata"))
    told = facts(ran, lot)
    in_ = (ran.path / "in").as_uri()
    assert of(told, "raw/1", "what", "state", "objects", "uri")[1:3] == [
        ("lists", "", "", f"{in_}/b-20240101T04.txt"),
        ("lists", "", "", f"{in_}/f-20240101T04.txt"),
    ]
    assert {(what, text, state) for what, text, state in of(told, "raw/1", "what", "text", "state")} >= {
        ("manifest", "", "complete"),
        ("consumed", "p/1/work", "complete"),
        ("consumed", "p/1/bad", "missing"),
    }
    (seal, *_) = of(told, "p/1/arrive", "what", "text", "objects")
    assert (seal[0], seal[1].partition(": ")[2], seal[2]) == ("seal", "raw/1 revision 0", "2")
    assert ("writes", "main: out/1 revision 0") in of(told, "p/1/work", "what", "text")
    ledger = [each for each in of(told, "p/1/bad", "number", "what", "attempt") if each[0]]
    assert [(what, attempt) for _, what, attempt in ledger] == [
        ("claim", first),
        ("missing", first),
        ("claim", second),
        ("missing", second),
    ]
    assert [text for what, text in of(told, "p/1/bad", "what", "text") if what == "reads"] == [f"main: raw/1 lot {lot}"]


def test_one_dataset_or_arc_is_chosen_and_what_is_made_of_smaller_lots_reads_them(ran: Any, tools: Any) -> None:
    lot = tools.hour(3)
    assert {fact["name"] for fact in facts(ran, lot, "work")} == {"p/1/work"}
    assert {fact["name"] for fact in facts(ran, lot, "--dataset", "raw")} == {
        "raw/1",
        "p/1/arrive",
        "p/1/work",
        "p/1/bad",
    }
    of_out = facts(ran, lot, "out/1")
    assert {fact["name"] for fact in of_out} == {"out/1", "p/1/work", "p/1/day"}
    day = facts(ran, "20240101P1D000")
    assert {fact["name"] for fact in day} >= {"p/1/day"}


def test_an_object_is_told_by_the_lots_that_list_it(ran: Any, tools: Any) -> None:
    since = ("--earliest", "2024-01-01")
    (written,) = ran.manifests("out")[tools.hour(3)]["uris"]
    told = facts(ran, written, *since)
    listed = {(fact["name"], fact["lotId"]) for fact in told if fact["kind"] == "dataset"}
    assert listed == {("out/1", tools.hour(3)), ("by-day/1", "20240101P1D000")}
    stranger = ran.path / "in" / "stranger.txt"
    stranger.write_text("x")
    none = ran.cls("explain", str(stranger), *since)
    assert none.code == 1
    assert "1 byte, written" in none.err
    assert "it is in no lot of raw/1 between 2024-01-01" in none.err
    manifest = next(ran.store("manifest").glob(f"datasets/name=out/version=1/lot={tools.hour(3)}/*/manifest.json"))
    assert facts(ran, manifest.as_uri()) == facts(ran, tools.hour(3), "out/1")


def test_an_attempt_is_found_in_the_ledgers(ran: Any, tools: Any) -> None:
    attempt = attempts(ran, "bad", tools.hour(4))[1]
    told = facts(ran, attempt, "--earliest", "2024-01-01")
    assert {(fact["name"], fact["lotId"]) for fact in told} == {("p/1/bad", tools.hour(4))}
    lines = ran.cls("explain", attempt, "--earliest", "2024-01-01").out.splitlines()
    assert [line.partition(":")[0] for line in lines if line.startswith(">")] == ["> 3. claim", "> 4. missing"]
    recent = ran.cls("explain", attempt)
    assert recent.code == 1
    assert "--earliest looks further back" in recent.err


def test_who_took_over_a_claim_is_told_and_what_cannot_be_read(ran: Any, tools: Any) -> None:
    """A claim that ended without an outcome was won by the next."""
    lot = tools.hour(3)
    folder = ran.ledgers("work") / f"lot={lot}"
    claim = json.loads((folder / "000001.json").read_text())
    (folder / "000003.json").write_text((folder / "000002.json").read_text())
    (folder / "000002.json").write_text(json.dumps({**claim, "attempt": "0-2-" + "a" * 16}))
    won = [text for what, text in of(facts(ran, lot), "p/1/work", "what", "text") if what == "claim"][1]
    assert won == f"won over attempt {claim['attempt']} of {claim['by']}, which ended without an outcome"
    (folder / "000003.json").write_text("{")
    assert ("unreadable", "3") in of(facts(ran, lot), "p/1/work", "what", "number")


def test_it_is_told_to_people_with_times_sizes_and_how_long_ago(ran: Any, tools: Any) -> None:
    told = ran.cls("explain", tools.hour(3), "raw", env={"COLUMNS": "40"})
    assert f"dataset raw/1, lot {tools.hour(3)}, from 2024-01-01 03:00:00Z" in told.out
    assert "ago (" in told.out
    assert f"{len(tools.file_of(3))} bytes" in told.out


def test_nothing_known_exits_with_1_and_nonsense_with_2(ran: Any) -> None:
    assert ran.cls("explain", "20200101PT1H000").code == 1
    nonsense = ran.cls("explain", "nonsense")
    assert (nonsense.code, "'nonsense' is not a lot" in nonsense.err) == (2, True)
    assert not Path("nonsense").exists()
