"""The README's commands are there, and its pipeline does what it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

LINES = 150
WIDTH = 80


def test_its_first_pipeline_runs_as_it_is_shown(read: Any, shell: Any, tmp_path: Path) -> None:
    readme = read("README.md")
    project = next(block for block in readme.blocks("json") if '"project"' in block)
    (tmp_path / "project.json").write_text(project)
    start, *others = [block for block in readme.blocks("bash") if "cls " in block]
    shown = next(block for block in readme.blocks("text") if "all is at rest" in block)
    assert same(shell(start)) == same(shown)
    assert {path.name for path in tmp_path.glob("kept/lot=*/*")} == {"monday.csv", "tuesday.csv"}
    assert all(shell(block) for block in others)
    assert tree(tmp_path) == {name(line) for line in layout(read("docs/protocol.md")).splitlines()}


def same(shown: str) -> str:
    """What is shown, but for the lot and the time that it took."""
    return re.sub(r"\d+\.\d\d s", "0.00 s", name(shown))


def layout(page: Any) -> str:
    """The block of a page that lists the objects of the first pipeline."""
    found: str = next(block for block in page.blocks("text") if "complete.arc" in block)
    return found


def tree(folder: Path) -> set[str]:
    """What the pipeline has written."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name(path) for path in found if path.startswith((".clusterless/", "kept/"))}


def name(path: str) -> str:
    """Without the lot, which is another each time."""
    return re.sub(r"\d{8}PT5M\d{3}", "LOT", path)


def test_the_pipeline_has_ten_lines(read: Any) -> None:
    project = next(block for block in read("README.md").blocks("json") if '"project"' in block)
    assert len(project.splitlines()) == 10


def test_what_is_to_be_made_can_be_made(read: Any, root: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make (\w+)", "".join(read("README.md").blocks("bash"))))
    assert {"demo", "test"} == named
    assert named <= targets


def test_every_command_is_run_or_known(read: Any) -> None:
    """A block is run above, is a target of make, or installs what is in the checkout."""
    rest = [block.strip() for block in read("README.md").blocks("bash") if "cls " not in block]
    assert sorted(rest) == ["make demo", "make test", "pip install ./core"]


def test_environments_of_tox_that_are_named_are_there(read: Any, root: Path) -> None:
    there = set(re.findall(r"^\[testenv:(\w+)\]", (root / "tox.ini").read_text(), re.MULTILINE))
    text = read("README.md").text + read("CONTRIBUTING.md").text
    named = set(re.findall(r"tox -e (\w+)", text))
    assert named
    assert named <= there


def test_it_can_be_read_at_eighty_columns(read: Any) -> None:
    readme = read("README.md")
    assert len(readme.text.splitlines()) <= LINES
    picture = next(block for block in readme.blocks("text") if "boundary" in block)
    assert max(map(len, picture.splitlines())) < WIDTH
