"""What the house's rules are checked on: the files of the checkout, without what tools leave behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_LEFT_BEHIND = {"__pycache__", "build", "data", "dist"}
_TEXT = {
    "",
    ".cfg",
    ".css",
    ".html",
    ".ini",
    ".js",
    ".json",
    ".lock",
    ".md",
    ".py",
    ".sh",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
}


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def texts(root: Path) -> list[Path]:
    """Every text file that people wrote."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name == ".ci" or not (name[0] == "." or name in _LEFT_BEHIND)]
        found += [path for name in names if (path := Path(folder, name)).suffix in _TEXT]
    assert len(found) > 50
    return found


@pytest.fixture(scope="session")
def shipped(root: Path) -> list[Path]:
    """Every module of every distribution."""
    found = [*root.glob("core/src/**/*.py"), *root.glob("plugins/*/src/**/*.py")]
    assert len(found) > 20
    return found


@pytest.fixture(scope="session")
def projects(root: Path) -> list[Path]:
    """The folder of every distribution."""
    return [root / "core", *sorted(path.parent for path in root.glob("plugins/*/pyproject.toml"))]
