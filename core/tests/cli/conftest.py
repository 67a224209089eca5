"""A project in a folder, and `cls` as a real process in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = """\
{
  "project": {"name": "p", "version": "1"},
  "placement": {"provider": "local"},
  "boundaries": [{
    "type": "local:core:putListenerBoundary", "name": "in", "lotUnit": "Twelfths",
    "dataset": {"name": "a", "version": "1", "pathURI": "data/a/"}
  }],
  "arcs": [{
    "type": "cls:core:copyArc", "name": "copy",
    "sources": {"main": {"name": "a", "version": "1"}},
    "sinks": {"main": {"name": "b", "version": "1", "pathURI": "data/b/"}}
  }]
}
"""

Cls = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    file = tmp_path / "project.json"
    file.write_text(PROJECT)
    return file


@pytest.fixture
def cls(tmp_path: Path) -> Cls:
    """Runs ``cls`` in a process of its own, in the project's folder."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "CLS_LOCAL_ROOT"}}
        return subprocess.run(
            [sys.executable, "-m", "clusterless.cli", *arguments],
            env={**clean, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
