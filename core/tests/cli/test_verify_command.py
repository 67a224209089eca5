"""`cls verify`: all that is wrong, and exit codes for scripts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from clusterless.errors import SHOWN

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


def test_of_many_mistakes_the_first_are_told_and_as_json_all(cls: Cls, project: Path) -> None:
    declared = json.loads(project.read_text())
    wrong = [{**declared["arcs"][0], "name": f"a{number}", "colour": "red"} for number in range(100)]
    project.write_text(json.dumps({**declared, "arcs": wrong}, indent=1))
    ended = cls("verify", "project.json")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1 + SHOWN + 1 + 1
    assert "project.json: 100 problems" in ended.stderr
    assert "  and 80 more\n" in ended.stderr
    assert "cls verify FILE... --output json tells all" in ended.stderr
    told = cls("verify", "project.json", "--output", "json")
    rows = json.loads(told.stdout)
    assert (told.returncode, len(rows)) == (2, 100)
    assert (rows[99]["severity"], rows[99]["file"]) == ("error", "project.json")
    assert rows[99]["problem"].startswith("$.arcs[99].colour (line ")


def test_each_mistake_of_several_files_is_told_with_its_own(cls: Cls, project: Path, tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        (tmp_path / name).write_text(f'{{"{name[:3]}": 1}}')
    rows = json.loads(cls("verify", "one.json", "two.json", "--output", "json").stdout)
    assert [(row["file"], row["problem"][:5]) for row in rows if "unknown" in row["problem"]] == [
        ("one.json", "$.one"),
        ("two.json", "$.two"),
    ]
    assert json.loads(cls("verify", "project.json", "--output", "json").stdout) == []


def test_two_boundaries_that_read_one_folder_are_warned_of_unless_each_chooses(cls: Cls, project: Path) -> None:
    declared = json.loads(project.read_text())
    first = declared["boundaries"][0]
    second = {**first, "name": "again", "dataset": {**first["dataset"], "name": "again"}}

    def told(*boundaries: dict[str, object]) -> str:
        project.write_text(json.dumps({**declared, "boundaries": boundaries}))
        ended = cls("verify", "project.json")
        assert ended.returncode == 0, ended.stderr
        return ended.stderr

    said = told(first, second)
    assert said.startswith("warning: project.json: $.boundaries[1].dataset: arrivals are booked twice:")
    assert "boundary 'again' of p/1 takes arrivals from" in said
    assert said == told(first, {**second, "filter": {"includes": ["*.csv"]}})
    assert not told({**first, "filter": {"includes": ["*.txt"]}}, {**second, "filter": {"includes": ["*.csv"]}})


def test_versions_of_a_project_may_read_one_folder(cls: Cls, project: Path, tmp_path: Path) -> None:
    declared = json.loads(project.read_text())
    for each in (declared["boundaries"][0]["dataset"], declared["project"]):
        each["version"] = "2"
    (tmp_path / "next.json").write_text(json.dumps({**declared, "arcs": []}))
    assert cls("verify", "project.json", "next.json").stderr == ""
