"""`cls run` that is killed, told to stop, or not alone."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import pytest

ROUNDS = 15
LONG = """
pathlib.Path(f"at-work-{lot}").touch()
if pathlib.Path("slow").exists(): time.sleep(600)
stage(*(write(each.name) for each in came()))
"""


COUNT = """
def count(work):
    work.sink().write(f"{work.lot}.{work.attempt}.txt", str(len(list(work.source()))).encode())
"""


def at_work(place: Any) -> list[str]:
    return sorted(path.name for path in place.path.glob("at-work-*"))


def test_killed_at_any_moment_and_run_again_it_comes_to_the_same(place: Any, tools: Any) -> None:
    patient = {"attempts": ROUNDS + 1, "backoffSec": 0}
    python = tools.arc("python", "count", workload={"function": "counting:count"}, retry=patient)
    python["sinks"]["main"] = {"name": "counted", "version": "1", "pathURI": "counted/"}
    place.declare(boundaries=[tools.boundary(eventArrival="frequent")], arcs=[tools.arc(retry=patient), python])
    (place.path / "counting.py").write_text(COUNT)
    rng = random.Random(20240101)
    names: list[str] = []
    for number in range(ROUNDS):
        new = [tools.file_of(number, name) for name in "ab"]
        place.put(*new)
        names += new
        run = place.start("run", "p.json", "--until-idle", "--concurrency", "2")
        time.sleep(rng.uniform(0.4, 2.0))
        os.killpg(run.pid, signal.SIGKILL)
        assert "Traceback" not in run.communicate()[1]
    ran = place.run()
    assert ran.err == "", ran
    lots = [tools.hour(number) for number in range(ROUNDS)]
    assert place.objects("raw") == dict.fromkeys(names, 1)
    assert place.objects("out") == dict.fromkeys(names, 1)
    assert place.completes("work") == place.completes("count") == dict.fromkeys(lots, 1)
    counted = place.objects("counted")
    assert sorted(counted) == place.files("counted"), "what no manifest names was swept"
    assert {(place.path / "counted" / name).read_text() for name in counted} == {"2"}
    # Named by the protocol: what a dead process was just writing, and messages it had taken, which come again.
    assert not [name for name in place.leftovers() if "/.tmp-" not in name and "/events/" not in name]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_stop_it_releases_what_it_holds(place: Any, tools: Any, number: int, code: int) -> None:
    declared = tools.arc("exec", workload=place.workload("long.py", LONG), leaseSec=600)
    place.declare(boundaries=[tools.boundary()], arcs=[declared])
    (place.path / "slow").touch()
    place.put(tools.file_of(0))
    run = place.start("run", "p.json", "--until-idle")
    tools.until(lambda: at_work(place), run)
    run.send_signal(number)
    ran = tools.ended(run)
    assert ran.code == code, ran
    assert ran.out.endswith("stopped\n")
    assert ran.err == ""
    assert place.kinds("work", tools.hour(0)) == ["claim", "rollback"]
    (place.path / "slow").unlink()
    place.run()
    assert place.kinds("work", tools.hour(0)) == ["claim", "rollback", "claim", "complete"]
    assert place.objects("out") == {tools.file_of(0): 1}


def test_a_run_without_end_that_is_told_to_stop_has_done_well(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.put(tools.file_of(0))
    run = place.start("run", "p.json")
    tools.until(lambda: place.objects("out"), run)
    place.put(tools.file_of(1))
    tools.until(lambda: len(place.objects("out")) == 2, run)
    run.send_signal(signal.SIGINT)
    assert tools.ended(run).code == 0


@pytest.mark.parametrize("count", [2, 10])
def test_several_share_the_work(place: Any, tools: Any, count: int) -> None:
    numbers = range(20)
    on = tools.arc(name="on", sources=["out"], sinks=["end"])
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc(), on])
    place.put(*map(tools.file_of, numbers))
    runs = [
        place.start("run", "p.json", "--until-idle", "--log-format", "json", "--concurrency", "2") for _ in range(count)
    ]
    ran = [tools.ended(run) for run in runs]
    assert [each.code for each in ran] == [0] * count, ran
    once = dict.fromkeys(map(tools.hour, numbers), 1)
    assert place.completes("work") == place.completes("on") == once
    assert place.objects("end") == dict.fromkeys(map(tools.file_of, numbers), 1)
    worked = [line for each in ran for line in each.events("Worked")]
    assert len(worked) == 2 * len(numbers), "each lot was told by exactly one"
    assert len([each for each in ran if each.events("Worked")]) > 1, "one did all of it"
    assert not place.leftovers()


def test_one_goes_on_with_what_another_that_died_had_claimed(place: Any, tools: Any) -> None:
    """The dead process was of this machine: nobody waits for its lease."""
    declared = tools.arc("exec", workload=place.workload("long.py", LONG), leaseSec=600, retry={"attempts": 2})
    place.declare(boundaries=[tools.boundary()], arcs=[declared])
    (place.path / "slow").touch()
    place.put(tools.file_of(0))
    run = place.start("run", "p.json")
    tools.until(lambda: at_work(place), run)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    (place.path / "slow").unlink()
    place.run()
    assert place.kinds("work", tools.hour(0)) == ["claim", "claim", "complete"]
