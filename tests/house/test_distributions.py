"""Five distributions, each complete in itself."""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

NAMES = ["clusterless", "cls-aws", "cls-azure", "cls-docker", "cls-gcp"]


def declared(folder: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def test_these_are_all(projects: list[Path]) -> None:
    assert [declared(folder)["name"] for folder in projects] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_its_entry_points_load(name: str) -> None:
    entries = distribution(name).entry_points
    assert "clusterless" in {entry.group for entry in entries}
    for entry in entries:
        assert entry.load() is not None


def test_what_is_installed_is_what_is_declared(projects: list[Path]) -> None:
    for folder in projects:
        project = declared(folder)
        installed = distribution(project["name"])
        assert installed.version == project["version"]
        wanted = {**project.get("entry-points", {}), "console_scripts": project.get("scripts", {})}
        assert {(entry.group, entry.name, entry.value) for entry in installed.entry_points} == {
            (group, key, value) for group, entries in wanted.items() for key, value in entries.items()
        }, f"install {folder.name} again: pip install -e {folder.relative_to(folder.parents[1])}"


def test_each_carries_the_licence_and_says_that_it_is_typed(projects: list[Path], root: Path) -> None:
    for folder in projects:
        assert (folder / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()
        (package,) = (folder / "src").glob("[a-z]*/__init__.py")
        assert (package.parent / "py.typed").is_file()


def test_each_supports_the_same_pythons(projects: list[Path]) -> None:
    assert {declared(folder)["requires-python"] for folder in projects} == {">=3.11"}
