"""A boundary whose ``lotUnit`` was changed though it has sealed lots: each command says so, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clusterless.cli.app import main

HOUR = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d)"
RANGE = ("--earliest", "2024-01-31T00", "--latest", "2024-01-31T02")
TO_DO = ("lotUnit", "another version")


def declare(project: Path, unit: str) -> None:
    declared = json.loads(project.read_text())
    declared["boundaries"][0] |= {
        "lotUnit": unit,
        "lotSource": "keyTimestampRegex",
        "keyRegex": HOUR,
        "settleSec": 0,
    }
    project.write_text(json.dumps(declared))


def cls(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def changed(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project.parent)
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    declare(project, "Hours")
    (project.parent / "data/a").mkdir(parents=True, exist_ok=True)
    (project.parent / "data/a/20240131T00.txt").write_text("x")
    assert cls("run", "project.json", "--until-idle").exit_code == 0
    declare(project, "Twelfths")
    return project


def test_gaps_do_not_call_it_vanished(changed: Path) -> None:
    told = cls("gaps", "--why", "-p", changed.name, *RANGE, "--output", "json")
    assert told.exit_code == 3
    assert "unreadable" in told.stdout
    assert "vanished" not in told.stdout
    assert all(each in told.stdout for each in (*TO_DO, "20240131PT1H000"))


@pytest.mark.parametrize("command", ["status", "graph"])
def test_who_asks_for_states_is_told_what_to_change(changed: Path, command: str) -> None:
    told = cls(command, "-p", changed.name, *RANGE)
    assert told.exit_code == 2
    assert all(each in told.stderr for each in TO_DO)


def test_a_run_says_it_and_books_nothing(changed: Path) -> None:
    (changed.parent / "data/a/20240131T01.txt").write_text("x")
    told = cls("run", changed.name, "--until-idle")
    assert told.exit_code == 1
    assert all(each in told.stderr for each in TO_DO)
    declare(changed, "Hours")
    assert "1 complete" in cls("run", changed.name, "--until-idle").stdout
