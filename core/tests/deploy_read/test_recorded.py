"""What a placement's metadata tells of the projects that ran there."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from clusterless import layout
from clusterless.deploy.read import read_projects
from clusterless.deploy.recorded import recorded, with_upstream
from clusterless.deploy.resolve import resolve
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.runtime.register import register
from clusterless.runtime.site import Site

LOCAL = Placement(provider="local")


def source(name: str) -> dict[str, Any]:
    return {"name": name, "version": "1", "start": "all"}


def copying(name: str, before: str, **more: Any) -> dict[str, Any]:
    return {
        "project": {"name": name, "version": "1"},
        "placement": {"provider": "local"},
        "arcs": [
            {
                "type": "cls:core:copyArc",
                "name": "copy",
                "sources": {"main": source(before)},
                "sinks": {"main": {"name": name, "version": "1", "pathURI": f"{name}/"}},
            }
        ],
        **more,
    }


ARRIVE = {
    "type": "local:core:putListenerBoundary",
    "name": "arrive",
    "lotUnit": "Twelfths",
    "dataset": {"name": "raw", "version": "1", "pathURI": "raw/"},
}
JOIN = {
    "type": "cls:core:joinBarrier",
    "name": "both",
    "sources": {"one": source("raw"), "two": source("first")},
    "dataset": {"name": "both", "version": "1"},
}
CHAIN = (
    copying("first", "raw", boundaries=[ARRIVE]),
    copying("second", "first", barriers=[JOIN]),
    copying("third", "second"),
)


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Site, ...]:
    """Three projects, each reading what the one before writes, as they were registered by a run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    (tmp_path / "chain.json").write_text(json.dumps(CHAIN))
    plugins = find_plugins()
    declared = read_projects([tmp_path / "chain.json"], plugins.components(), plugins.project_formats())
    resolved = resolve(declared, plugins)
    for site in resolved:
        register(plugins.open_store(site.roots.metadata), site.deployable)
    return resolved


def test_projects_are_read_back_as_they_ran(sites: tuple[Site, ...]) -> None:
    read = recorded(LOCAL, find_plugins())
    assert [each.deployable.arcs for each in read] == [site.deployable.arcs for site in sites]
    assert [each.deployable.project for each in read] == [site.deployable.project for site in sites]
    assert {each.roots for each in read} == {sites[0].roots}


def test_what_is_upstream_is_found_however_far(
    sites: tuple[Site, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, last = recorded(LOCAL, find_plugins())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    surveyed = with_upstream([last], find_plugins())
    assert [placed.part.project.name for placed in surveyed.placed] == ["third", "second", "first"]
    assert surveyed.graph.findings() == surveyed.findings == ()


def test_a_project_that_cannot_be_read_is_left_out_with_a_warning(
    sites: tuple[Site, ...], caplog: pytest.LogCaptureFixture
) -> None:
    metadata = find_plugins().open_store(sites[0].roots.metadata)
    metadata.put(layout.project_meta(Project(name="second", version="1")), b'{"project": 3}')
    with caplog.at_level(logging.WARNING):
        read = recorded(LOCAL, find_plugins())
    assert [each.deployable.project.name for each in read] == ["first", "third"]
    assert "name=second" in caplog.text
