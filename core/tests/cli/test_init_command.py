"""`cls init`: a project that runs by what it says, and writes over nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from clusterless.codec.text import declared_values

Cls = Callable[..., "subprocess.CompletedProcess[str]"]


Typed = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    """Runs what is typed, in bash, where `cls` is what is under test."""
    binaries = tmp_path / ".bin"
    binaries.mkdir()
    (binaries / "cls").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clusterless.cli "$@"\n')
    (binaries / "cls").chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "CLS_LOCAL_ROOT"}}

    def run(commands: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euc", commands],
            cwd=tmp_path,
            env={**clean, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def next_to_type(said: str) -> str:
    _, _, below = said.partition("Next, type:\n")
    return below


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("cls init 'my project'", "first"),
        ("cls init deep/own", "own"),
        ("mkdir -p here/below; cd here/below; cls init ..", "here"),
    ],
)
def test_what_it_says_to_type_next_works(typed: Typed, command: str, name: str) -> None:
    made = typed(command)
    assert made.returncode == 0, made.stderr
    where = "cd here/below; " if ".." in command else ""
    ran = typed(where + next_to_type(made.stdout))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"nothing is wrong with {name}/1" in ran.stdout
    assert f"{name}/add-up: 1 complete" in ran.stdout
    assert ran.stdout.endswith("apples,4\npears,2\n")


def test_it_writes_over_nothing_and_says_what_is_in_the_way(tmp_path: Path, cls: Cls) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/monday.csv").write_text("mine")
    refused = cls("init")
    assert refused.returncode == 1
    assert f"in the way, in {tmp_path}: inbox/monday.csv, README.md\n  hint: " in refused.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["README.md", "inbox", "monday.csv"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, cls: Cls) -> None:
    (tmp_path / "taken").write_text("")
    refused = cls("init", "taken/below")
    assert refused.returncode == 74
    assert refused.stderr.startswith("error[store-refused]: taken/below/")


def test_the_project_names_the_schema_that_lies_beside_it(tmp_path: Path, cls: Cls) -> None:
    assert cls("init").returncode == 0
    project = declared_values((tmp_path / "project.json").read_text())
    schema = json.loads((tmp_path / project["$schema"]).read_text())
    assert list(Draft202012Validator(schema).iter_errors(project)) == []
    assert json.loads(cls("show", "schema").stdout) == schema


def test_its_readme_is_five_lines(tmp_path: Path, cls: Cls) -> None:
    cls("init")
    assert len([line for line in (tmp_path / "README.md").read_text().splitlines() if line]) == 5
