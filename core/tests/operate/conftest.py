"""What is in view of a project file: for tests of what people ask about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from clusterless.deploy.read import read_projects
from clusterless.deploy.recorded import with_upstream
from clusterless.operate.landscape import Landscape
from clusterless.plugins import find_plugins

MakeLandscape = Callable[..., Landscape]


def _landscape_of(folder: Path, project: Mapping[str, Any]) -> Landscape:
    file = folder / "project.json"
    file.write_text(json.dumps(project))
    plugins = find_plugins()
    declared = read_projects([file], plugins.components(), plugins.project_formats())
    return Landscape(with_upstream(declared, plugins), plugins, frozenset(each.file for each in declared))


@pytest.fixture
def landscape_of(monkeypatch: pytest.MonkeyPatch) -> MakeLandscape:
    """Call it with a folder and what is declared in it."""
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    return _landscape_of
