"""What cannot be had when a run begins is told with the file, and the place in it, that declares it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from clusterless.builtin.folder_provider import FolderProvider
from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve
from clusterless.errors import ClsError, StoreRefusedError, VariableUnsetError
from clusterless.plugins import find_plugins
from clusterless.provider import BoundaryComponent
from clusterless.runner.running import Options, run

PLUGINS = find_plugins()


def project(**more: Any) -> dict[str, Any]:
    dataset = {"name": "a", "version": "1", "pathURI": "data/a/"}
    boundary = {"type": "local:core:putListenerBoundary", "name": "in", "dataset": dataset, "lotUnit": "Hours"}
    sinks = {"main": {"name": "b", "version": "1", "pathURI": "data/b/"}}
    arc = {"type": "cls:core:copyArc", "name": "copy", "sources": {"main": {"name": "a", "version": "1"}}}
    own = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}}
    return {**own, "boundaries": [boundary], "arcs": [{**arc, "sinks": sinks}], **more}


def refused(tmp_path: Path, *projects: dict[str, Any]) -> ClsError:
    (tmp_path / "data/a").mkdir(parents=True, exist_ok=True)
    file = tmp_path / "p.json"
    file.write_text(json.dumps(projects[0] if len(projects) == 1 else projects))
    sites = resolve(read_projects([file], PLUGINS.components(), PLUGINS.project_formats()), PLUGINS)
    options = Options(scratch=tmp_path / "scratch", until_idle=True)
    with pytest.raises(ClsError) as raised:
        run(sites, PLUGINS, options, lambda _: None, threading.Event())
    assert raised.value.problem.startswith(f"{file}: ")
    return raised.value


def breaks(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def broken(*_: Any) -> Any:
        raise StoreRefusedError("no", hint="look")

    monkeypatch.setattr(FolderProvider, method, broken)


@pytest.mark.parametrize(("method", "path"), [("publisher", "$.placement"), ("subscription", "$.arcs[0]")])
def test_what_a_provider_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, path: str) -> None:
    breaks(monkeypatch, method)
    error = refused(tmp_path, project())
    assert error.problem.endswith(f"p.json: {path}: no")
    assert (type(error), error.hint, error.exit_code) == (StoreRefusedError, "look", 74)


def test_a_boundary_whose_files_cannot_be_listened_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Any:
        raise StoreRefusedError("no")

    monkeypatch.setattr(BoundaryComponent, "load", property(lambda _: load), raising=False)
    assert "p.json: $.boundaries[0]: no" in refused(tmp_path, project()).problem


def test_a_notifier_whose_variable_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOBODY_SETS_THIS", raising=False)
    hook = {"type": "cls:core:webhookNotifier", "name": "hook", "url": "http://127.0.0.1:9/"}
    hook |= {"secretEnv": ["NOBODY_SETS_THIS"]}
    first = {**hook, "name": "off", "exclude": True}
    error = refused(tmp_path, project(notifiers=[first, hook]))
    assert isinstance(error, VariableUnsetError)
    assert "p.json: $.notifiers[1]: " in error.problem


def test_of_several_projects_in_a_file_it_is_the_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, "subscription")
    other = {"project": {"name": "q", "version": "1"}, "placement": {"provider": "local"}}
    assert "p.json: $[1].arcs[0]: no" in refused(tmp_path, other, project()).problem
