"""Old files that go once all have consumed them: real runs, real folders."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

RETIRE = """
from pathlib import Path
from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve
from clusterless.model.lot import Lot
from clusterless.plugins import find_plugins
from clusterless.provider import Occasion, Surroundings
from clusterless.runtime.clock import SystemClock

plugins = find_plugins()
(site,) = resolve(read_projects([Path("p.json")], plugins.components(), plugins.project_formats()), plugins)
(activity,) = site.deployable.activities
surroundings = Surroundings(
    project=site.deployable.project, placement=site.deployable.placement, roots=site.roots,
    open_store=plugins.open_store, clock=SystemClock(), base=site.base, scratch=Path("scratch"),
)
occasion = Occasion(
    activity="retire", lot=Lot.parse("20240131P1D000"), attempt="1", token="", stopping=lambda: False, output=Path("x")
)
runnable = plugins.component(activity.type).load()(activity, surroundings)
print(runnable.run(occasion))
runnable.close()
"""
"""One run of the project's only activity, without waiting for its time."""

RETENTION = {
    "type": "cls:core:retentionActivity",
    "name": "retire",
    "interval": "Hours",
    "dataset": {"name": "raw", "version": "1"},
    "age": "1d",
}

DAYS = 1
HOURS = range(24 * DAYS)


@pytest.fixture
def kept(place: Any, tools: Any) -> Any:
    """A day of two files an hour, copied twice."""
    arcs = [tools.arc(), tools.arc(name="lags", sinks=("late",))]
    place.declare(boundaries=[tools.boundary()], arcs=arcs, activities=[RETENTION])
    place.put(*(tools.file_of(number, name) for number in HOURS for name in "ab"))
    return place


def retire(place: Any) -> str:
    done = subprocess.run([sys.executable, "-c", RETIRE], cwd=place.path, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def minutes_pass(place: Any) -> None:
    """For the horizon: whoever claims lots looks at it again once a minute."""
    for mark in horizon(place).glob("before=*"):
        os.utime(mark, (mark.stat().st_mtime - 180,) * 2)


def horizon(place: Any) -> Path:
    folder: Path = place.store("manifest") / "datasets/name=raw/version=1/horizon"
    return folder


def states(place: Any, dataset: str) -> set[str]:
    return {manifest["state"] for manifest in place.manifests(dataset).values()}


def lag(place: Any, tools: Any, is_on: bool) -> None:
    """Whether the second copy is excluded."""
    file = place.path / "p.json"
    text = file.read_text().replace('"exclude": true, ', "")
    file.write_text(text.replace('"name": "lags"', '"exclude": true, "name": "lags"') if is_on else text)


def test_what_is_old_goes_once_the_last_subscriber_has_consumed_it(kept: Any, tools: Any) -> None:
    """A subscriber that is off holds it back; downstream, nothing is touched."""
    kept.put()
    kept.run()
    new = [tools.file_of(24 * DAYS, name) for name in "ab"]
    lag(kept, tools, is_on=True)
    kept.put(*new)
    kept.run()
    last = tools.hour(24 * DAYS)
    assert retire(kept) == (
        f"marked lots before {last} for removal by a run two minutes later or more; "
        f"held back: 'lags' of project p/1 has not consumed lot {last}"
    )
    minutes_pass(kept)
    assert retire(kept).startswith(f"removed {24 * DAYS} lots ({48 * DAYS} objects)")
    assert kept.files("in") == new
    lag(kept, tools, is_on=False)
    kept.run()
    retire(kept)
    minutes_pass(kept)
    assert retire(kept).startswith("removed 1 lot (2 objects)")
    assert kept.files("in") == []
    assert states(kept, "raw") == {"removed"}
    everything = {tools.file_of(number, name) for number in range(24 * DAYS + 1) for name in "ab"}
    assert set(kept.files("out")) == set(kept.files("late")) == everything
    assert states(kept, "out") == states(kept, "late") == {"complete"}
    ran = kept.cls("--output", "json", "datasets", "status", "--earliest", "2024-01-01", "--latest", "2024-01-05")
    assert f'"removed": {24 * DAYS + 1}' in ran.out or f'"removed":{24 * DAYS + 1}' in ran.out, ran
    before = kept.completes("work")
    assert "work" not in kept.run("--log-format", "json").out.replace("worked", "")
    assert kept.completes("work") == before


def test_killed_while_it_removes_and_run_again_it_comes_to_the_same(kept: Any, tools: Any) -> None:
    kept.run()
    retire(kept)
    minutes_pass(kept)
    rng = random.Random(1)
    kills = 0
    for _ in range(40):
        before = len(kept.files("in"))
        process = subprocess.Popen([sys.executable, "-c", RETIRE], cwd=kept.path, stdout=subprocess.PIPE)
        while process.poll() is None and len(kept.files("in")) == before:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        if not kept.files("in"):
            break
    assert kills
    retire(kept)
    assert kept.files("in") == []
    manifests = kept.manifests("raw")
    assert states(kept, "raw") == {"removed"}
    assert sorted(name for each in manifests.values() for name in map(os.path.basename, each["uris"])) == kept.files(
        "out"
    )
    assert [mark.name for mark in sorted(horizon(kept).iterdir())] == [
        f"before={tools.hour(24 * DAYS)}",
        f"cleared={tools.hour(24 * DAYS)}",
        "looked",
    ]


def test_what_a_join_passes_on_stays_until_its_subscribers_have_consumed_it(place: Any, tools: Any) -> None:
    """The join lists the files where they lie, and has worked them at once; the copy of the join was off."""
    sources = {name: {"name": name, "version": "1", "start": "all"} for name in ("raw", "more")}
    join = {
        "type": "cls:core:joinBarrier",
        "name": "join",
        "sources": sources,
        "dataset": {"name": "both", "version": "1"},
    }
    copy = tools.arc(sources=("both",))
    boundaries = [
        tools.boundary(eventArrival="frequent"),
        tools.boundary("others", "in2", "more", eventArrival="frequent"),
    ]
    place.declare(boundaries=boundaries, barriers=[join], arcs=[copy], activities=[RETENTION])
    place.put(tools.file_of(1))
    place.put(tools.file_of(1, "g"), folder="in2")
    place.run()
    place.declare(boundaries=boundaries, barriers=[join], arcs=[{**copy, "exclude": True}], activities=[RETENTION])
    place.put(tools.file_of(2))
    place.put(tools.file_of(2, "g"), folder="in2")
    place.run()
    held = f"held back: 'work' of project p/1 has not consumed lot {tools.hour(2)}"
    assert retire(place) == f"marked lots before {tools.hour(2)} for removal by a run two minutes later or more; {held}"
    minutes_pass(place)
    assert retire(place).startswith("removed 1 lot (1 object)")
    assert (place.files("in"), len(place.files("in2"))) == ([tools.file_of(2)], 2)
    place.declare(boundaries=boundaries, barriers=[join], arcs=[copy], activities=[RETENTION])
    place.run()
    retire(place)
    minutes_pass(place)
    assert retire(place).startswith("removed 1 lot (1 object)")
    assert place.files("in") == []
