"""`cls:core:execArc`: commands that do well, fail, hang, and break the contract."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

COPY = "stage(*(write(each.name) for each in came()))"


def declare(place: Any, tools: Any, body: str, sinks: tuple[str, ...] = ("out",), **more: Any) -> None:
    settings = {**place.workload("work.py", body), **more.pop("settings", {})}
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc("exec", sinks=sinks, workload=settings, **more)])
    place.put(tools.file_of(0))


def test_a_command_writes_several_sinks(place: Any, tools: Any) -> None:
    declare(
        place,
        tools,
        """
stage(write("good.txt", role="good"), role="good")
stage(role="bad", state="empty")
""",
        sinks=("good", "bad"),
    )
    place.run()
    assert place.objects("good") == {"good.txt": 1}
    assert [each["state"] for each in place.manifests("bad").values()] == ["empty"]
    assert len(place.completes("work")) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("write('out.txt')", "without a manifest for sink 'main'"),
        ("print('the well is dry'); sys.exit(3)", "exited with 3\n  | the well is dry"),
        ("os.kill(os.getpid(), 9)", "was killed by signal 9"),
        ("time.sleep(600)", "timed out after 1 s"),
        ("stage('file:///elsewhere/x.txt')", "elsewhere"),
        ("stage().write_text('{')", "manifest.json"),
    ],
    ids=["no-manifest", "exit-3", "killed", "hangs", "outside-its-sink", "no-json"],
)  # fmt: skip
def test_a_command_that_fails_is_told_with_where_to_look(place: Any, tools: Any, body: str, says: str) -> None:
    declare(place, tools, body, settings={"timeoutSec": 1})
    ran = place.run(code=1)
    assert f"p/work {tools.hour(0)} missing: " in ran.out
    assert says in ran.out
    log = Path(ran.out.partition("  log: ")[2].partition("\n")[0])
    assert log.is_file(), ran.out
    assert ran.err.startswith(f"error[lots-unworked]: 1 left without a result: p/work {tools.hour(0)}\n")
    assert "hint: mend what is told above, and run again" in ran.err
    assert place.kinds("work", tools.hour(0)) == ["claim", "missing"]
    assert place.manifests("out") == {}


def test_all_that_a_command_started_ends_with_it(place: Any, tools: Any) -> None:
    declare(
        place,
        tools,
        """
child = subprocess.Popen(["sleep", "600"])
pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
""",
        settings={"timeoutSec": 1},
    )
    place.run(code=1)
    pids = [int(pid) for pid in (place.path / "pids").read_text().split()]
    assert len(pids) == 2
    assert not any(map(tools.alive, pids))


def test_a_command_that_cannot_be_started_is_named(place: Any, tools: Any) -> None:
    declare(place, tools, COPY)
    (place.path / "work.py").unlink()
    ran = place.run(code=1)
    assert "./work.py cannot be started" in ran.out


def test_attempts_are_made_as_often_as_declared(place: Any, tools: Any) -> None:
    declare(place, tools, "sys.exit(1)", retry={"attempts": 3, "backoffSec": 0})
    ran = place.run("--log-format", "json", code=1)
    assert place.kinds("work", tools.hour(0)) == ["claim", "missing"] * 3
    assert len({line["log"] for line in ran.events("Worked")}) == 3


def test_a_failure_that_passes_is_made_good_by_the_next_attempt(place: Any, tools: Any) -> None:
    body = "flag = pathlib.Path('once')\nif not flag.exists(): flag.touch(); sys.exit(1)\n" + COPY
    declare(place, tools, body, retry={"attempts": 2, "backoffSec": 0})
    place.run()
    assert place.kinds("work", tools.hour(0)) == ["claim", "missing", "claim", "complete"]
    assert place.objects("out") == {tools.file_of(0): 1}


def test_what_rests_is_told_again_and_worked_when_its_source_has_news(place: Any, tools: Any) -> None:
    declare(place, tools, "sys.exit(1)")
    place.run(code=1)
    place.script("work.py", (place.path / "work.py").read_text().partition("\n")[2].replace("sys.exit(1)", COPY))
    again = place.run(code=1)
    assert f"p/work {tools.hour(0)}" in again.err, "it still rests, and nobody may think otherwise"
    place.put(tools.file_of(0, "news"))
    place.run()
    assert place.kinds("work", tools.hour(0)) == ["claim", "missing", "rollback", "claim", "complete"]
    assert place.objects("out") == {tools.file_of(0): 1, tools.file_of(0, "news"): 1}


def test_what_rests_is_worked_again_when_more_attempts_are_declared(place: Any, tools: Any) -> None:
    declare(place, tools, "sys.exit(1)")
    assert "/work --which failed --which partial --yes', a single one by 'cls exec " in place.run(code=1).err
    declare(place, tools, COPY, retry={"attempts": 2, "backoffSec": 0})
    place.run()
    assert place.kinds("work", tools.hour(0)) == ["claim", "missing", "claim", "complete"]


def test_one_failing_lot_keeps_no_other_from_being_worked(place: Any, tools: Any) -> None:
    declare(place, tools, f"if lot == '{tools.hour(0)}': sys.exit(1)\n" + COPY)
    place.put(*map(tools.file_of, range(1, 5)))
    place.run(code=1)
    assert place.objects("out") == dict.fromkeys(map(tools.file_of, range(1, 5)), 1)


def test_of_a_workload_only_what_is_declared_is_seen(place: Any, tools: Any) -> None:
    body = "stage(write('env.txt', f\"{os.environ.get('SECRET')} {os.environ['DECLARED']}\"))"
    declare(place, tools, body, settings={"environment": {"DECLARED": "yes"}})
    place.run(env={"SECRET": "do not tell"})
    assert (place.path / "out/env.txt").read_text() == "None yes"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes what it may not read by other means")
def test_a_copy_within_its_allowance_is_made_good_by_the_next_attempt(place: Any, tools: Any) -> None:
    """A retry copies only what is missing: the first attempt's files keep their inodes and times."""
    copy = tools.arc(retry={"attempts": 3, "backoffSec": 3})
    copy["workload"] = {"workloadProps": {"failArcOnPartialPercent": 0.5}}
    place.declare(boundaries=[tools.boundary()], arcs=[copy])
    place.put(*(tools.file_of(0, name) for name in "abcd"))
    (place.path / "out" / tools.file_of(0, "d")).mkdir(parents=True)  # where an object is meant to be
    run = place.start("run", "p.json", "--until-idle")
    tools.until(lambda: place.kinds("work", tools.hour(0)) == ["claim", "partial"], run)
    assert place.manifests("out") == {}
    before = {name: found for name, found in place.tree().items() if name.startswith("out/")}
    assert len(before) == 3
    shutil.rmtree(place.path / "out" / tools.file_of(0, "d"))
    ran = tools.ended(run)
    assert ran.code == 0, ran
    assert place.kinds("work", tools.hour(0)) == ["claim", "partial", "claim", "complete"]
    assert before.items() <= place.tree().items()
    assert place.objects("out") == {tools.file_of(0, name): 1 for name in "abcd"}


def test_an_object_that_vanished_is_named(place: Any, tools: Any) -> None:
    first, second = tools.arc(name="first", sinks=["mid"]), tools.arc(name="second", sources=["mid"])
    place.declare("p.json", boundaries=[tools.boundary()], arcs=[first])
    place.declare("q.json", "q", arcs=[second])
    place.put(*(tools.file_of(0, name) for name in "ab"))
    place.run("p.json")
    (place.path / "mid" / tools.file_of(0, "b")).unlink()
    ran = place.run("q.json", code=1)
    assert f"mid/{tools.file_of(0, 'b')}" in ran.out
    assert "1 of 2 objects were not copied" in ran.out
    assert place.manifests("out") == {}
