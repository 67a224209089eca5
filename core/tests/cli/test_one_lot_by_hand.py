"""`cls exec`, `cls local` and `cls rollback`, as real processes on a real project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

HOUR = 3600
NASTY = 'it\'s; $HOME `id` "x"\n# two'

CODE = """
import os, sys, time
from pathlib import Path

def note(lot):
    print("first words", flush=True)
    here = Path(lot.sink().dataset.path_uri.removeprefix("file://")).parent
    while (here / "hold").exists():
        time.sleep(0.02)
    if (here / "fail").exists():
        sys.exit("no luck")
    lot.sink().write(f"lot={lot.lot}/{lot.attempt}/note.txt", b"".join(each.read() for each in lot.source()))
"""

PYTHON = {"type": "cls:core:pythonArc", "name": "note", "workload": {"function": "work:note"}}
EXEC = {
    "type": "cls:core:execArc",
    "name": "tell",
    "workload": {
        "command": [sys.executable, "tell.py", "$.arcNotifyEvent.lot", "a b", NASTY],
        "environment": {"NASTY": NASTY},
        "workloadProps": {"said": NASTY},
    },
}
COPY = {"type": "cls:core:copyArc", "name": "keep"}
TELL = "import json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n"


@define
class Place:
    folder: Path
    lot: str = ""
    processes: list[subprocess.Popen[str]] = field(factory=list)

    def begin(self, *command: str, **more: Any) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL, text=True, **more
        )
        self.processes.append(process)
        return process

    def cls(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.begin(sys.executable, "-m", "clusterless.cli", *arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def kept(self, sink: str) -> list[str]:
        return [path.read_text() for path in sorted((self.folder / "data" / sink).rglob("*.txt"))]


def declared(arcs: list[dict[str, Any]]) -> dict[str, Any]:
    boundary = {
        "type": "local:core:putListenerBoundary",
        "name": "in",
        "lotUnit": "Hours",
        "settleSec": 0,
        "graceSec": 0,
        "dataset": {"name": "a", "version": "1", "pathURI": "data/a/"},
    }
    worked = [
        {
            "sources": {"main": {"name": "a", "version": "1"}},
            "sinks": {"main": {"name": each["name"], "version": "1", "pathURI": f"data/{each['name']}/"}},
            "retry": {"attempts": 1},
            **each,
        }
        for each in arcs
    ]
    return {
        "project": {"name": "p", "version": "1"},
        "placement": {"provider": "local"},
        "boundaries": [boundary],
        "arcs": worked,
    }


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    found = Place(tmp_path)
    (tmp_path / "work.py").write_text(CODE)
    (tmp_path / "tell.py").write_text(TELL)
    (tmp_path / "data/a").mkdir(parents=True)
    arrived = tmp_path / "data/a/1.txt"
    arrived.write_text("hello")
    os.utime(arrived, (time.time() - 2 * HOUR,) * 2)
    (tmp_path / "p.json").write_text(json.dumps(declared([])))
    assert found.cls("run", "p.json", "--until-idle").returncode == 0
    (tmp_path / "p.json").write_text(json.dumps(declared([PYTHON, EXEC, COPY])))
    (path,) = tmp_path.glob(".clusterless/*manifest*/datasets/name=a/version=1/lot=*")
    found.lot = path.name.removeprefix("lot=")
    yield found
    for process in found.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_lot_is_worked_once_or_again_where_that_is_said(place: Place) -> None:
    done = place.cls("exec", "note", place.lot, "-p", "p.json")
    assert (done.returncode, done.stdout) == (0, "first words\n")
    assert "complete: 1 object, revision 0" in done.stderr
    assert place.kept("note") == ["hello"]
    twice = place.cls("exec", "note", place.lot)
    assert twice.returncode == 1
    assert "--again" in twice.stderr
    assert place.cls("exec", "p/note", place.lot, "--again").returncode == 0
    assert len(place.kept("note")) == 2, "of two revisions, until it is swept"


def test_its_output_is_seen_while_it_comes(place: Place) -> None:
    (place.folder / "data/hold").touch()
    process = place.begin(sys.executable, "-m", "clusterless.cli", "exec", "note", place.lot, "-p", "p.json")
    assert process.stdout
    assert process.stdout.readline() == "first words\n", "while it is held"
    process.send_signal(2)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing was committed" in err
    (place.folder / "data/hold").unlink()
    assert place.cls("exec", "note", place.lot, "-p", "p.json").returncode == 0, "it was let go of"


def test_what_fails_exits_so_and_can_be_worked_anew(place: Place) -> None:
    (place.folder / "data/fail").touch()
    failed = place.cls("exec", "note", place.lot, "-p", "p.json")
    assert failed.returncode == 1
    assert "no luck" in failed.stderr
    (place.folder / "data/fail").unlink()
    assert place.cls("exec", "note", place.lot, "-p", "p.json").returncode == 0


REFUSED = [
    (("exec", "note", "20240131PT1H001"), 1, "waiting for its sources"),
    (("exec", "nope", "20240131PT1H001"), 2, "arc-unknown"),
    (("exec", "note", "yesterday"), 2, "not a lot"),
    (("local", "keep", "LOT"), 2, "cls exec -p p.json keep"),
    (("local", "note", "20240131PT1H001"), 1, "sources-missing"),
    (("local", "note", "LOT", "--workloads", "nope"), 2, "no container engine named 'nope'"),
    (("rollback", "note"), 2, "say which lots"),
    (("replay", "note"), 2, "say which lots"),
    (("backfill", "note", "20240131PT5M001"), 2, "has lots of Hours"),
    (("backfill", "--resume", "nope"), 2, "plan-missing"),
    (("backfill", "note", "LOT", "--earliest", "-1d"), 2, "not both"),
    (("backfill", "note", "--earliest", "now", "--latest", "-1d"), 2, "lies before"),
]


def test_what_cannot_be_is_said_kindly(place: Place) -> None:
    for arguments, code, said in REFUSED:
        done = place.cls(*(place.lot if each == "LOT" else each for each in arguments), "-p", "p.json")
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), (arguments, done.stderr)
        assert said in done.stderr, arguments


def test_a_function_is_run_by_hand_as_printed(place: Place) -> None:
    script = place.cls("local", "note", place.lot, "-p", "p.json")
    assert script.returncode == 0
    assert script.stdout.startswith("#!/bin/bash\n# p/note, lot ")
    run = subprocess.run(
        ["bash", "-c", script.stdout], cwd="/", capture_output=True, text=True, check=False, env={"PATH": "/bin"}
    )
    assert (run.returncode, run.stdout) == (0, "first words\n"), run.stderr
    assert place.kept("note") == ["hello"]
    found = place.folder.glob(".clusterless/*arc-state*/arcs/project=p/version=1/arc=note/lot=*")
    assert list(found) == [], "nothing was claimed"


def test_a_command_gets_its_arguments_and_variables_as_they_are(place: Place) -> None:
    script = place.cls("local", "tell", place.lot, "-p", "p.json").stdout
    run = subprocess.run(["bash", "-c", script], cwd="/", capture_output=True, text=True, check=False)
    arguments, variables = json.loads(run.stdout)
    assert arguments == [place.lot, "a b", NASTY]
    assert variables["NASTY"] == NASTY
    assert json.loads(variables["CLS_ARC_PROPS_JSON"])["workloadProps"] == {"said": NASTY}
    assert (variables["CLS_LOT"], variables["CLS_LOCAL"]) == (place.lot, "true")


def test_what_is_rolled_back_stays_readable_until_it_is_replaced_or_removed(place: Place) -> None:
    place.cls("exec", "note", place.lot, "-p", "p.json")
    manifests = f".clusterless/*manifest*/datasets/name=note/version=1/lot={place.lot}/state=*/**/manifest.json"
    shown = place.cls("rollback", "note", place.lot, "-p", "p.json")
    assert (shown.returncode, "nothing was done" in shown.stderr) == (0, True)
    assert place.cls("rollback", "note", place.lot, "--yes", "-p", "p.json").returncode == 0
    assert place.kept("note") == ["hello"]
    assert len(list(place.folder.glob(manifests))) == 1
    shown = place.cls("rollback", "note", place.lot, "--remove", "-p", "p.json", "--output", "json")
    (row,) = json.loads(shown.stdout)
    assert row == {**row, "marked": 1, "objects": 1, "bytes": 5}
    assert place.kept("note") == ["hello"]
    removed = place.cls("rollback", "note", place.lot, "--yes", "--remove", "-p", "p.json", "--output", "json")
    (row,) = json.loads(removed.stdout)
    assert row == {**row, "lotsRemoved": 1, "objectsRemoved": 1, "bytesRemoved": 5, "held": 0}
    assert place.kept("note") == []
    assert ["state=removed" in str(path) for path in place.folder.glob(manifests)] == [True]
    assert place.cls("backfill", "note", "--yes", "-p", "p.json").returncode == 0
    assert place.kept("note") == ["hello"]


def test_what_a_consumer_is_reading_is_not_removed(place: Place) -> None:
    reader = {
        **PYTHON,
        "name": "reader",
        "sources": {"main": {"name": "note", "version": "1"}},
    }
    (place.folder / "p.json").write_text(json.dumps(declared([PYTHON, reader])))
    place.cls("exec", "note", place.lot, "-p", "p.json")
    (place.folder / "data/hold").touch()
    reading = place.begin(sys.executable, "-m", "clusterless.cli", "exec", "reader", place.lot, "-p", "p.json")
    assert reading.stdout
    reading.stdout.readline()
    held = place.cls("rollback", "note", place.lot, "--yes", "--remove", "-p", "p.json")
    assert held.returncode == 1
    assert f"'reader' of project p/1 is working lot {place.lot}" in held.stderr
    assert place.kept("note") == ["hello"]
    (place.folder / "data/hold").unlink()
    reading.communicate(timeout=60)
    assert reading.returncode == 0
    assert place.cls("rollback", "note", place.lot, "--yes", "--remove", "-p", "p.json").returncode == 0
    assert place.kept("note") == []
