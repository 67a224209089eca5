"""What others wrote (names of files, errors of workloads, reasons) is shown, and never obeyed by a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.cli.render import Report, table
from clusterless.cli.words import headline, plain

EVIL = "\x1b]0;mine\x07 \x1b[2J\x9b31m"
WORK = f"""
def work(lot):
    raise ValueError({EVIL!r} + "\\n second line")
"""


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    left = plain(text)
    assert all(letter in "\n\t" or unicodedata.category(letter) not in {"Cc", "Cs", "Zl", "Zp"} for letter in left)
    assert plain(left) == left


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("one", "one"), ("one\ntwo", "one …"), ("a\x1b[1mb", "a\\x1b[1mb"), ("über ☃\u00a0x", "über ☃\u00a0x")],
)
def test_a_headline_is_one_line(text: str, shown: str) -> None:
    assert headline(text) == shown


def test_a_row_is_a_line_whatever_is_in_its_cells() -> None:
    report = Report(("name", "why"), (("a", "boom\nTraceback\nboom"), ("b", "fine")))
    assert len(table(report).splitlines()) == 2 + 1 + 2 + 1
    assert "boom …" in table(report)


@pytest.fixture
def failed(project: Path, cls: Callable[..., Any]) -> Path:
    declared = json.loads(project.read_text())
    declared["arcs"][0] |= {
        "type": "cls:core:pythonArc",
        "workload": {"function": "evil:work"},
        "retry": {"attempts": 1},
    }
    project.write_text(json.dumps(declared))
    (project.parent / "evil.py").write_text(WORK)
    (project.parent / "data/a").mkdir(parents=True)
    (project.parent / f"data/a/{EVIL}").write_text("x")
    ran = cls("run", str(project), "--until-idle", "--seal-open")
    assert ran.returncode == 1, ran
    assert "ValueError: \\x1b]0;mine\\x07" in ran.stdout
    return project.parent


@pytest.mark.parametrize(
    "command",
    [
        "gaps b -p project.json --why",
        "explain {lot} copy -p project.json",
        "explain {lot} a -p project.json",
        "disable p/copy -p project.json --reason {evil}",
    ],
)
def test_no_command_hands_it_to_the_terminal(failed: Path, cls: Callable[..., Any], command: str) -> None:
    lot = json.loads(cls("datasets", "status", "--list", "-p", "project.json", "--output", "json").stdout)[0]["lotId"]
    ran = cls(*(each.format(lot=lot, evil=EVIL) for each in command.split(" ")))
    assert not set("\x1b\x07\x9b") & set(ran.stdout + ran.stderr), ran


def test_the_lines_of_an_error_stand_below_what_is_told_of_it(failed: Path, cls: Callable[..., Any]) -> None:
    lot = json.loads(cls("datasets", "status", "--list", "-p", "project.json", "--output", "json").stdout)[0]["lotId"]
    told = cls("explain", lot, "copy", "-p", "project.json").stdout.splitlines()
    head = next(number for number, line in enumerate(told) if "missing: WorkloadError" in line)
    assert ", attempt 0-1-" in told[head]
    assert told[head + 1].startswith("      ")
