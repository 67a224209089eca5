"""``cls disable`` and ``cls enable``, as they are typed: what is owed is shown, and nothing is turned on unasked."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from click.testing import CliRunner

from clusterless.cli.app import main


@frozen
class Ended:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


Cls = Callable[..., Ended]

KEYED = {"lotUnit": "Hours", "lotSource": "keyTimestampRegex", "settleSec": 0}
CTRL_C = "\x03"
HOUR = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d)"


def put(folder: Path, *hours: int) -> None:
    (folder / "data/a").mkdir(parents=True, exist_ok=True)
    for hour in hours:
        (folder / f"data/a/20240131T{hour:02}.txt").write_text("x")


@pytest.fixture
def cls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cls]:
    """Runs ``cls`` in this process, in the project's folder: there are many of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def run(*arguments: str) -> Ended:
        ended = CliRunner().invoke(main, arguments)
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def declared(cls: Cls, project: Path) -> Cls:
    """A project with lots by the hour of the key."""
    declared = json.loads(project.read_text())
    declared["boundaries"][0] |= {**KEYED, "keyRegex": HOUR}
    declared["arcs"][0]["sources"]["main"]["start"] = "all"
    declared["activities"] = [
        {"type": "cls:core:execActivity", "name": "tidy", "interval": "Hours", "workload": {"command": ["true"]}},
    ]
    declared["resources"] = [{"type": "local:core:folder", "name": "folder", "path": "data/a"}]
    project.write_text(json.dumps(declared))
    return cls


@pytest.fixture
def worked(declared: Cls, project: Path) -> Cls:
    """One of its lots is worked."""
    put(project.parent, 0)
    assert declared("run", "project.json", "--until-idle").returncode == 0
    return declared


def entries(folder: Path) -> list[dict[str, Any]]:
    path = folder / ".clusterless/clusterless-arc-state-local-here/switches/project=p/version=1"
    return [json.loads(each.read_text()) for each in sorted(path.glob("0*.json"))]


@pytest.fixture
def owing(worked: Cls, project: Path) -> Cls:
    """The arc is disabled, and three lots have come since."""
    assert worked("disable", "p/copy", "--reason", "bad  data").returncode == 0
    put(project.parent, 1, 2, 5)
    assert worked("run", "project.json", "--until-idle").returncode == 0
    return worked


# ---- disable ---------------------------------------------------------------------------------------------------


def test_who_when_and_why_are_kept(worked: Cls, tmp_path: Path) -> None:
    said = worked("disable", "p/copy", "--reason", "bad\n data")
    assert said.returncode == 0
    assert "p/copy is disabled" in said.stdout
    assert "cls enable p/copy" in said.stdout
    (entry,) = entries(tmp_path)
    assert (entry["element"], entry["on"], entry["reason"]) == ("copy", False, "bad data")
    assert "@" in entry["by"]


def test_what_is_disabled_already_stays_so_and_is_said(worked: Cls, tmp_path: Path) -> None:
    worked("disable", "p/copy", "--reason", "bad data")
    again = worked("disable", "p:1/copy", "--reason", "another")
    assert again.returncode == 0
    assert "p/copy is disabled already, since " in again.stdout
    assert "bad data" in again.stdout
    assert len(entries(tmp_path)) == 1


def test_a_project_file_will_do_before_anything_has_run(cls: Cls, project: Path) -> None:
    """What is deployed later is off too."""
    assert cls("disable", "p", "-p", "project.json").returncode == 0
    put(project.parent, 0)
    ran = cls("run", "project.json", "--until-idle", "--seal-open")
    assert ran.returncode == 0
    assert "p/in is disabled since" in ran.stdout
    assert ran.stdout.count("p/copy is disabled since") == 1
    assert "p/copy: disabled since" in ran.stdout
    assert "sealed" not in ran.stdout


@pytest.mark.parametrize(
    ("name", "problem", "hint"),
    [
        ("q", "there is no project 'q' here", "there are: p"),
        ("pp", "there is no project 'pp' here", "did you mean 'p'?"),
        ("p:2", "there is no project 'p:2' here", ""),
        ("copy", "there is no project 'copy' here", "did you mean p/copy?"),
        ("p/copyy", "there is no element of p 'copyy' here", "did you mean 'copy'?"),
        ("p/", "there is no element of p '' here", "copy, in, tidy"),
        ("p/folder", "p/folder is a resource", ""),
        ("p/copy/more", "there is no element of p 'copy/more' here", "did you mean 'copy'?"),
        ("x" * 500, "there is no project 'xxxx", ""),
    ],
)
@pytest.mark.parametrize("command", ["disable", "enable"])
def test_an_unknown_name_is_told_with_those_that_are_known(
    declared: Cls, tmp_path: Path, command: str, name: str, problem: str, hint: str
) -> None:
    said = declared(command, name, "-p", "project.json")
    assert said.returncode == 2
    assert problem.replace("'xxxx", "") in said.stderr
    assert hint in said.stderr
    assert entries(tmp_path) == []


def test_two_versions_are_told_apart(worked: Cls, project: Path) -> None:
    declared = json.loads(project.read_text())
    declared["project"]["version"] = "2"
    declared["boundaries"], declared["arcs"][0]["sinks"]["main"]["version"] = [], "2"
    declared["arcs"][0]["sinks"]["main"]["pathURI"] = "data/b2/"
    (project.parent / "second.json").write_text(json.dumps(declared))
    assert worked("run", "second.json", "--until-idle").returncode == 0
    said = worked("disable", "p/copy")
    assert said.returncode == 2
    assert "there are several projects 'p': p:1 in " in said.stderr
    disabled = worked("disable", "p:2/copy")
    assert disabled.returncode == 0
    assert "turn it on again with: cls enable p:2/copy\n" in disabled.stdout
    assert worked("enable", "p:2/copy").returncode == 0


# ---- enable ----------------------------------------------------------------------------------------------------


def test_what_is_on_is_said_to_be(worked: Cls, tmp_path: Path) -> None:
    for options in ([], ["--skip"], ["--from", "now"]):
        said = worked("enable", "p/copy", *options)
        by = "what was left out before is so until somebody asks: cls backfill --project p copy"
        unused = f"{options[0]} was not used; {by}\n" if options else ""
        assert (said.returncode, said.stdout) == (0, f"p/copy is enabled already\n{unused}")
    said = worked("enable", "p/copy", "--from", "garbage")
    assert (said.returncode, said.stdout) == (2, "")
    assert "'garbage' is not a moment" in said.stderr
    worked("disable", "p")
    said = worked("enable", "p/copy")
    assert said.returncode == 0
    assert "p/copy is not disabled itself, but all of p is, since" in said.stdout
    assert len(entries(tmp_path)) == 1


def test_without_a_choice_what_is_owed_is_shown_and_nothing_is_done(owing: Cls, tmp_path: Path) -> None:
    said = owing("enable", "p/copy", "--output", "csv")
    assert said.returncode == 2
    assert said.stdout.splitlines()[1] == "p,1,copy,arc,3,20240131PT1H001,20240131PT1H005"
    assert "3 lots are owed: p/copy is disabled since " in said.stderr
    assert "cls enable p/copy --from 20240131PT1H001 works all of it; --skip leaves it to a back-fill" in said.stderr
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize(
    ("choice", "done", "left"),
    [
        (["--from", "20240131PT1H001"], {1, 2, 5}, 0),
        (["--from", "20240131PT1H002"], {2, 5}, 1),
        (["--from", "2024-01-31T04:30Z"], {5}, 2),
        (["--from", "2020-01-01"], {1, 2, 5}, 0),
        (["--skip"], set(), 3),
    ],
)
def test_what_was_chosen_is_worked_and_nothing_else(
    owing: Cls, tmp_path: Path, choice: list[str], done: set[int], left: int
) -> None:
    said = owing("enable", "p/copy", *choice)
    assert said.returncode == 0
    assert ("left out until somebody asks for them: cls backfill --project p copy\n" in said.stdout) == bool(left)
    assert f"{left} lot" in said.stdout or not left
    ran = owing("run", "project.json", "--until-idle")
    assert ran.returncode == 0
    assert {int(each.stem[-2:]) for each in (tmp_path / "data/b").rglob("*.txt")} == {0} | done
    assert "disabled" not in ran.stdout
    assert "left" not in owing("disable", "p/copy").stdout
    assert " 0 " in owing("enable", "p/copy").stdout, "what is left out is owed no more"


def test_what_was_left_out_before_is_told_of(owing: Cls, tmp_path: Path) -> None:
    owing("disable", "p")
    put(tmp_path, 7)
    owing("run", "project.json", "--until-idle")
    said = owing("enable", "p", "--skip").stdout
    assert "what is made of these before then is left out as well: cls backfill --project p\n" in said
    owing("run", "project.json", "--until-idle")
    said = owing("enable", "p/copy", "--from", "2020-01-01").stdout
    assert "3 lots of it at once" in said
    assert "1 lot left out before, and so until somebody asks for them: cls backfill --project p copy\n" in said


def test_what_was_left_out_is_worked_where_the_arc_runs_once_it_is_announced_again(owing: Cls, tmp_path: Path) -> None:
    shown = owing("status", "b", "-p", "project.json", "--earliest", "20240131PT1H001", "--latest", "20240131PT1H006")
    assert "none of 5" in shown.stdout
    drawn = owing("graph", "-p", "project.json", "--earliest", "20240131PT1H000", "--latest", "20240131PT1H001")
    assert "arc copy [off, complete 1]" in drawn.stdout
    owing("enable", "p/copy", "--skip")
    assert owing("backfill", "copy", "-p", "project.json", "--publish", "--yes").returncode == 0
    assert owing("run", "project.json", "--until-idle").returncode == 0
    assert {int(each.stem[-2:]) for each in (tmp_path / "data/b").rglob("*.txt")} == {0, 1, 2, 5}


def test_the_report_comes_in_every_form(owing: Cls) -> None:
    said = owing("enable", "p/copy", "--skip", "--output", "json")
    (row,) = json.loads(said.stdout)
    assert row["element"] == "copy"
    assert row["owed"] == 3
    assert "p/copy is enabled" in said.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--skip", "--from", "now"], "not both"),
        (["--from", "yesteryear"], "'yesteryear' is not a moment"),
        (["--from", "20240131PT1H099"], "99"),
    ],
)
def test_a_choice_that_is_none_is_refused(owing: Cls, tmp_path: Path, options: list[str], said: str) -> None:
    ran = owing("enable", "p/copy", *options)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert len(entries(tmp_path)) == 1


def test_arrivals_cannot_be_left_out(worked: Cls, project: Path) -> None:
    worked("disable", "p/in")
    put(project.parent, 3, 4)
    worked("run", "project.json", "--until-idle")
    for options in ([], ["--skip"], ["--from", "20240131PT1H004"]):
        said = worked("enable", "p/in", *options)
        assert said.returncode == 2
        assert "--from 20240131PT1H003" in said.stderr
    said = worked("enable", "p/in", "--from", "20240131PT1H003")
    assert "all that is owed is worked, what arrived for 2 lots sealed, within" in said.stdout
    again = worked("enable", "p/in", "--skip")
    assert "until somebody asks: cls backfill --project p\n" in again.stdout, "a boundary works nothing"
    assert "2 complete" in worked("run", "project.json", "--until-idle").stdout


def test_hours_of_a_boundary_that_nothing_came_in_are_not_said_to_be_left_out(worked: Cls, project: Path) -> None:
    assert worked("disable", "p").returncode == 0
    put(project.parent, 1, 2)
    assert worked("run", "project.json", "--until-idle").returncode == 0
    assert worked("enable", "p", "--skip").returncode == 0
    later = ("--earliest", "20240131PT1H010", "--latest", "20240131PT1H011")
    told = worked("gaps", "--why", "-p", "project.json", *later, "--output", "json")
    assert told.returncode == 3
    assert "nobody-looked" in told.stdout
    assert "disabled" not in told.stdout
    assert "left out when" not in told.stdout


def test_what_was_disabled_by_its_own_name_stays_so_when_all_is_enabled(owing: Cls, tmp_path: Path) -> None:
    owing("disable", "p")
    said = owing("enable", "p", "--output", "csv")
    assert said.returncode == 0, "nothing is owed by what is turned on"
    assert [line.split(",")[2] for line in said.stdout.splitlines()[1:]] == ["in", "tidy"]
    assert "p/copy is disabled since" in owing("run", "project.json", "--until-idle").stdout


def test_of_two_people_at_once_one_has_a_choice_recorded(owing: Cls, tmp_path: Path) -> None:
    """The other is told, or finds it on."""
    choices = (["--skip"], ["--from", "20240131PT1H002"])
    command = [sys.executable, "-m", "clusterless.cli", "enable", "p/copy"]
    people = [
        subprocess.Popen([*command, *choice], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for choice in choices
    ]
    said = [person.communicate() for person in people]
    assert len(entries(tmp_path)) == 2
    losers = [(out, err) for out, err in said if "is enabled: " not in out]
    assert len(losers) == 1
    assert "is enabled already" in losers[0][0] or "meanwhile: what you chose is not recorded" in losers[0][1]


def read(leader: int, interrupted: subprocess.Popen[bytes] | None) -> str:
    """What is shown next; until then *interrupted* is, again and again: it may not have begun to wait for an answer."""
    while interrupted and not select.select([leader], [], [], 2)[0]:
        interrupted.send_signal(signal.SIGINT)
    return os.read(leader, 65536).decode()


def typed(folder: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """The exit code and what is shown on a terminal of forty columns, where *answer* is typed when it is asked for."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    command = [sys.executable, "-m", "clusterless.cli", *arguments]
    clean = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    streams = {"stdin": follower, "stdout": follower, "stderr": follower}
    with subprocess.Popen(command, cwd=folder, env={**clean, "TERM": "xterm"}, **streams) as process:
        os.close(follower)
        shown = ""
        with suppress(OSError):  # the other side is closed
            while chunk := read(leader, process if answer == CTRL_C and shown.endswith(": ") else None):
                shown += chunk
                if shown.endswith(": ") and answer not in {"", CTRL_C}:
                    os.write(leader, f"{answer}\n".encode())
                    answer = ""
        code = process.wait()
    os.close(leader)
    return code, shown.replace("\r\n", "\n")


def test_on_a_terminal_it_is_asked_for(owing: Cls, tmp_path: Path) -> None:
    code, shown = typed(tmp_path, "20240131PT1H002", "enable", "p/copy")
    assert code == 0, shown
    assert "owed" in shown
    assert "20240131PT1H001" in shown
    assert [line for line in shown.splitlines() if len(line) > 40 and "or 'skip':" not in line] == []
    assert entries(tmp_path)[-1]["skipped"]["until"] == "2024-01-31T02:00:00Z"


def test_what_is_typed_may_be_wrong_or_nothing(owing: Cls, tmp_path: Path) -> None:
    code, shown = typed(tmp_path, "whenever", "enable", "p/copy")
    assert code == 2
    assert "'whenever' is not a moment" in shown
    code, shown = typed(tmp_path, "\x04", "enable", "p/copy")
    assert code == 2, "the end of what is typed"
    assert "error[choice-missing]" in shown
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize(
    "command",
    ["enable p/copy", "backfill copy -p project.json", "rollback copy 20240131PT1H000", "audit a --fix", "bootstrap"],
)
def test_ctrl_c_in_place_of_an_answer_says_that_nothing_was_done(owing: Cls, tmp_path: Path, command: str) -> None:
    put(tmp_path, 3)
    stray = tmp_path / "data/a/20240131T00-stray.txt"
    stray.write_text("x")
    os.utime(stray, (1706700000, 1706700000))
    elsewhere = ["--stage", "other"] if command == "bootstrap" else []
    code, shown = typed(tmp_path, CTRL_C, *command.split(), *elsewhere)
    assert code == 130, shown
    assert "nothing was done" in shown
    assert "Aborted" not in shown
    assert len(entries(tmp_path)) == 1
