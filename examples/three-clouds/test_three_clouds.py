"""The example as it is run, while processes are killed and every notifier loses and doubles events."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hardship.clouds import SEED, install

from clouds import PROJECTS, Clouds, clouds
from three_clouds import arrive, published

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500), pytest.mark.filterwarnings("ignore::DeprecationWarning")]

LOTS = 6
ROUNDS = 12
IDLE = ("--until-idle", "--seal-open")


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Clouds]:
    with clouds(tmp_path / "clouds") as made:
        for name in PROJECTS:
            _lease_shortly(made.folder / name)
        yield made


def _lease_shortly(project: Path) -> None:
    """What is killed is taken over in seconds, and not in minutes."""
    text = project.read_text().replace(
        '"sources": {', '"leaseSec": 15, "retry": {"attempts": 20, "backoffSec": 0},\n      "sources": {'
    )
    assert "leaseSec" in text
    project.write_text(text)


@pytest.mark.parametrize("together", [True, False], ids=["in one process", "in three"])
def test_each_request_arrives_once_whatever_is_killed_lost_or_doubled(
    three: Clouds, tmp_path: Path, together: bool
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    hard = install(tmp_path / "hard")
    calls = [PROJECTS] if together else [(project,) for project in PROJECTS]

    def begin(round_: int) -> list[subprocess.Popen[bytes]]:
        return [
            three.start("run", *call, *IDLE, variables={**hard, SEED: f"{seed}-{round_}-{number}"})
            for number, call in enumerate(calls)
        ]

    three.cls("run", "edge.json", *IDLE)  # makes the bucket
    expected = arrive(three, LOTS)
    for round_ in range(ROUNDS):
        started = begin(round_)
        if round_ < 3:
            time.sleep(chance.uniform(1, 12))
            os.killpg(chance.choice(started).pid, signal.SIGKILL)
        for each in started:
            each.wait(300)
        if round_ >= 3 and published(three) == expected:
            break
    said = (three.folder / "said.txt").read_text()
    assert published(three) == expected, said[-5000:]
    assert "Traceback" not in said, said[-5000:]
    _each_lot_once(three)


def _each_lot_once(three: Clouds) -> None:
    """What is listed is there, in exactly one lot; nothing is left over."""
    files = [part for project in PROJECTS for part in ("-p", project)]
    for dataset in ("access-log", "requests", "kept", "by-service", "report"):
        three.cls("audit", dataset, *files)  # it exits with another code where something is wrong
