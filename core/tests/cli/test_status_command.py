"""`cls status` over a project that really ran: rows, exit codes, days, and looking again and again."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clusterless.cli.app import main

Cls = Callable[..., Result]


@pytest.fixture
def cls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cls:
    """Runs ``cls`` in this process, in the project's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    return lambda *arguments, **environment: CliRunner().invoke(main, arguments, env=environment)


@pytest.fixture
def worked(cls: Cls, project: Path, tmp_path: Path) -> Cls:
    """`cls`, where one file has arrived, was sealed and copied."""
    (tmp_path / "data/a").mkdir(parents=True)
    (tmp_path / "data/a/one.csv").write_text("1\n")
    ran = cls("run", "project.json", "--until-idle", "--seal-open")
    assert ran.exit_code == 0, ran.stderr
    return cls


WIDE = ("--earliest", "1h", "--latest", "+1h")


def rows(cls: Cls, *arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(cls("--output", "csv", "status", *WIDE, *arguments).stdout.splitlines()))


def with_another_arc(project: Path) -> None:
    """An arc more, of all that there is."""
    declared = json.loads(project.read_text())
    declared["arcs"].append(
        {
            "type": "cls:core:copyArc",
            "name": "more",
            "sources": {"main": {"name": "a", "version": "1", "start": "all"}},
            "sinks": {"main": {"name": "c", "version": "1", "pathURI": "data/c/"}},
        }
    )
    project.write_text(json.dumps(declared))


def test_all_well_is_told_with_files_and_without(worked: Cls) -> None:
    for arguments in (("-p", "project.json"), ()):
        shown = worked("status", *WIDE, *arguments)
        assert shown.exit_code == 0, shown.stderr
        found = rows(worked, *arguments)
        assert [(row["kind"], row["name"], row["state"], row["complete"]) for row in found] == [
            ("boundary", "p/in", "complete", "1"),
            ("dataset", "a/1", "complete", "1"),
            ("arc", "p/copy", "complete", "1"),
            ("dataset", "b/1", "complete", "1"),
        ]


def test_it_is_said_how_fast_things_go(worked: Cls) -> None:
    boundary, _, arc, _ = rows(worked)
    for row in (boundary, arc):
        assert float(row["lotsPerHour"]) > 0
        assert float(row["objectsPerHour"]) > 0
        assert 0 <= int(row["medianSec"]) <= int(row["percentile95Sec"]) < 3600


def test_what_is_behind_comes_first_and_is_exited_with(worked: Cls, project: Path) -> None:
    with_another_arc(project)
    shown = worked("status", "-p", "project.json", *WIDE)
    assert shown.exit_code == 3
    behind = rows(worked, "-p", "project.json")[:2]
    assert {(row["name"], row["state"], row["behind"]) for row in behind} == {
        ("p/more", "never started", "1"),
        ("c/1", "late", "1"),
    }
    assert all(row["oldestBehind"] and row["behindSec"] for row in behind)
    assert worked("status", "copy", "-p", "project.json", *WIDE).exit_code == 0


def test_only_what_is_named_is_shown(worked: Cls) -> None:
    assert [row["name"] for row in rows(worked, "b")] == ["b/1"]
    assert [row["name"] for row in rows(worked, "p/copy", "p/in")] == ["p/in", "p/copy"]
    assert len(rows(worked, "p")) == len(rows(worked, "--project", "p:1")) == 4
    refused = worked("status", "nonsense")
    assert refused.exit_code == 2
    assert "nothing is known by the name of 'nonsense'" in refused.stderr


def test_json_has_every_state(worked: Cls) -> None:
    shown = json.loads(worked("status", "p/copy", "--output", "json", *WIDE).stdout)
    (row,) = shown
    assert row["project"] == {"name": "p", "version": "1"}
    states = ("empty", "complete", "removed", "running", "stale", "neverStarted", "late", "partial", "missing")
    assert [row[state] for state in states] == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert (row["temporalUnit"], row["switch"], row["oldestBehind"]) == ("TWELFTHS", "on", None)


def test_the_table_fits_forty_columns(worked: Cls, project: Path) -> None:
    with_another_arc(project)
    for arguments in ((), ("--calendar",)):
        shown = worked("status", "-p", "project.json", *WIDE, *arguments, COLUMNS="40").stdout
        assert shown
        assert [line for line in shown.splitlines() if len(line) > 40] == []


def test_a_calendar_is_of_a_year_and_says_what_its_letters_mean(worked: Cls) -> None:
    shown = worked("status", "--calendar")
    assert shown.exit_code == 0, shown.stderr
    assert "o complete: 1 day\n" in shown.stdout
    assert len(re.findall(r"^\d{4}-\d\d ", shown.stdout, re.MULTILINE)) == 13
    days = json.loads(worked("status", "--calendar", "--output", "json").stdout)
    assert len(days) in {366, 367}
    assert [day["complete"] for day in days if day["state"]] == [4]


def test_nothing_known_is_said_kindly(cls: Cls) -> None:
    assert cls("bootstrap", "--provider", "local", "--yes").exit_code == 0
    shown = cls("status")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert shown.stderr == "nothing is known here; -p FILE looks at what a project file declares\n"


# ---- watching --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("--calendar",), ("--output", "json")])
def test_without_a_terminal_nothing_is_watched(cls: Cls, more: tuple[str, ...]) -> None:
    refused = cls("status", "--watch", *more)
    assert refused.exit_code == 2
    assert "--watch" in refused.stderr


def test_a_watch_shows_the_rows_until_ctrl_c(worked: Cls, tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "CLS_LOCAL_ROOT"}}
    with subprocess.Popen(
        [sys.executable, "-m", "clusterless.cli", "status", "--watch", *WIDE],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=tmp_path,
        env={**clean, "TERM": "xterm"},
        start_new_session=True,
    ) as process:
        os.close(follower)
        written = ""
        while "b/1" not in written and select.select([leader], [], [], 60)[0]:
            written += os.read(leader, 65536).decode()
        process.send_signal(signal.SIGINT)
        while select.select([leader], [], [], 60)[0]:
            try:
                written += os.read(leader, 65536).decode()
            except OSError:
                break  # the last one has closed the other side
        code = process.wait()
    os.close(leader)
    assert code == 0, written
    assert "p/copy" in written
    assert "Traceback" not in written


def test_where_lots_lie_that_a_status_does_not_show_is_said(worked: Cls) -> None:
    shown = worked("status", "-p", "project.json", "--earliest", "2020-01-01", "--latest", "2020-01-02")
    assert re.search(r"no lot is in that range; the first after it is \S+: --earliest 20\d\d-", shown.stderr)
    shown = worked("status", "-p", "project.json", "--earliest", "+300d", "--latest", "+301d")
    assert "no lot is in that range; the newest before it is 20" in shown.stderr
    assert "all lots" not in worked("status", "-p", "project.json").stderr
