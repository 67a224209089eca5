"""What an audit puts right may be stopped on the way: it says what it did, and the same again does the rest."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

from clusterless.cli.app import main
from clusterless.deploy.read import read_projects
from clusterless.deploy.recorded import with_upstream
from clusterless.engine.audit import Kind
from clusterless.engine.wanted import Wanted
from clusterless.operate.audit.dataset import Audited, audit_dataset
from clusterless.operate.audit.fix import Mended, mend
from clusterless.operate.landscape import DatasetView, Landscape
from clusterless.plugins import find_plugins

HOURS = 6
LONG_AGO = 1_704_069_000.0
CODE = """
def keep(work):
    work.sink().write(f"{work.attempt}.txt", b"x")
"""
PROJECT = {
    "project": {"name": "p", "version": "1"},
    "placement": {"provider": "local"},
    "boundaries": [
        {
            "type": "local:core:putListenerBoundary",
            "name": "in",
            "dataset": {"name": "a", "version": "1", "pathURI": "a/"},
            "lotUnit": "Hours",
            "lotSource": "keyTimestampRegex",
            "keyRegex": r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d)",
            "settleSec": 0,
        }
    ],
    "arcs": [
        {
            "type": "cls:core:pythonArc",
            "name": "keep",
            "sources": {"main": {"name": "a", "version": "1", "start": "all"}},
            "sinks": {"main": {"name": "b", "version": "1", "pathURI": "b/"}},
            "workload": {"function": "work:keep"},
        }
    ],
}


def _put(folder: Path, name: str) -> None:
    """A file for each hour of a day."""
    (folder / "a").mkdir(exist_ok=True)
    for hour in range(HOURS):
        (folder / f"a/20240101T{hour:02}-{name}.txt").write_text(name)


@pytest.fixture
def landscape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Landscape:
    """Of a project that was run, after which as many strays came as it has lots, and each attempt left something."""
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.json").write_text(json.dumps(PROJECT))
    (tmp_path / "work.py").write_text(CODE)
    _put(tmp_path, "first")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    assert CliRunner().invoke(main, ["run", "p.json", "--until-idle"]).exit_code == 0
    for number, handler in handlers.items():
        signal.signal(number, handler)
    _put(tmp_path, "stray")
    for stray in tmp_path.glob("a/*-stray.txt"):
        os.utime(stray, (LONG_AGO, LONG_AGO))
    for written in [*tmp_path.glob("b/*.txt")]:
        written.with_suffix(".more").touch()
    plugins = find_plugins()
    declared = read_projects([tmp_path / "p.json"], plugins.components(), plugins.project_formats())
    return Landscape(with_upstream(declared, plugins), plugins, frozenset(each.file for each in declared))


def _after(asked: int) -> Callable[[], bool]:
    """Stops after it was *asked* so many times."""
    times = count()
    return lambda: next(times) >= asked


def _audited(landscape: Landscape, name: str) -> tuple[DatasetView, Audited]:
    (view,) = (each for node, each in landscape.datasets.items() if node.name == name)
    return view, audit_dataset(landscape, view, Wanted(), lambda _: None)


def _mended(landscape: Landscape, name: str, stopping: Callable[[], bool]) -> Mended:
    return mend(landscape, *_audited(landscape, name), stopping)


def test_strays_that_were_not_reached_are_booked_by_the_same_again_and_none_is_twice(landscape: Landscape) -> None:
    stopped = _mended(landscape, "a", _after(2))
    assert (stopped.booked, stopped.left, stopped.is_whole) == (2, HOURS - 2, False)
    rest = _mended(landscape, "a", lambda: False)
    assert (rest.booked, rest.left, rest.is_whole) == (HOURS - 2, 0, True)
    assert not _audited(landscape, "a")[1].counts
    batches = Path().rglob("intake/*/*.json")
    booked = [each["uri"] for path in batches for each in json.loads(path.read_text())["arrivals"]]
    assert (len(booked), len({*booked})) == (HOURS, HOURS)


@pytest.mark.parametrize("asked", [1, HOURS, HOURS + 1, HOURS + 5])
def test_what_was_swept_is_counted_and_the_same_again_sweeps_the_rest(landscape: Landscape, asked: int) -> None:
    before = len([*Path("b").glob("*.more")])
    stopped = _mended(landscape, "b", _after(asked))
    left = len([*Path("b").glob("*.more")])
    assert (stopped.swept.data, stopped.is_whole) == (before - left, False)
    rest = _mended(landscape, "b", lambda: False)
    assert (rest.swept.data, rest.is_whole) == (left, True)
    assert (len([*Path("b").iterdir()]), [*Path("b").glob("*.more")]) == (HOURS, [])


def test_what_is_done_before_it_was_to_stop_is_whole(landscape: Landscape) -> None:
    done = _mended(landscape, "a", _after(HOURS))
    assert (done.booked, done.left, done.is_whole) == (HOURS, 0, True)
    assert _audited(landscape, "b")[1].counts == {Kind.DISOWNED: HOURS}
