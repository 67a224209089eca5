"""What looks alike is told apart, what is not there is said so, and what would be done is said before."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cls = Callable[..., "subprocess.CompletedProcess[str]"]
LOT = "20240131PT1H001"
ONE = ("--earliest", LOT, "--latest", "20240131PT1H002")
BOTH = ("-p", "dev.json", "-p", "prod.json")


def declare(project: Path, stage: str) -> None:
    """The project in a stage of its own, in lots of hours that keys name."""
    declared: dict[str, Any] = json.loads(project.read_text())
    declared["placement"]["stage"] = stage
    declared["boundaries"][0] |= {
        "lotUnit": "Hours",
        "lotSource": "keyTimestampRegex",
        "keyRegex": r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)T(?P<hour>\d\d)",
    }
    declared["boundaries"][0]["dataset"]["pathURI"] = f"{stage}/a/"
    declared["arcs"][0]["sinks"]["main"]["pathURI"] = f"{stage}/b/"
    (project.parent / f"{stage}.json").write_text(json.dumps(declared))
    path = project.parent / stage / "a/2024-01-31T01.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


@pytest.fixture
def staged(project: Path, cls: Cls) -> Path:
    for stage in ("dev", "prod"):
        declare(project, stage)
    ran = cls("run", "dev.json", "prod.json", "--until-idle")
    assert ran.returncode == 0, ran
    return project.parent


def test_rows_of_two_placements_say_which(staged: Path, cls: Cls) -> None:
    early = ("--earliest", "20240131PT1H000", "--latest", LOT)
    told = cls("gaps", "b", *BOTH, *early).stdout.splitlines()[3:5]
    assert [line.split()[:2] for line in told] == [["local", "dev"], ["local", "prod"]]
    assert "local" not in cls("gaps", "b", "-p", "dev.json", *early).stdout
    planned = cls("replay", "copy", LOT, *BOTH)
    assert [line.split()[-4:-2] for line in planned.stdout.splitlines()[3:5]] == [["local", "dev"], ["local", "prod"]]
    plan = planned.stdout.splitlines()[3].split()[0]
    far = json.loads(cls("plans", plan, *BOTH, "--output", "json").stdout)
    assert [each["placement"]["stage"] for each in far] == ["dev", "prod"]
    assert "local" not in cls("replay", "copy", LOT, "-p", "dev.json").stdout


def test_what_became_of_a_lot_is_told_of_each_placement(staged: Path, cls: Cls) -> None:
    heads = [line for line in cls("explain", LOT, "b", *BOTH).stdout.splitlines() if line.startswith("dataset")]
    assert heads == [
        f"dataset b/1, in local {stage} local here, lot {LOT}, from 2024-01-31 01:00:00Z" for stage in ("dev", "prod")
    ]
    rows = json.loads(cls("explain", LOT, "b", *BOTH, "--output", "json").stdout)
    assert {row["placement"]["stage"] for row in rows} == {"dev", "prod"}
    assert ", in local" not in cls("explain", LOT, "b", "-p", "dev.json").stdout


def test_a_graph_takes_the_form_of_reports_where_it_has_it(staged: Path, cls: Cls) -> None:
    assert json.loads(cls("--output", "json", "graph", "-p", "dev.json").stdout)
    assert cls("--output", "json", "graph", "-p", "dev.json", "--format", "dot").stdout.startswith("digraph")
    refused = cls("--output", "csv", "graph", "-p", "dev.json")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "a graph has no rows that could be csv" in refused.stderr


def test_a_status_says_of_those_of_one_name_where_they_are(staged: Path, cls: Cls) -> None:
    rows = cls("status", "b", *BOTH, *ONE).stdout
    assert "b/1 (local dev local here) " in rows
    assert "b/1 (local prod local here) " in rows
    assert "(local" not in cls("status", "b", "-p", "dev.json", *ONE).stdout


def test_an_arc_of_two_placements_is_asked_back_for(staged: Path, cls: Cls) -> None:
    for command in ("exec", "rollback"):
        refused = cls(command, "copy", LOT, *BOTH)
        assert refused.returncode == 2
        assert "of p:1 in local dev local here, p:1 in local prod local here" in refused.stderr
        assert "--stage" in refused.stderr


@pytest.mark.parametrize("command", ["exec", "rollback", "replay", "backfill"])
def test_a_lot_of_another_unit_is_named_so(staged: Path, cls: Cls, command: str) -> None:
    refused = cls(command, "copy", "20240131PT5M013", "-p", "dev.json")
    assert refused.returncode == 2
    assert "p/copy has lots of Hours, and 20240131PT5M013 is none\n  hint: such as 20240131PT1H001" in refused.stderr


def test_a_rollback_says_before_what_it_takes_away(staged: Path, cls: Cls) -> None:
    shown = cls("rollback", "copy", LOT, "-p", "dev.json", "--remove")
    assert (
        shown.stderr
        == "nothing was done; --yes would roll 1 lot back, and remove 1 object (1 B) and 1 manifest of them\n"
    )
    assert (staged / "dev/b/2024-01-31T01.txt").exists()
    assert cls("rollback", "copy", LOT, "-p", "dev.json", "--remove", "--yes").returncode == 0
    assert not (staged / "dev/b/2024-01-31T01.txt").exists()


@pytest.mark.parametrize(
    ("command", "there"),
    [
        ("graph -p dev.json --project nix", "--project nix: there is none here; there are: p:1"),
        ("graph -p dev.json --name nix", "--name nix: there is none here; there are: "),
        ("gaps -p dev.json --project nix", "--project nix: there is none here; there are: p:1"),
        ("gaps -p dev.json --name nix", "--name nix: there is none here; there are: "),
        ("backfill -p dev.json --project p:2", "--project p:2: there is none here; there are: p:1"),
        ("rollback copy 20240131PT1H001 -p dev.json --name nix", "--name nix: there is none here; there are: copy"),
        ("redrive told.json --project nix", "--project nix: there is none here; there are: p:1"),
        ("redrive told.json --notifier nix", "--notifier nix: there is none here; there are: tell"),
        ("redrive told.json --notifier nix --list", "--notifier nix: there is none here; there are: tell"),
    ],
)
def test_what_is_not_there_is_no_silence(project: Path, cls: Cls, command: str, there: str) -> None:
    declare(project, "dev")
    declared = json.loads((project.parent / "dev.json").read_text())
    declared["notifiers"] = [{"type": "cls:core:execNotifier", "name": "tell", "command": ["true"]}]
    (project.parent / "told.json").write_text(json.dumps(declared))
    refused = cls(*command.split())
    assert refused.returncode == 2, refused
    assert there in refused.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_no_mistake_of_ours(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "clusterless.cli", "show", "component", "--list"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith("error[system]: No space left on device\n  hint: ")
