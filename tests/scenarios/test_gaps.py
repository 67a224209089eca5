"""Every kind of gap, planted in a pipeline that really ran, is named by `cls gaps --why`; in JSON, by its code."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from clusterless import layout
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.runtime.horizon import move_horizon
from clusterless.store.files import FileStore

FAILS = "sys.exit('no tomorrow') if lot.endswith('004') else stage(write(lot))\n"
FIRST, LAST = "20240101PT1H002", "20240101PT1H012"
WINDOW = ("--earliest", FIRST, "--latest", LAST)


@pytest.fixture
def ran(place: Any, tools: Any) -> Any:
    """Hours 3 to 8 of `raw` (frequent, 7 is empty), hours 3, 5 and 8 of `extra` (infrequent), and arcs on both."""
    declare(place, tools)
    place.put(*(tools.file_of(number) for number in (3, 4, 5, 6, 8)))
    place.put(*(tools.file_of(number, "x") for number in (3, 5, 8)), folder="more")
    place.run(code=1)
    return place


def declare(place: Any, tools: Any, **more: Any) -> None:
    joined = tools.arc(name="join", sources=("raw", "extra"), sinks=("joined",))
    bad = tools.arc("exec", name="bad", sinks=("tried",), workload=place.workload("bad.py", FAILS))
    place.declare(
        boundaries=[
            tools.boundary(eventArrival="frequent"),
            tools.boundary("seldom", folder="more", dataset="extra"),
        ],
        arcs=[tools.arc(), bad, joined, tools.arc(name="last", sources=("joined",), sinks=("end",))],
        **more,
    )


def gaps(place: Any, *arguments: str, code: int = 3) -> list[dict[str, Any]]:
    ran = place.cls("gaps", *arguments, *WINDOW, "--why", "--output", "json")
    assert ran.code == code, ran
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


def causes(place: Any, *arguments: str, code: int = 3) -> dict[str, str]:
    """By range (hours alone), the cause and, where it is another, that of the first ancestor that is blocked."""
    found = {}
    for gap in gaps(place, *arguments, code=code):
        lots = "-".join(dict.fromkeys((gap["first"][-2:], gap["last"][-2:])))
        blocked = gap["blocked"]["cause"]
        found[lots] = f"{gap['cause']} < {gap['blocked']['element']} {blocked}" if blocked else gap["cause"]
    return found


def lot_of(place: Any, dataset: str, lot: str) -> Path:
    return place.store("manifest") / f"datasets/name={dataset}/version=1/lot={lot}"


def forget(place: Any, dataset: str, lot: str) -> None:
    shutil.rmtree(lot_of(place, dataset, lot))


def test_each_dataset_has_its_gaps_with_their_causes(ran: Any, tools: Any) -> None:
    """Where data comes in, and below: the first ancestor that is blocked is named, however far up."""
    ended = {"02": "not-deployed", "09-11": "nobody-looked"}
    assert causes(ran, "raw") == ended
    assert causes(ran, "extra") == {**ended, "04": "no-data", "06-07": "no-data"}
    assert causes(ran, "out") == {lots: f"upstream-missing < p/arrive {cause}" for lots, cause in ended.items()}
    below = causes(ran, "end")
    assert below["04"] == "upstream-missing < p/seldom no-data"
    found = {gap["first"]: gap for gap in gaps(ran, "joined")}[tools.hour(4)]
    assert (found["cause"], found["why"]) == ("waiting", "has raw, waits for extra/1")
    assert (found["blocked"]["element"], found["blocked"]["cause"]) == ("p/seldom", "no-data")


def test_without_why_there_are_only_ranges_and_exit_codes_are_for_scripts(ran: Any, tools: Any) -> None:
    shown = ran.cls("gaps", "extra", *WINDOW, "--output", "csv")
    assert shown.code == 3
    head, *rows = shown.out.splitlines()
    assert head.split(",")[-3:] == ["first", "last", "lots"]
    assert [row.split(",")[-3:] for row in rows] == [
        [tools.hour(2), tools.hour(2), "1"],
        [tools.hour(4), tools.hour(4), "1"],
        [tools.hour(6), tools.hour(7), "2"],
        [tools.hour(9), tools.hour(11), "3"],
    ]
    whole = ran.cls("gaps", "out", "--why", "--earliest", tools.hour(3), "--latest", tools.hour(9))
    assert (whole.code, whole.out) == (0, "")
    assert "nothing is missing" in whole.err
    unknown = ran.cls("gaps", "nowhere")
    assert unknown.code == 2
    assert "there is no dataset 'nowhere'" in unknown.err


def test_a_boundary_that_never_ran(place: Any, tools: Any) -> None:
    declare(place, tools)
    assert causes(place, "raw", "-p", "p.json") == {"02-11": "not-deployed"}
    place.run()
    assert causes(place, "raw") == {"02-11": "nobody-looked"}


def test_a_lot_out_of_attempts_says_the_error_and_where_its_output_is(ran: Any, tools: Any) -> None:
    found = {gap["first"]: gap for gap in gaps(ran, "tried")}[tools.hour(4)]
    assert found["cause"] == "out-of-attempts"
    assert "exited with 1" in found["why"]
    assert "no tomorrow" in Path(found["output"]).read_text()


def test_a_lot_that_failed_and_is_tried_again(place: Any, tools: Any) -> None:
    bad = tools.arc(
        "exec", name="bad", workload=place.workload("bad.py", FAILS), retry={"attempts": 2, "backoffSec": 3600}
    )
    place.declare(boundaries=[tools.boundary()], arcs=[bad])
    place.put(tools.file_of(4))
    process = place.start("run", "p.json")
    tools.until(lambda: place.ledgers("bad").joinpath(f"lot={tools.hour(4)}/missing.arc").exists(), process)
    stop(process)
    assert causes(place, "out")["04"] == "failed"


def test_a_lot_that_is_running_and_then_is_not(place: Any, tools: Any) -> None:
    slow = tools.arc("exec", name="slow", workload=place.workload("slow.py", "time.sleep(60)\n"))
    place.declare(boundaries=[tools.boundary()], arcs=[slow])
    place.put(tools.file_of(4))
    process = place.start("run", "p.json")
    tools.until(lambda: place.ledgers("slow").joinpath(f"lot={tools.hour(4)}/000001.json").exists(), process)
    assert causes(place, "out")["04"] == "running"
    stop(process)
    found = {gap["first"]: gap for gap in gaps(place, "out")}[tools.hour(4)]
    assert (found["cause"], "released" in found["why"]) == ("nobody-looked", True)


def stop(process: Any) -> None:
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)


def test_what_was_committed_and_is_not_there(ran: Any, tools: Any) -> None:
    """By its marker: without one, nobody has announced it yet."""
    forget(ran, "out", tools.hour(3))
    forget(ran, "out", tools.hour(4))
    (ran.ledgers("work") / f"lot={tools.hour(3)}/complete.arc").unlink()
    forget(ran, "raw", tools.hour(5))
    assert causes(ran, "out")["03"] == "unfinished"
    assert causes(ran, "out")["04"] == "vanished"
    assert causes(ran, "raw")["05"] == "vanished"
    ran.run(code=None)
    assert "03" not in causes(ran, "out")


def test_what_cannot_be_read(ran: Any, tools: Any) -> None:
    forget(ran, "out", tools.hour(3))
    entry = ran.ledgers("work") / f"lot={tools.hour(3)}/000002.json"
    entry.write_text("{")
    found = {gap["first"]: gap for gap in gaps(ran, "out")}[tools.hour(3)]
    assert found["cause"] == "unreadable"
    assert "000002.json" in found["why"]


def test_a_source_manifest_that_cannot_be_read(place: Any, tools: Any) -> None:
    declare(place, tools)
    place.put(tools.file_of(4))
    place.declare(boundaries=[tools.boundary()])
    place.run()
    (lot_of(place, "raw", tools.hour(4)) / "state=complete/manifest.json").write_text("{")
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.run(code=1)
    assert causes(place, "out")["04"] == "unreadable"


def test_what_retention_removed_is_no_gap(ran: Any, tools: Any) -> None:
    kept = lot_of(ran, "out", tools.hour(3))
    (kept / "state=removed/attempt=0").mkdir(parents=True)
    (kept / "state=complete/manifest.json").rename(kept / "state=removed/attempt=0/manifest.json")
    (kept / "state=complete").rmdir()
    move_horizon(
        FileStore(f"{ran.store('manifest').as_uri()}/"), Dataset(name="out", version="1"), Lot.parse(tools.hour(4))
    )
    assert causes(ran, "out")["03"] == "removed"
    one = ("--earliest", tools.hour(3), "--latest", tools.hour(4))
    assert ran.cls("gaps", "out", "--why", *one).code == 0
    without = ran.cls("gaps", "out", *one)
    assert (without.code, without.out) == (0, "")


def test_what_a_rollback_removed_is_a_gap_until_it_is_worked_anew(ran: Any, tools: Any) -> None:
    rolled = ran.cls("rollback", "work", tools.hour(3), "--remove", "--yes", "-p", "p.json")
    assert rolled.code == 0, rolled
    one = ("--earliest", tools.hour(3), "--latest", tools.hour(4))
    assert ran.cls("gaps", "out", *one).code == 3
    gap = next(each for each in gaps(ran, "out") if each["first"] == tools.hour(3))
    assert (gap["cause"], gap["why"]) == ("nobody-looked", "rolled back, and not claimed since")
    ran.run(code=1)
    assert ran.cls("gaps", "out", *one).code == 0


def test_what_retention_gave_up_and_never_was_is_not_said_to_be_removed(ran: Any, tools: Any) -> None:
    mark = ran.store("manifest") / layout.horizon(Dataset(name="raw", version="1"), f"before={tools.hour(3)}")
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    (gap, *_) = gaps(ran, "raw")
    assert (gap["cause"], gap["why"]) == ("removed", f"given up by retention, with all before {tools.hour(3)}")


def test_an_arc_that_begins_later(ran: Any, tools: Any) -> None:
    sources = {"main": {"name": "raw", "version": "1", "start": tools.hour(5)}}
    ran.declare("q.json", name="q", arcs=[tools.arc(name="late", sinks=("late",)) | {"sources": sources}])
    assert causes(ran, "late", "-p", "q.json")["02-11"] == "not-deployed"
    ran.run("q.json")
    assert causes(ran, "late")["02-04"] == "not-deployed"


def test_what_is_excluded_or_switched_off(ran: Any, tools: Any) -> None:
    ran.put(tools.file_of(9), tools.file_of(10))
    ran.declare(boundaries=[tools.boundary(eventArrival="frequent")])
    ran.run()
    last = tools.arc(name="last", sources=("out",), sinks=("end",))
    ran.declare(boundaries=[tools.boundary()], arcs=[{**tools.arc(), "exclude": True}, last])
    assert causes(ran, "end", "-p", "p.json")["09-11"] == "upstream-missing < out/1 disabled"
    ran.declare(boundaries=[tools.boundary()], arcs=[tools.arc(), last])
    assert ran.cls("disable", "p/work", "-p", "p.json", "--reason", "too dear").code == 0
    found = causes(ran, "-p", "p.json", "end", "out")
    assert found["09-10"] == "upstream-missing < p/work disabled", found
    assert "too dear" in ran.cls("gaps", "out", "-p", "p.json", "--why", *WINDOW).out


def test_gaps_are_followed_into_another_project_and_placement(ran: Any, tools: Any) -> None:
    """With the file of the last project alone: the others are read where they are recorded."""
    source = {"name": "joined", "version": "1", "start": "all", "placement": {"provider": "local"}}
    far = tools.arc(name="far", sinks=("far",)) | {"sources": {"main": source}}
    ran.declare("far.json", name="far", placement={"stage": "other"}, arcs=[far])
    ran.run("far.json")
    assert causes(ran, "-p", "far.json")["04"] == "upstream-missing < p/seldom no-data"
