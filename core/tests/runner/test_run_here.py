"""A small real project, run in this process until it is at rest or told to stop."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from clusterless import layout
from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.runner import booking, lots, running, survey
from clusterless.runner import opening as opening_module
from clusterless.runner.happenings import Booked, Happening, SealedLots, Trouble, Waits, Worked
from clusterless.runner.running import Ended, Options, run
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.reconcile import unsettled
from clusterless.runtime.site import Site
from clusterless.runtime.sweep import Swept, sweep
from clusterless.store.files import FileStore

PLUGINS = find_plugins()
HOUR_AGO = time.time() - 3600


def copy(name: str, source: str, sink: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "cls:core:copyArc",
        "name": name,
        "sources": {"main": {"name": source, "version": "1"}},
        "sinks": {"main": {"name": sink, "version": "1", "pathURI": f"data/{sink}/"}},
        **more,
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A boundary and two copies in a row; patience is short."""
    for module in (lots, booking):
        monkeypatch.setattr(module, "_PATIENCE", 0.05)
    boundary = {
        "type": "local:core:putListenerBoundary",
        "name": "in",
        "lotUnit": "Twelfths",
        "settleSec": 0,
        "dataset": {"name": "a", "version": "1", "pathURI": "data/a/"},
    }
    declared = {
        "project": {"name": "p", "version": "1"},
        "placement": {"provider": "local"},
        "boundaries": [boundary],
        "arcs": [copy("one", "a", "b"), copy("two", "b", "c")],
    }
    (tmp_path / "data/a").mkdir(parents=True)
    for number in range(3):
        file = tmp_path / f"data/a/{number}.txt"
        file.write_text(str(number))
        os.utime(file, (HOUR_AGO, HOUR_AGO))  # its lot has ended
    return tmp_path, declared


def sites(folder: Path, declared: dict[str, Any]) -> list[Site]:
    file = folder / "project.json"
    file.write_text(json.dumps(declared))
    return resolve(read_projects([file], PLUGINS.components(), PLUGINS.project_formats()), PLUGINS)


def idle(project: Any, stop: threading.Event | None = None) -> tuple[Ended, list[Happening]]:
    folder, declared = project
    told: list[Happening] = []
    options = Options(scratch=folder / "scratch", until_idle=True)
    ended = run(sites(folder, declared), PLUGINS, options, told.append, stop or threading.Event())
    return ended, told


def files(project: Any, dataset: str) -> list[str]:
    return sorted(path.name for path in (project[0] / "data" / dataset).rglob("*.txt"))


def test_all_that_arrived_is_booked_sealed_and_worked_down_the_chain(project: Any) -> None:
    ended, told = idle(project)
    assert (ended.idle, ended.set_aside) == (True, ())
    assert files(project, "b") == files(project, "c") == ["0.txt", "1.txt", "2.txt"]
    assert sum(each.arrivals for each in told if isinstance(each, Booked)) == 3
    assert sum(each.objects for each in told if isinstance(each, SealedLots)) == 3
    worked: Counter[str] = Counter()
    for each in told:
        if isinstance(each, Worked):
            worked[each.element] += each.objects
    assert worked == {"p/one": 3, "p/two": 3}
    assert not [each for each in told if isinstance(each, Trouble)]


def test_run_again_it_finds_all_at_rest(project: Any) -> None:
    idle(project)
    ended, told = idle(project)
    assert (ended.idle, ended.worked) == (True, 0)
    assert not [each for each in told if isinstance(each, Worked | Trouble)]
    assert not sum(each.objects for each in told if isinstance(each, SealedLots)), "what is seen again is known"


def test_at_rest_it_sweeps_what_attempts_left(project: Any) -> None:
    assert idle(project)[0].idle
    left = left_behind(project)
    assert idle(project)[0].idle
    assert not left.exists()


def test_told_to_stop_it_sweeps_no_longer(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    idle(project)
    left, stop, asked = left_behind(project), threading.Event(), list[bool]()

    def sweeping(*arguments: Any, stopping: Callable[[], bool]) -> Swept:
        asked.append(stopping())
        stop.set()
        return sweep(*arguments, stopping=stopping)

    monkeypatch.setattr(running, "sweep", sweeping)
    idle(project, stop)
    assert asked == [False, True]
    assert left.exists()


def left_behind(project: Any) -> Path:
    """What an attempt at a lot that is committed has staged, and did not remove."""
    site, keys = sites(*project)[0], layout.ArcKeys(Project(name="p", version="1"), "one")
    state, manifests = FileStore(site.roots.arc_state), FileStore(site.roots.manifest)
    claimed = next(info.key for info in state.list(keys.path) if info.key.endswith("/000001.json"))
    lot, attempt = layout.segments(claimed)["lot"], json.loads(state.get(claimed))["attempt"]
    key = f"{layout.staging(keys, 'main', lot, attempt)}state=complete/manifest.json"
    manifests.put(key, b"{}")
    return Path(url2pathname(urlsplit(f"{manifests.root}{key}").path))


def test_an_arc_that_is_added_later_works_what_it_starts_with(project: Any) -> None:
    idle(project)
    arc = copy("three", "a", "d")
    arc["sources"]["main"]["start"] = "all"
    project[1]["arcs"].append(arc)
    ended, _ = idle(project)
    assert ended.worked >= 1
    assert files(project, "d") == ["0.txt", "1.txt", "2.txt"]


def test_a_run_that_is_told_to_stop_lets_go_of_everything(project: Any) -> None:
    folder, declared = project
    stop, booked = threading.Event(), threading.Event()

    def tell(happening: Happening) -> None:
        if isinstance(happening, Booked):
            booked.set()

    ended: list[Ended] = []
    options = Options(scratch=folder / "scratch")
    thread = threading.Thread(target=lambda: ended.append(run(sites(folder, declared), PLUGINS, options, tell, stop)))
    before = threading.active_count()
    thread.start()
    assert booked.wait(30)
    stop.set()
    thread.join(30)
    assert [each.idle for each in ended] == [False]
    assert threading.active_count() == before
    assert idle(project)[0].idle
    assert files(project, "c") == ["0.txt", "1.txt", "2.txt"]


def test_a_run_that_is_stopped_at_once_does_nothing(project: Any) -> None:
    stop = threading.Event()
    stop.set()
    ended, told = idle(project, stop)
    assert (ended.idle, ended.worked, told) == (False, 0, [])


class MoodyPublisher:
    """Fails the first two times with what is no error of ours."""

    def __init__(self, publisher: Any) -> None:
        self.publisher = publisher
        self.asked: list[Event] = []

    def publish(self, event: Event) -> None:
        self.asked.append(event)
        if len(self.asked) <= 2:
            msg = "the notifier is not well"
            raise RuntimeError(msg)


def test_a_notifier_that_raises_is_asked_again_until_it_has_heard(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    moody = MoodyPublisher(None)
    publishers = opening_module._Opening.publishers
    monkeypatch.setattr(opening_module._Opening, "publishers", lambda self: [*publishers(self), moody])
    ended, told = idle(project)
    assert ended.idle
    assert files(project, "c") == ["0.txt", "1.txt", "2.txt"]
    assert {event.dataset.name for event in moody.asked} == {"a", "b", "c"}
    troubles = [each for each in told if isinstance(each, Trouble)]
    assert [str(each.error) for each in troubles] == ["the notifier is not well"]


def test_an_arc_that_fails_rests_and_the_others_go_on(project: Any) -> None:
    project[1]["arcs"].append(
        {
            **copy("bad", "a", "d", retry={"attempts": 2, "backoffSec": 0.05}),
            "type": "cls:core:execArc",
            "workload": {"command": ["false"]},
        }
    )
    ended, told = idle(project)
    assert ended.idle
    failed = [each for each in told if isinstance(each, Worked) and each.element == "p/bad"]
    assert {each.state for each in failed} == {"missing"}
    assert len(failed) == 2 * len({each.lot for each in failed})
    assert files(project, "c") == ["0.txt", "1.txt", "2.txt"]
    again, _ = idle(project)
    assert (again.idle, again.worked) == (True, 0)


def test_a_lot_that_others_committed_and_never_announced_reaches_those_after_it(project: Any) -> None:
    """Its marker, its manifest and its event are gone, as after a crash between commit and finish."""
    folder, declared = project
    later, declared["arcs"] = declared["arcs"][1], declared["arcs"][:1]
    idle(project)
    state, manifests = (
        FileStore(getattr(sites(folder, declared)[0].roots, name)) for name in ("arc_state", "manifest")
    )
    for store, part in ((state, "complete.arc"), (manifests, "name=b/")):
        for info in list(store.list()):
            if part in info.key:
                store.delete(info.key)
    later["sources"]["main"]["start"] = "all"
    declared["arcs"].append(later)
    ended, _ = idle(project)
    assert ended.idle
    assert files(project, "c") == ["0.txt", "1.txt", "2.txt"]


def test_a_run_that_finds_nothing_to_do_looks_over_each_arc_once(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a boundary finds sealed when it begins is no news."""
    idle(project)
    looked: list[str] = []

    def noted(arc: RunningArc) -> Iterator[Lot]:
        looked.append(arc.arc.name)
        yield from unsettled(arc)

    monkeypatch.setattr(survey, "unsettled", noted)
    ended, _ = idle(project)
    assert ended.idle
    assert sorted(looked) == ["one", "two"]


def test_a_boundary_that_waiting_does_not_mend_ends_the_run_and_is_told_once(project: Any) -> None:
    """Its folder is a file; the other boundary's lots are worked all the same."""
    folder, declared = project
    (folder / "data/bad").write_text("no folder")
    bad = {"name": "bad", "version": "1", "pathURI": "data/bad/"}
    declared["boundaries"].append({**declared["boundaries"][0], "name": "other", "dataset": bad})
    ended, told = idle(project)
    assert (ended.idle, ended.set_aside) == (True, ("p/other",))
    (trouble,) = [each for each in told if isinstance(each, Trouble)]
    assert "data/bad is not a folder" in str(trouble.error)
    assert files(project, "c") == ["0.txt", "1.txt", "2.txt"]
    (folder / "data/bad").unlink()
    assert idle(project)[0].set_aside == ()


def test_a_source_that_always_raises_ends_the_run(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def receive(self, wait: float, since: object) -> Any:
            msg = "no such box"
            raise KeyError(msg)

        def close(self) -> None:
            """Nothing is held."""

    monkeypatch.setattr("clusterless.builtin.folder_listener.open_listener", lambda *_: Broken())
    ended, told = idle(project)
    assert (ended.idle, ended.set_aside) == (True, ("p/in",))
    assert [str(each.error) for each in told if isinstance(each, Trouble)] == ["'no such box'"]


def test_a_thread_that_dies_ends_the_run_with_a_word(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would never be idle, and seem to hang."""
    monkeypatch.setattr(booking.Booking, "run", lambda self: self.begun.set())
    with pytest.raises(RuntimeError, match="the thread of boundary in ended by itself"):
        idle(project)


def test_what_goes_out_is_counted(project: Any) -> None:
    """In what is told, and in the ledger, for who asks later."""
    folder, declared = project
    out = {"type": "cls:core:copyEgressBoundary", "name": "out", "pathURI": "outside/"}
    declared["boundaries"].append({**out, "sources": {"main": {"name": "c", "version": "1"}}})
    _, told = idle(project)
    assert sum(each.objects or 0 for each in told if isinstance(each, Worked) and each.element == "p/out") == 3
    state = FileStore(sites(folder, declared)[0].roots.arc_state)
    entries = [json.loads(state.get(info.key)) for info in state.list() if "arc=out/" in info.key]
    assert 3 in [each.get("taken") for each in entries if isinstance(each, dict)]


def test_what_waits_for_its_lot_to_end_is_told_with_the_time(project: Any) -> None:
    folder, declared = project
    declared["boundaries"][0] |= {"graceSec": 1000}
    (folder / "data/a/now.txt").touch()
    stop, waits = threading.Event(), []

    def tell(happening: Happening) -> None:
        if isinstance(happening, Waits):
            waits.append(happening)
            stop.set()

    run(sites(folder, declared), PLUGINS, Options(scratch=folder / "scratch"), tell, stop)
    lot = Lot.parse(waits[0].lot)
    assert (waits[0].element, datetime.fromisoformat(waits[0].at)) == ("p/in", lot.end + timedelta(seconds=1000))


def test_the_first_keys_without_a_time_are_told(project: Any) -> None:
    project[1]["boundaries"][0] |= {
        "lotSource": "keyTimestampRegex",
        "keyRegex": "(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})",
    }
    _, told = idle(project)
    assert [each.strays for each in told if isinstance(each, Booked)] == [("0.txt", "1.txt")]
