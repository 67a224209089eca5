"""Activities and clocks of a small real project, run in this process until it is at rest or told to stop."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clusterless import layout
from clusterless.cli.run_report import Reporter
from clusterless.cli.run_tally import Tally
from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve
from clusterless.model.activity import Phase, Turn
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.runner import ticking
from clusterless.runner.happenings import Happening, Printed, Progressed, Ran, SealedLots, Started, Trouble, Worked
from clusterless.runner.running import Ended, Options, run
from clusterless.runtime.site import Site
from clusterless.store.files import FileStore
from clusterless.store.ledger import turns_of

PLUGINS = find_plugins()
KEYS = layout.ActivityKeys(Project(name="p", version="1"), "chore")


class Place:
    """A project with one activity, which a runner met some hours ago."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.activity: dict[str, Any] = {"type": "cls:core:execActivity", "name": "chore", "interval": "Hours"}
        self.more: dict[str, Any] = {}
        self.told: list[Happening] = []
        self.store = FileStore(self.sites()[0].roots.arc_state)

    def sites(self) -> list[Site]:
        declared = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}, **self.more}
        if "workload" in self.activity:
            declared["activities"] = [self.activity]
        file = self.folder / "project.json"
        whole = file.with_suffix(f".{threading.get_ident()}")  # another run may be reading the file
        whole.write_text(json.dumps(declared))
        whole.replace(file)
        return list(resolve(read_projects([file], PLUGINS.components(), PLUGINS.project_formats()), PLUGINS))

    def does(self, script: str, **more: Any) -> None:
        self.activity |= {"workload": {"command": ["sh", "-c", script]}, **more}

    def met(self, hours: int) -> None:
        """Write down that the activity was first met so many hours ago."""
        now = self.store.now()
        lot = Lot.containing(now - timedelta(hours=hours), LotUnit.HOURS)
        turns_of(self.store, KEYS).append(1, Turn(put_id="p", at=now, by="test:1", phase=Phase.SEEN, lot=lot))

    def run(
        self, stop: threading.Event | None = None, tell: Callable[[Happening], None] = lambda _: None, **more: Any
    ) -> Ended:
        def told(happening: Happening) -> None:
            self.told.append(happening)
            tell(happening)

        options = Options(scratch=self.folder / "scratch", until_idle=stop is None, **more)
        return run(self.sites(), PLUGINS, options, told, stop or threading.Event())

    @property
    def ran(self) -> list[Ran]:
        return [each for each in self.told if isinstance(each, Ran)]

    @property
    def turns(self) -> list[Turn]:
        ledger = turns_of(self.store, KEYS)
        return [ledger.read(number) for number in range(1, ledger.end() + 1)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(ticking, "_GLANCE", 0.05)
    return Place(tmp_path)


def test_met_for_the_first_time_nothing_is_due_and_nobody_waits(place: Place) -> None:
    place.does("touch done")
    ended = place.run()
    assert ended.idle
    assert not place.ran
    assert [turn.phase for turn in place.turns] == [Phase.SEEN]


def test_what_was_missed_last_is_run_and_its_output_kept(place: Place) -> None:
    place.does("echo said $CLS_LOT; echo x >> done")
    place.met(hours=10)
    assert place.run().idle
    (ran,) = place.ran
    assert (ran.element, ran.state) == ("p/chore", "done")
    assert Path(ran.log).read_text() == f"said {ran.lot}\n"
    assert (place.folder / "done").read_text() == "x\n"
    assert any(isinstance(each, Started) and each.lot == ran.lot for each in place.told)
    assert [turn.phase for turn in place.turns[-2:]] == [Phase.BEGAN, Phase.ENDED]


def test_what_it_prints_is_told_as_it_comes_and_its_progress(place: Place) -> None:
    place.does("""echo 'CLS_PROGRESS {"done": 1, "total": 2}'; sleep 0.5; echo said $CLS_LOT""")
    place.met(hours=2)
    place.run(logs=True)
    lot = place.ran[0].lot
    printed = Printed(element="p/chore", lot=lot, line=f"said {lot}")
    assert [each for each in place.told if isinstance(each, Printed) and each.lot == lot] == [printed]
    progressed = [each for each in place.told if isinstance(each, Progressed)]
    assert [(each.element, each.done, each.total) for each in progressed] == [("p/chore", 1, 2)]


def test_all_that_was_missed_is_run_where_that_is_declared(place: Place) -> None:
    place.does("true", catchUp="all")
    place.met(hours=4)
    place.run()
    assert len(place.ran) >= 3
    assert [each.lot for each in place.ran] == sorted({each.lot for each in place.ran})


def test_a_failed_run_is_tried_again_before_all_is_at_rest(place: Place) -> None:
    place.does("test -e tried || { touch tried; exit 4; }", retry={"attempts": 2, "backoffSec": 0.1})
    place.met(hours=2)
    assert place.run().idle
    failed, done = place.ran[:2]
    assert (failed.state, failed.again, done.state) == ("failed", 0.1, "done")
    assert failed.error == "sh exited with 4"
    assert failed.lot == done.lot


def test_what_an_activity_wrote_is_booked_and_worked_before_all_is_at_rest(place: Place) -> None:
    place.does("mkdir -p in && echo 1 > in/x && touch -d '1 hour ago' in/x")
    place.met(hours=2)
    dataset = {"name": "a", "version": "1", "pathURI": "in/"}
    listener = {"type": "local:core:putListenerBoundary", "name": "in", "lotUnit": "Twelfths", "settleSec": 0}
    sinks = {"main": {"name": "b", "version": "1", "pathURI": "out/"}}
    sources = {"main": {"name": "a", "version": "1"}}
    place.more = {
        "boundaries": [{**listener, "dataset": dataset}],
        "arcs": [{"type": "cls:core:copyArc", "name": "copy", "sources": sources, "sinks": sinks}],
    }
    assert place.run().idle
    assert (place.folder / "out/x").read_text() == "1\n"


def test_a_run_that_is_told_to_stop_ends_the_command_and_releases_the_lot(place: Place) -> None:
    place.does("echo $$ > pid; sleep 600")
    place.met(hours=2)
    stop = threading.Event()

    def stop_once_it_runs() -> None:
        while not ((place.folder / "pid").is_file() and (place.folder / "pid").read_text()):
            time.sleep(0.02)
        stop.set()

    def tell(happening: Happening) -> None:
        if isinstance(happening, Started):
            threading.Thread(target=stop_once_it_runs, daemon=True).start()

    assert not place.run(stop, tell).idle
    assert place.turns[-1].phase is Phase.RELEASED
    assert [each.state for each in place.ran] == ["released"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((place.folder / "pid").read_text()), 0)


def test_two_runs_at_once_share_the_work(place: Place) -> None:
    place.does("echo $CLS_LOT >> done; sleep 0.2", catchUp="all")
    place.met(hours=6)
    threads = [threading.Thread(target=place.run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lots = (place.folder / "done").read_text().split()
    assert lots == sorted(set(lots))
    assert len(lots) >= 5


def test_a_ledger_that_cannot_be_read_is_told_and_nothing_runs(place: Place) -> None:
    place.does("true")
    place.store.put(f"{KEYS.path}000000001.json", b"nonsense")
    ended = place.run()
    assert ended.set_aside == ("p/chore",)
    assert len([each for each in place.told if isinstance(each, Trouble)]) == 1


def test_an_arc_runs_on_a_clock(place: Place) -> None:
    clock = {"type": "cls:core:clockBoundary", "name": "clock", "lotUnit": "Hours"}
    arc = {"type": "cls:core:execArc", "name": "report", "workload": {"command": ["sh", "-c", "echo $CLS_LOT >> done"]}}
    place.more = {
        "boundaries": [{**clock, "dataset": {"name": "ticks", "version": "1"}}],
        "arcs": [{**arc, "sources": {"main": {"name": "ticks", "version": "1", "start": "all"}}, "sinks": {}}],
    }
    stop = threading.Event()
    options = Options(scratch=place.folder / "scratch", until_idle=True, seal_open=True)
    ended = run(place.sites(), PLUGINS, options, place.told.append, stop)
    assert ended.idle
    (lot,) = (place.folder / "done").read_text().split()
    assert [(each.lot, each.state) for each in place.told if isinstance(each, Worked)] == [(lot, "complete")]
    assert [each.lots for each in place.told if isinstance(each, SealedLots)] == [0, 1]


def test_activities_are_shown_in_lines_and_in_the_summary(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.does("echo oh no; exit 3", retry={"attempts": 1})
    report = Reporter(Tally(place.sites()), "text")
    ended = Ended(idle=True, worked=0, set_aside=())
    report.tell(Ran(element="p/chore", lot="L1", state="done", seconds=1.5, note="removed 3 lots"))
    report.tell(Ran(element="p/chore", lot="L2", state="failed", seconds=1, error="no\n  | why", log="x.log", again=30))
    report.tell(Ran(element="p/chore", lot="L2", state="failed", seconds=1, error="no", log="x.log"))
    report.tell(Ran(element="p/chore", lot="L3", state="released", seconds=1))
    report.summarise(ended)
    said = capsys.readouterr().out
    assert "p/chore L1 done in 1.50 s: removed 3 lots\n" in said
    assert "p/chore L2 failed: no\n  | why\n  log: x.log\n  tried again in 30 s\n" in said
    assert "p/chore: 1 done, 1 failed\n" in said
    assert "L3" not in said
    assert report.tally.unworked == ["p/chore L2"]
