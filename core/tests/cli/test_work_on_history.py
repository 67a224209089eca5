"""Back-fills and replays of a real project, by real processes: stopped, gone on with, beside what runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from click.testing import CliRunner

from clusterless.cli import planning
from clusterless.cli.app import main

HOURS = 4

CODE = """
import os, time
from pathlib import Path

def count(lot):
    here = Path(lot.sink().dataset.path_uri.removeprefix("file://")).parent
    (here / f"begun-{lot.lot}").touch()
    while (here / "hold").exists() or (here / f"hold-{lot.lot}").exists():
        time.sleep(0.02)
    if (here / "fail").exists():
        raise ValueError("not today")
    print(f"counted {lot.lot}", flush=True)
    more = int((here / "more").read_text()) if (here / "more").exists() else 0
    size = sum(len(each.read()) for each in lot.source()) + more
    lot.sink().write(f"lot={lot.lot}/count.txt", f"{size}".encode())

def double(lot):
    size = sum(int(each.read()) for each in lot.source())
    lot.sink().write(f"lot={lot.lot}/{lot.attempt}/double.txt", f"{2 * size}".encode())
"""


def arc(name: str, source: str, sink: str) -> dict[str, Any]:
    return {
        "type": "cls:core:pythonArc",
        "name": name,
        "sources": {"main": {"name": source, "version": "1"}},
        "sinks": {"main": {"name": sink, "version": "1", "pathURI": f"data/{sink}/"}},
        "workload": {"function": f"work:{name}"},
        "retry": {"attempts": 2, "backoffSec": 0},
    }


@define
class Shop:
    """A project with hours of arrivals that are sealed, and whose arcs were never run."""

    folder: Path
    processes: list[subprocess.Popen[str]] = field(factory=list)

    def declare(self, **project: Any) -> None:
        boundary = {
            "type": "local:core:putListenerBoundary",
            "name": "in",
            "lotUnit": "Hours",
            "settleSec": 0,
            "graceSec": 0,
            "dataset": {"name": "a", "version": "1", "pathURI": "data/a/"},
        }
        declared = {
            "project": {"name": "p", "version": "1"},
            "placement": {"provider": "local"},
            "boundaries": [boundary],
            "arcs": [arc("count", "a", "b"), arc("double", "b", "c")],
            **project,
        }
        (self.folder / "p.json").write_text(json.dumps(declared))

    def arrive(self) -> None:
        (self.folder / "data/a").mkdir(parents=True)
        for number in range(HOURS):
            file = self.folder / f"data/a/{number}.txt"
            file.write_text("x" * (number + 1))
            moment = time.time() - 3600 * (HOURS + 1 - number)
            os.utime(file, (moment, moment))
        self.declare(arcs=[])
        assert self.cls("run", "p.json", "--until-idle").returncode == 0
        self.declare()

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "clusterless.cli", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.processes.append(process)
        return process

    def cls(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def rows(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        done = self.cls(*arguments, "--output", "json")
        assert done.returncode == code, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
        return found

    def results(self, dataset: str) -> list[str]:
        """What the lots hold, in order; of several revisions the last."""
        files = sorted((self.folder / "data" / dataset).rglob("*.txt"), key=lambda path: (path.parts[-3:-1], path))
        by_lot = {next(part for part in path.parts if part.startswith("lot=")): path.read_text() for path in files}
        return [text for _, text in sorted(by_lot.items())]

    def await_results(self, dataset: str, wanted: list[str]) -> None:
        deadline = time.monotonic() + 60
        while (held := self.results(dataset)) != wanted:
            assert time.monotonic() < deadline, held
            time.sleep(0.05)

    def lots(self) -> list[str]:
        names = (path.name for path in self.folder.glob(".clusterless/*manifest*/datasets/name=a/version=1/lot=*"))
        return sorted(name.removeprefix("lot=") for name in names)

    def hold(self) -> Path:
        file = self.folder / "data/hold"
        file.touch()
        return file

    def await_begun(self, lots: int = 1) -> list[str]:
        """The lots that the workload has begun, once there are so many."""
        deadline = time.monotonic() + 60
        while len(begun := sorted(self.folder.glob("data/begun-*"))) < lots:
            assert time.monotonic() < deadline, "nothing was begun"
            time.sleep(0.02)
        return [path.name.removeprefix("begun-") for path in begun]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "work.py").write_text(CODE)
    found = Shop(tmp_path)
    found.arrive()
    yield found
    for process in found.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_plan_is_shown_and_kept_and_nothing_is_done(shop: Shop) -> None:
    count, double = shop.rows("backfill", "-p", "p.json")
    assert (count["arc"], count["lots"], count["missing"], count["objects"], count["bytes"]) == ("count", 4, 4, 4, 10)
    assert (double["arc"], double["lots"]) == ("double", 4), "what the first makes, the second can work"
    assert (count["first"], count["last"]) == (shop.lots()[0], shop.lots()[-1])
    assert shop.results("b") == []
    (listed,) = shop.rows("plans", "-p", "p.json")
    assert (listed["plan"], listed["state"], listed["lots"]) == (count["plan"], "planned", 8)
    assert (listed["arcs"], listed["first"], listed["last"]) == ("count double", count["first"], count["last"])
    ended = shop.rows("backfill", "--resume", count["plan"], "--yes", "-p", "p.json")
    assert [(row["done"], row["ahead"]) for row in ended] == [(4, 0), (4, 0)]
    assert shop.results("c") == ["2", "4", "6", "8"]
    assert shop.rows("plans", "-p", "p.json")[0]["state"] == "done"
    assert shop.rows("backfill", "-p", "p.json", "--yes") == [], "all is worked"


def test_a_plan_that_is_finished_says_what_it_did_and_is_not_worked_again(shop: Shop) -> None:
    (ended,) = shop.rows("backfill", "count", "--yes", "-p", "p.json")
    shop.declare(arcs=[arc("count", "a", "b") | {"sinks": {"main": {"name": "e", "version": "1", "pathURI": "e/"}}}])
    for yes in ([], ["--yes"]):
        resumed = shop.cls("backfill", "--resume", ended["plan"], *yes, "-p", "p.json")
        assert (resumed.returncode, resumed.stderr) == (0, f"plan {ended['plan']} is finished: nothing is left of it\n")
        assert "done" in resumed.stdout
    assert shop.rows("backfill", "--resume", ended["plan"], "-p", "p.json") == [ended], "what it did, as it was said"


def test_plans_that_were_only_shown_tell_how_to_work_them_and_go_out_of_sight_after_a_week(shop: Shop) -> None:
    (old,) = shop.rows("backfill", "count", shop.lots()[0], "-p", "p.json")
    (done,) = shop.rows("backfill", "count", shop.lots()[1], "--yes", "-p", "p.json")
    listed = shop.cls("plans", "-p", "p.json")
    assert {old["plan"], done["plan"]} <= {*listed.stdout.split()}
    this = f"cls backfill -p p.json --resume {old['plan']} --yes"
    assert listed.stderr == f"work one that is not done: {this}\n"
    for plan in (old["plan"], done["plan"]):
        (file,) = shop.folder.glob(f".clusterless/**/{plan}.json")
        file.write_text(json.dumps(json.loads(file.read_text()) | {"at": "2024-01-31T12:00:00.000000Z"}))
    assert [row["plan"] for row in shop.rows("plans", "-p", "p.json")] == [done["plan"]], "what was worked stays"
    told = "1 plan of more than a week ago, only shown and never begun: cls plans -p p.json --all\n"
    assert shop.cls("plans", "-p", "p.json").stderr == told
    assert {row["plan"] for row in shop.rows("plans", "-p", "p.json", "--all")} == {old["plan"], done["plan"]}
    (ended,) = shop.rows("backfill", "--resume", old["plan"], "--yes", "-p", "p.json")
    assert ended["done"] == 1, "it can be worked all the same"


def test_a_plan_that_is_mistyped_is_told_with_the_one_that_there_is(shop: Shop) -> None:
    (planned,) = shop.rows("backfill", "count", "-p", "p.json")
    refused = shop.cls("backfill", "--resume", planned["plan"][:-1], "--yes", "-p", "p.json")
    assert refused.returncode == 2
    assert f"did you mean '{planned['plan']}'?" in refused.stderr
    assert "hint: cls plans lists" in shop.cls("plans", "nonsense", "-p", "p.json").stderr


def test_single_lots_are_worked_by_what_is_recorded_alone(shop: Shop) -> None:
    first, *_, last = shop.lots()
    (ended,) = shop.rows("backfill", "count", first, last, "--yes", "-p", "p.json")
    assert ended["done"] == 2
    assert len(shop.results("b")) == 2
    (shop.folder / "data/more").write_text("10")
    (ended,) = shop.rows("replay", "count", first, "--yes")
    assert ended["done"] == 1
    assert shop.results("b") == ["11", "4"]


def test_what_comes_downstream_is_worked_only_where_the_bytes_have_changed(shop: Shop) -> None:
    shop.rows("backfill", "--yes", "-p", "p.json")
    same = shop.rows("replay", "count", "--earliest", "-2d", "--downstream", "--yes", "-p", "p.json")
    assert [(row["done"], row["same"], row["unchanged"]) for row in same] == [(0, 4, 0), (0, 0, 4)]
    (shop.folder / "data/more").write_text("1")
    changed = shop.rows("replay", "count", shop.lots()[0], "--downstream", "--yes", "-p", "p.json")
    assert [(row["done"], row["same"], row["unchanged"]) for row in changed] == [(1, 0, 0), (1, 0, 0)]
    assert shop.results("c") == ["4", "4", "6", "8"], "as long as before, and yet not the same"


def test_downstream_what_came_to_nothing_is_worked_and_what_is_switched_off_is_not(shop: Shop) -> None:
    (shop.folder / "data/more").write_text("3")
    shop.rows("backfill", "count", "--yes", "-p", "p.json")
    (lot, *_) = shop.lots()
    made = next((shop.folder / "data/b").rglob(f"lot={lot}/count.txt"))
    made.write_text("no number")
    shop.rows("backfill", "double", lot, "--yes", "-p", "p.json", code=1)
    made.write_text("4")
    assert shop.cls("disable", "p/double", "-p", "p.json").returncode == 0
    off = shop.cls("replay", "count", lot, "--downstream", "--yes", "-p", "p.json")
    assert "double" not in off.stdout
    assert "p/double: left out with what is made of it, since it is switched off" in off.stderr
    assert shop.cls("enable", "p/double", "--skip", "-p", "p.json").returncode == 0
    count_, double = shop.rows("replay", "count", lot, "--downstream", "--yes", "-p", "p.json")
    assert (count_["same"], double["done"]) == (1, 1), "there was no result that could have stayed"
    assert shop.results("c") == ["8"]


def test_plans_are_those_of_the_project_and_the_arc_that_are_asked_for(shop: Shop) -> None:
    plan = shop.rows("backfill", "count", "-p", "p.json")[0]["plan"]
    for options in (("--project", "p"), ("--project", "p:1", "--name", "count"), ()):
        assert [row["plan"] for row in shop.rows("plans", "-p", "p.json", *options)] == [plan]
    for options in (("--project", "q"), ("--name", "nix")):
        assert "there is none here" in shop.cls("plans", "-p", "p.json", *options).stderr


def test_what_lists_objects_downstream_is_made_again_where_they_are_others_of_the_same_bytes(shop: Shop) -> None:
    sources = {role: {"name": name, "version": "1", "start": "all"} for role, name in {"one": "b", "two": "c"}.items()}
    joined = {"name": "d", "version": "1"}
    join = {"type": "cls:core:joinBarrier", "name": "both", "sources": sources, "dataset": joined}
    shop.declare(barriers=[join])
    shop.rows("backfill", "--yes", "-p", "p.json")
    lot = shop.lots()[0]
    _, doubled, both = shop.rows("replay", "count", lot, "--downstream", "--yes", "-p", "p.json")
    assert (doubled["unchanged"], both["unchanged"]) == (1, 1), "it writes under the same names"
    again, both = shop.rows("replay", "double", lot, "--downstream", "--yes", "-p", "p.json")
    assert (again["done"], both["done"]) == (1, 1), "it names what it writes after its attempt"
    assert shop.cls("run", "p.json", "--until-idle").returncode == 0, "which sweeps what is replaced"
    assert shop.cls("audit", "d", "-p", "p.json").returncode == 0


def test_each_attempt_is_told_with_the_revision_that_it_wrote(shop: Shop) -> None:
    lot = shop.lots()[0]
    shop.rows("backfill", lot, "--yes", "-p", "p.json")
    shop.rows("replay", "double", lot, "--yes", "-p", "p.json")
    told = shop.cls("explain", lot, "double").stdout
    written = [line.split(" complete")[0].strip() for line in told.splitlines() if line.strip().startswith("writes")]
    assert written == ["writes main: c/1 revision 0,", "writes main: c/1 revision 1,"]


def test_an_interrupted_back_fill_says_where_it_stands_and_goes_on(shop: Shop) -> None:
    *older, newest = shop.lots()
    held = [shop.folder / f"data/hold-{lot}" for lot in (*older, newest)]
    for each in held:
        each.touch()
    process = shop.begin("backfill", "count", "--yes", "--concurrency", "1", "-p", "p.json")
    assert shop.await_begun() == [newest], "the newest is first"
    held[-1].unlink()
    shop.await_begun(2)
    deadline = time.monotonic() + 30
    while True:
        (seen,) = shop.rows("plans", "-p", "p.json")
        if seen["done"] or time.monotonic() > deadline:
            break
    assert (seen["state"], seen["done"] > 0) == ("working", True), "as seen from another terminal"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"--resume {seen['plan']} --yes" in err
    assert seen["plan"] in out
    (stopped,) = shop.rows("plans", "-p", "p.json")
    assert stopped["state"] == "stopped"
    done = len(shop.results("b"))
    for each in held[:-1]:
        each.unlink()
    (ended,) = shop.rows("backfill", "--resume", seen["plan"], "--yes", "-p", "p.json")
    assert (ended["done"], ended["ahead"]) == (4, 0)
    assert 0 < done < 4
    assert shop.results("b") == ["1", "2", "3", "4"]


def test_who_is_told_to_stop_when_all_is_done_is_done(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.folder)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    work = planning.work_plan

    def work_and_be_told(*arguments: Any) -> Any:
        ended = work(*arguments)
        signal.raise_signal(signal.SIGINT)
        return ended

    monkeypatch.setattr(planning, "work_plan", work_and_be_told)
    try:
        done = CliRunner().invoke(main, ["backfill", "count", "--yes", "-p", "p.json"])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert (done.exit_code, "stopped" in done.stderr) == (0, False), done.stderr
    assert shop.results("b") == ["1", "2", "3", "4"]


def test_of_two_who_work_one_plan_the_last_finds_it_done(shop: Shop) -> None:
    oldest, *_, newest = shop.lots()
    held = [shop.folder / f"data/hold-{lot}" for lot in (oldest, newest)]
    for each in held:
        each.touch()
    (planned,) = shop.rows("backfill", "count", "-p", "p.json")
    resumed = ("backfill", "--resume", planned["plan"], "--yes", "--concurrency", "1", "-p", "p.json")
    one = shop.begin(*resumed)
    shop.await_begun()
    other = shop.begin(*resumed)  # leaves the newest to the first
    shop.await_begun(4)
    held[1].unlink()
    _, err = one.communicate(timeout=60)
    assert (one.returncode, "1 lot left to others" in err) == (1, True), "the second is at the oldest"
    held[0].unlink()
    _, err = other.communicate(timeout=60)
    assert other.returncode == 0, err
    assert shop.results("b") == ["1", "2", "3", "4"]


def test_a_killed_replay_is_gone_on_with_and_no_lot_is_replaced_twice(shop: Shop) -> None:
    shop.rows("backfill", "count", "--yes", "-p", "p.json")
    (planned,) = shop.rows("replay", "count", "--earliest", "-2d", "--order", "oldest", "-p", "p.json")
    for begun in shop.folder.glob("data/begun-*"):
        begun.unlink()
    held = [shop.folder / f"data/hold-{lot}" for lot in shop.lots()[1:]]
    for each in held:
        each.touch()
    process = shop.begin("replay", "--resume", planned["plan"], "--yes", "--concurrency", "1", "-p", "p.json")
    shop.await_begun(2)
    process.kill()
    process.communicate()
    for each in held:
        each.unlink()
    (stopped,) = (each for each in shop.rows("plans", "-p", "p.json") if each["plan"] == planned["plan"])
    assert stopped["state"] == "stopped", "nobody is at it"
    (ended,) = shop.rows("replay", "--resume", planned["plan"], "--yes", "-p", "p.json")
    assert (ended["done"], ended["failed"], ended["left"]) == (4, 0, 0)
    kept = shop.folder.glob(".clusterless/*manifest*/datasets/name=b/version=1/lot=*/state=complete/attempt=*")
    assert sorted(path.name for path in kept) == ["attempt=1"] * 4


def test_what_is_running_is_not_replayed_nor_rolled_back(shop: Shop) -> None:
    hold = shop.hold()
    lot = shop.lots()[0]
    running = shop.begin("exec", "count", lot, "-p", "p.json")
    shop.await_begun()
    replayed = shop.cls("replay", "count", lot, "--yes", "-p", "p.json")
    assert (replayed.returncode, replayed.stdout) == (1, ""), "a script may wait, and ask again"
    said = "p/count: 1 lot left alone, being worked\nthere is nothing to do\nerror[lots-left]: 1 lot left alone: "
    assert replayed.stderr.startswith(said)
    assert shop.rows("replay", "count", lot, "--which", "failed", "-p", "p.json") == [], "nobody asked for it"
    assert shop.rows("backfill", "count", lot, "-p", "p.json") == [], "whoever is at it works it"
    refused = shop.cls("exec", "count", lot, "-p", "p.json")
    assert refused.returncode == 1
    assert "is being worked by" in refused.stderr
    rolled = shop.cls("rollback", "count", lot, "--yes", "-p", "p.json")
    assert "running" in rolled.stdout
    hold.unlink()
    running.communicate(timeout=60)
    assert running.returncode == 0
    assert shop.results("b") == ["1"]


def test_where_some_are_running_the_rest_is_replayed_and_it_is_told(shop: Shop) -> None:
    first, *others = shop.lots()
    shop.rows("backfill", "count", *others, "--yes", "-p", "p.json")
    hold = shop.folder / f"data/hold-{first}"
    hold.touch()
    running = shop.begin("exec", "count", first, "-p", "p.json")
    shop.await_begun(HOURS)
    (planned,) = shop.rows("replay", "count", "--earliest", "-2d", "-p", "p.json")
    assert planned["lots"] == len(others), "it is only shown, which left nothing"
    (ended,) = shop.rows("replay", "count", "--earliest", "-2d", "--yes", "-p", "p.json", code=1)
    assert (ended["done"], ended["ahead"]) == (len(others), 0)
    hold.unlink()
    running.communicate(timeout=60)
    (ended,) = shop.rows("replay", "count", "--earliest", "-2d", "--yes", "-p", "p.json")
    assert (ended["done"], ended["ahead"]) == (HOURS, 0)


def test_a_lot_that_is_claimed_meanwhile_is_left_and_said_to_be(shop: Shop) -> None:
    lot = shop.lots()[0]
    (planned,) = shop.rows("backfill", "count", lot, "-p", "p.json")
    hold = shop.hold()
    running = shop.begin("exec", "count", lot, "-p", "p.json")
    shop.await_begun()
    (ended,) = shop.rows("backfill", "--resume", planned["plan"], "--yes", "-p", "p.json", code=1)
    assert (ended["done"], ended["left"]) == (0, 1)
    hold.unlink()
    running.communicate(timeout=60)
    (ended,) = shop.rows("backfill", "--resume", planned["plan"], "--yes", "-p", "p.json")
    assert (ended["done"], ended["left"]) == (1, 0)


def test_a_plan_for_another_declaration_is_refused_and_old_results_are_told(shop: Shop) -> None:
    (planned,) = shop.rows("backfill", "count", "-p", "p.json")
    shop.rows("backfill", "count", "--yes", "-p", "p.json")
    changed = arc("count", "a", "b")
    changed["workload"]["environment"] = {"MORE": "1"}
    shop.declare(arcs=[changed])
    refused = shop.cls("backfill", "--resume", planned["plan"], "--yes", "-p", "p.json")
    assert refused.returncode == 1
    assert "plan-outdated" in refused.stderr
    assert shop.cls("backfill", "--resume", planned["plan"], "--yes", "--anyway", "-p", "p.json").returncode == 0
    (stale,) = shop.rows("replay", "count", "--which", "stale", "-p", "p.json")
    assert (stale["lots"], stale["changed"]) == (4, 4)
    retried = arc("count", "a", "b") | {"retry": {"attempts": 7}}
    shop.declare(arcs=[retried])
    assert shop.rows("replay", "count", "--which", "stale", "-p", "p.json") == [], "how often it is tried is no change"


def test_a_plan_for_an_arc_that_is_declared_no_more_is_refused_though_it_is_recorded(shop: Shop) -> None:
    assert shop.cls("run", "p.json", "--until-idle").returncode == 0
    (planned,) = shop.rows("replay", "count", "--which", "all", "--earliest", "-2d", "-p", "p.json")
    shop.declare(arcs=[arc("double", "b", "c")])
    refused = shop.cls("replay", "--resume", planned["plan"], "--yes", "-p", "p.json")
    assert (refused.returncode, "which is not declared any more" in refused.stderr) == (1, True), refused.stderr
    assert shop.results("b") == []


def test_what_failed_is_told_and_is_worked_when_it_is_gone_on_with(shop: Shop) -> None:
    fail = shop.folder / "data/fail"
    fail.touch()
    done = shop.cls("backfill", "count", "--yes", "-p", "p.json")
    assert done.returncode == 1
    assert "not today" in done.stderr
    assert "plan-unworked" in done.stderr
    (ended,) = shop.rows("plans", "-p", "p.json")
    assert (ended["state"], ended["failed"]) == ("unfinished", 4)
    fail.unlink()
    (planned,) = shop.rows("backfill", "count", "--which", "failed", "-p", "p.json")
    assert (planned["lots"], planned["failed"]) == (4, 4)
    shop.rows("backfill", "--resume", planned["plan"], "--yes", "-p", "p.json")
    assert shop.results("b") == ["1", "2", "3", "4"]


def test_published_lots_are_worked_where_the_arc_runs_though_they_lie_before_its_start(shop: Shop) -> None:
    assert shop.cls("run", "p.json", "--until-idle").returncode == 0
    assert shop.results("b") == [], "they lie before its start"
    (ended,) = shop.rows("backfill", "count", "--yes", "--publish", "-p", "p.json")
    assert ended["published"] == 4
    assert shop.results("b") == [], "nothing is worked here"
    assert shop.cls("run", "p.json", "--until-idle").returncode == 0
    assert shop.results("b") == ["1", "2", "3", "4"]


def test_what_is_published_is_followed_downstream_as_far_as_it_changed(shop: Shop) -> None:
    shop.rows("backfill", "--yes", "-p", "p.json")
    assert shop.results("c") == ["2", "4", "6", "8"]
    running = shop.begin("run", "p.json")
    counted, doubled = shop.rows(
        "replay", "count", "--which", "all", "--downstream", "--publish", "--yes", "-p", "p.json"
    )
    assert (counted["same"], doubled["unchanged"]) == (4, 4)
    (shop.folder / "data/more").write_text("10")
    counted, doubled = shop.rows(
        "replay", "count", "--which", "all", "--downstream", "--publish", "--yes", "-p", "p.json"
    )
    assert (counted["done"], doubled["published"]) == (4, 4)
    shop.await_results("c", ["22", "24", "26", "28"])
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)


def test_lots_are_begun_no_faster_than_the_rate(shop: Shop) -> None:
    begun = time.monotonic()
    shop.rows("backfill", "count", "--yes", "--rate", "60", "-p", "p.json")
    assert time.monotonic() - begun > 2.9  # four lots, a second between them
    assert len(shop.results("b")) == 4


def test_of_a_lot_that_came_to_nothing_it_is_said_who_knows(shop: Shop) -> None:
    (shop.folder / "data/fail").touch()
    lot = shop.lots()[0]
    assert shop.cls("backfill", "count", lot, "--yes", "-p", "p.json").returncode == 1
    told = shop.cls("explain", lot, "b")
    assert (told.returncode, told.stdout) == (1, "")
    assert f"nothing is known here of {lot} b\n" in told.stderr
    assert "these know of that lot: dataset a/1, boundary p/1/in, arc p/1/count;" in told.stderr
    assert "not today" in shop.cls("explain", lot, "count").stdout
