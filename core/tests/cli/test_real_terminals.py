"""`cls` as a process: on a real terminal of forty columns, without one, without colour, into a closed pipe."""

from __future__ import annotations

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
import time
from collections.abc import Callable
from pathlib import Path

import pytest

CLS = [sys.executable, "-m", "clusterless.cli"]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

Cls = Callable[..., "subprocess.CompletedProcess[str]"]


def on_terminal(folder: Path, *arguments: str, columns: int = 40, **environment: str) -> tuple[int, str]:
    """The exit code, and all that was written on a terminal so wide."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "CLS_LOCAL_ROOT"}}
    with subprocess.Popen(
        [*CLS, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=folder,
        env={**clean, "TERM": "xterm", **environment},
        start_new_session=True,
    ) as process:
        os.close(follower)
        written = b"".join(iter(lambda: read(leader), b""))
        code = process.wait()
    os.close(leader)
    return code, written.decode().replace("\r\n", "\n")


def read(leader: int) -> bytes:
    try:
        select.select([leader], [], [], 60)
        return os.read(leader, 65536)
    except OSError:
        return b""  # the last one has closed the other side


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / "data/a" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def too_wide(text: str, columns: int = 40) -> list[str]:
    lines = re.split(r"[\n\r]", ESCAPE.sub("", text))
    return [line for line in lines if len(line) > columns]


@pytest.fixture
def worked(project: Path, cls: Cls) -> Path:
    """The project, after a run of it."""
    put(project.parent, "one", "two")
    ended = cls("run", str(project), "--until-idle", "--seal-open")
    assert ended.returncode == 0, ended.stderr
    return project.parent


@pytest.mark.parametrize(
    "command",
    [
        "arcs -p project.json",
        "arcs status -p project.json",
        "arcs status --list -p project.json",
        "datasets",
        "datasets status -p project.json",
        "datasets status --list -p project.json",
        "placements",
        "projects",
        "plugins",
        "--help",
        "run --help",
        "datasets --help",
        "show component --list",
    ],
)
def test_every_report_fits_forty_columns(worked: Path, command: str) -> None:
    code, written = on_terminal(worked, *command.split())
    assert code == 0, written
    assert written.strip()
    assert too_wide(written) == []


@pytest.fixture
def removed(worked: Path, cls: Cls) -> tuple[Path, str, str]:
    """The project's folder, where a lot of `b` was removed, that lot, and the URI of an object that was in it."""
    (row,) = json.loads(cls("arcs", "status", "--list", "-p", "project.json", "--output", "json").stdout)
    (uri, _) = sorted(path.as_uri() for path in worked.glob("data/b/**/*") if path.is_file())
    done = cls("rollback", "copy", row["lotId"], "-p", "project.json", "--remove", "--yes")
    assert done.returncode == 0, done.stderr
    return worked, row["lotId"], uri


TOLD = {
    "explain {lot} -p project.json": 0,
    "explain {uri} -p project.json": 0,
    "explain {uri}-not -p project.json": 1,
    "explain {lot} nobody -p project.json": 1,
    "explain 0-1-aaaaaaaaaaaaaaaa -p project.json": 1,
    "audit a -p project.json": 0,
    "audit b {lot} -p project.json": 0,
    "dupes b -p project.json": 0,
    "audit": 2,
    "audit a {lot} --fix -p project.json": 2,
}


def test_what_is_told_of_lots_fits_forty_columns(removed: tuple[Path, str, str]) -> None:
    folder, lot, uri = removed
    for command, code in TOLD.items():
        ended, written = on_terminal(folder, *command.format(lot=lot, uri=uri).split())
        assert ended == code, written
        assert written.strip()
        assert too_wide(written) == []


def test_of_what_was_removed_it_is_said_once_what_and_when_and_after_whose_rollback(
    removed: tuple[Path, str, str], cls: Cls
) -> None:
    _, lot, uri = removed
    for subject in ([lot, "b"], [uri]):
        told = cls("explain", *subject, "-p", "project.json")
        assert told.returncode == 0, told.stderr
        (line,) = (line for line in told.stdout.splitlines() if "removed" in line and "://" not in line)
        assert re.fullmatch(r"  removed: 2 objects, after a rollback by \S+, \d+ \S+ ago \([-0-9]+ [:0-9]+Z\)", line)
        assert f"  listed {uri}" in told.stdout.splitlines()
        assert "  lists " not in told.stdout
        assert "  writes main: b/1 revision 0, complete, 2 objects" in told.stdout
        assert re.search(r"3\. rollback: revision 1 is next, by ", told.stdout)


def test_what_is_none_of_all_that_is_refused_with_what_to_type(removed: tuple[Path, str, str], cls: Cls) -> None:
    _, lot, _ = removed
    for subject, problem in (
        ([""], "'' is not a lot"),
        (["data"], "data is a folder"),
        (["nonsense"], "'nonsense' is not a lot, a URI, a file or an attempt"),
        ([f"{lot}..{lot}"], "is not a lot, a URI, a file or an attempt"),
        (["20240131PT5M999"], "'20240131PT5M999' is not a lot: no day has it"),
        ([lot, "20240131PT5M000"], "one lot is told at a time, and 20240131PT5M000 is another"),
    ):
        told = cls("explain", *subject, "-p", "project.json")
        assert (told.returncode, problem in told.stderr, "hint: " in told.stderr) == (2, True, True), told.stderr
    told = cls("explain", "nosuch://bucket/key", "-p", "project.json")
    assert told.returncode == 1
    assert "it is not known whether it is there: " in told.stderr  # which does not keep from looking in manifests
    assert "it is in no lot of " in told.stderr
    for command in ("audit", "dupes"):
        told = cls(command, "a", "nonsense", "-p", "project.json")
        assert (told.returncode, "'cls datasets status" in told.stderr) == (2, True), told.stderr
        told = cls(command, "a", "19990101PT5M000", "-p", "project.json")
        assert (told.returncode, "none of the lots asked for is there" in told.stderr) == (0, True), told.stderr


def test_a_run_fits_forty_columns_and_names_what_it_did(project: Path) -> None:
    put(project.parent, "one")
    code, written = on_terminal(project.parent, "run", "project.json", "--until-idle", "--seal-open")
    assert code == 0, written
    assert too_wide(written) == []
    assert "p/copy: 1 complete" in written
    assert "all is at rest" in written


def test_a_wide_terminal_says_once_what_is_common(worked: Path) -> None:
    _, written = on_terminal(worked, "datasets", "status", "-p", "project.json", columns=160)
    assert "placement.provider local" in written
    head = next(line for line in written.splitlines() if line.startswith("dataset"))
    assert "provider" not in head


def test_what_is_no_terminal_gets_every_column(worked: Path, cls: Cls) -> None:
    shown = cls("datasets", "status", "-p", "project.json").stdout
    assert shown.splitlines()[1].startswith("provider")


def test_no_colour_is_written_where_none_is_wanted(project: Path, cls: Cls) -> None:
    put(project.parent, "one")
    _, written = on_terminal(project.parent, "run", "project.json", "--until-idle", "--seal-open", NO_COLOR="1")
    assert re.findall(r"\x1b\[(?:[0-9]+;)*(?:[349]|10)[0-7]m", written) == []
    for arguments in (["--help"], ["plugins"], ["run", "project.json", "--until-idle"]):
        assert "\x1b" not in cls(*arguments).stdout


def test_without_a_terminal_nothing_is_asked_and_nothing_is_live(project: Path) -> None:
    put(project.parent, "one")
    ended = subprocess.run(
        [*CLS, "run", "project.json", "--until-idle", "--seal-open"],
        cwd=project.parent, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "p/in: sealed 1 lot (0 empty), 1 object, " in ended.stdout


# ---- pipes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_run_goes_on_when_nobody_reads_what_it_says(project: Path, form: str) -> None:
    put(project.parent, "one", "two")
    command = f"{' '.join(CLS)} run project.json --until-idle --seal-open --log-format {form}; echo $? >code"
    shown = subprocess.run(
        ["bash", "-c", f"({command}) | true"], cwd=project.parent, capture_output=True, text=True, check=True
    )
    assert shown.stderr == ""
    assert (project.parent / "code").read_text() == "0\n"
    assert {path.name for path in project.parent.glob("data/b/**/*") if path.is_file()} == {"one", "two"}


def test_a_run_goes_on_when_its_terminal_goes_away(project: Path) -> None:
    """What cannot be told there once hung it for ever: the boundary's thread died of telling."""
    put(project.parent, "one", "two")
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*CLS, "run", "project.json", "--until-idle", "--seal-open", "--log-format", "text"],
        cwd=project.parent, stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(follower)
        os.close(leader)
        assert process.wait(timeout=200) == 0
    assert {path.name for path in project.parent.glob("data/b/**/*") if path.is_file()} == {"one", "two"}


GREAT = ["--help", "plugins", "show schema", "show component --model-all", "datasets status -p project.json"]


@pytest.mark.parametrize("command", GREAT)
def test_a_reader_that_has_gone_is_no_error_to_tell(worked: Path, command: str) -> None:
    ended = subprocess.run(
        ["bash", "-c", f"(sleep 0.3; {' '.join(CLS)} {command}) | true"],
        cwd=worked, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stderr == ""


# ---- Ctrl-C ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0.04, 0.08, 0.12, 0.16, 0.2, 0.3])
def test_ctrl_c_while_it_starts_shows_no_traceback(project: Path, after: float) -> None:
    """Of what is sent before Python runs anything of ours, nothing can be said."""
    mark = project.parent / "begun"
    begin = (
        "import sys; from clusterless.cli.__main__ import main; sys.argv = ['cls', 'run', 'project.json'];"
        f"open({str(mark)!r}, 'w').close(); main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", begin], cwd=project.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not mark.exists():
            time.sleep(0.002)
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    # Once it runs, Ctrl-C is how it is told to stop.
    assert process.returncode in {130, 0}, (out, err)


def test_where_ctrl_c_is_ignored_it_stays_ignored(project: Path) -> None:
    """As in a job that a shell runs in the background."""
    probe = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); import sys; sys.argv=['cls', '-V'];"
    probe += "from clusterless.cli.__main__ import main\ntry: main()\nexcept SystemExit: print(signal.getsignal(2))"
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert ended.stdout.endswith(f"{int(signal.SIG_IGN)}\n")
