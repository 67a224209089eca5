"""`cls verify`: all that is wrong, and exit codes for scripts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Cls = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_sound_project_is_said_to_be_sound(cls: Cls, project: Path) -> None:
    ended = cls("verify", str(project))
    assert ended.stdout == "nothing is wrong with p/1\n"
    assert (ended.returncode, ended.stderr) == (0, "")


def test_nothing_is_written_by_looking(cls: Cls, project: Path, tmp_path: Path) -> None:
    cls("verify", str(project))
    assert [each.name for each in tmp_path.iterdir()] == ["project.json"]


def test_every_mistake_is_told_with_file_and_path(cls: Cls, project: Path) -> None:
    project.write_text(project.read_text().replace('"name": "a", "version": "1"}', '"name": "x", "version": "1"}'))
    ended = cls("verify", "project.json")
    assert ended.returncode == 2
    assert "error[document-malformed]" in ended.stderr
    assert "project.json: $.arcs[0].sources.main: nobody owns dataset x/1" in ended.stderr


def test_warnings_are_told_and_are_no_failure(cls: Cls, project: Path) -> None:
    text = project.read_text().replace(
        '"version": "1"}},\n    "sinks"', '"version": "1", "subscribe": false}},\n    "sinks"'
    )
    project.write_text(text)
    ended = cls("verify", "project.json")
    assert ended.returncode == 0
    assert ended.stderr.startswith("warning: project.json: $.arcs[0].sources: it subscribes to none")
    assert ended.stdout == "p/1 can be run\n"


def test_a_file_that_is_not_there_ends_with_74(cls: Cls) -> None:
    ended = cls("verify", "nothing.json")
    assert ended.returncode == 74
    assert ended.stderr.startswith("error[file-missing]: nothing.json")


def test_a_file_that_cannot_be_understood_ends_with_2(cls: Cls, project: Path) -> None:
    project.write_text('{"projekt": 1}')
    ended = cls("verify", "project.json")
    assert ended.returncode == 2
    assert "$.projekt: unknown key 'projekt'" in ended.stderr
