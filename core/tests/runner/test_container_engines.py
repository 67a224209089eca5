"""Arcs of a container kind are worked by the engine that a run names, all others as ever."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve
from clusterless.errors import NotInstalledError
from clusterless.hookspecs import hookimpl
from clusterless.model.arc import Arc
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.plugins import Plugin, Plugins, find_plugins
from clusterless.provider import ArcComponent, Container, ContainerEngine, SinkResult, Surroundings, Work, WorkResult
from clusterless.runner.running import Options, run

WORKED: list[tuple[str, str]] = []  # by whom, and what


class Worker:
    """Leaves nothing but a note of who worked what."""

    def __init__(self, by: str, what: str) -> None:
        self._note = by, what

    def run(self, work: Work) -> WorkResult:
        WORKED.append(self._note)
        empty = SinkResult(manifest=Manifest(state=ManifestState.EMPTY, lot=work.lot), bytes=0)
        return WorkResult(sinks=dict.fromkeys(work.sinks, empty))

    def close(self) -> None:
        pass


def own(arc: Arc, _: Surroundings) -> Worker:
    return Worker("its own component", arc.name)


def by_the_engine(arc: Arc, container: Container, surroundings: Surroundings) -> Worker:
    return Worker("the engine", f"{arc.name} in {container.image} of {surroundings.project.name}")


def component(type_: str, container: Callable[[Any], Container] | None) -> ArcComponent:
    return ArcComponent(type=type_, model=Arc, summary="", load=lambda: own, container=container)


class Answers:
    """Answers hooks by its attributes, as a module does."""


@pytest.fixture
def plugins() -> Plugins:
    """The installed ones, and one with an arc of a container kind, one of another, and an engine."""
    WORKED.clear()
    arcs = [
        component("tea:core:potArc", lambda arc: Container(image=f"tea/{arc.name}")),
        component("tea:core:handArc", None),
    ]
    engine = ContainerEngine(name="tea", summary="", load=lambda: by_the_engine)
    answers = Answers()
    answers.cls_arcs = hookimpl(lambda: arcs, specname="cls_arcs")  # type: ignore[attr-defined]
    answers.cls_engines = hookimpl(lambda: [engine], specname="cls_engines")  # type: ignore[attr-defined]
    plugins = Plugins([*find_plugins().installed, Plugin(name="tea", distribution="cls-tea", answers=answers)])
    assert not plugins.failures
    return plugins


def worked(folder: Path, plugins: Plugins, workloads: str) -> list[tuple[str, str]]:
    (folder / "data/in").mkdir(parents=True)
    (folder / "data/in/one.txt").write_text("1")
    os.utime(folder / "data/in/one.txt", (time.time() - 3600,) * 2)
    boundary = {
        "type": "local:core:putListenerBoundary",
        "name": "in",
        "lotUnit": "Twelfths",
        "settleSec": 0,
        "dataset": {"name": "in", "version": "1", "pathURI": "data/in/"},
    }
    declared = {
        "project": {"name": "p", "version": "1"},
        "placement": {"provider": "local"},
        "boundaries": [boundary],
        "arcs": [
            {
                "type": f"tea:core:{kind}Arc",
                "name": kind,
                "sources": {"main": {"name": "in", "version": "1"}},
                "sinks": {"main": {"name": f"by-{kind}", "version": "1", "pathURI": f"data/{kind}/"}},
            }
            for kind in ("pot", "hand")
        ],
    }
    file = folder / "project.json"
    file.write_text(json.dumps(declared))
    sites = resolve(read_projects([file], plugins.components(), plugins.project_formats()), plugins)
    options = Options(scratch=folder / "scratch", until_idle=True, workloads=workloads)
    assert run(sites, plugins, options, lambda _: None, threading.Event()).set_aside == ()
    return sorted(WORKED)


def test_the_engine_that_is_named_works_what_tells_its_container(tmp_path: Path, plugins: Plugins) -> None:
    assert worked(tmp_path, plugins, "tea") == [
        ("its own component", "hand"),
        ("the engine", "pot in tea/pot of p"),
    ]


def test_without_a_name_each_is_worked_as_its_own_component_says(tmp_path: Path, plugins: Plugins) -> None:
    assert worked(tmp_path, plugins, "") == [("its own component", "hand"), ("its own component", "pot")]


def test_an_engine_that_is_not_installed_says_what_to_install_before_anything_is_done(
    tmp_path: Path, plugins: Plugins
) -> None:
    with pytest.raises(NotInstalledError, match="no container engine named 'kettle'") as missing:
        worked(tmp_path, plugins, "kettle")
    assert missing.value.hint == "pip install cls-kettle"
    assert not WORKED
