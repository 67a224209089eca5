"""The year that benchmarks ask about is what runs leave, and every gap in it is found by the name it was given."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from clusterless.model.lot import Lot, LotUnit

LOTS = 4
CAUSES = {"nobody-looked", "failed", "out-of-attempts", "running", "unfinished", "vanished", "unreadable", "waiting"}
CAUSES |= {"upstream-missing", "disabled"}


@pytest.fixture
def year(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    spec = importlib.util.spec_from_file_location("made_year", root / "benchmarks/year.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "made_year", module)
    spec.loader.exec_module(module)
    return module


def cls(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clusterless.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_it_is_what_a_run_leaves(year: ModuleType, tmp_path: Path) -> None:
    first = Lot.containing(datetime.now(UTC), LotUnit.TWELFTHS).plus(-LOTS - 2)
    made = year.make(tmp_path / "made", LOTS, first, sound=True).parent
    real = year.declare(tmp_path / "real").parent
    for lot in (first.plus(number) for number in range(LOTS)):
        path = real / f"data/in/{lot}.txt"
        path.write_bytes(year.BODY)
        os.utime(path, (lot.start.timestamp() + 1,) * 2)
    time.sleep(1.1)  # files must have rested
    ran = cls(real, "run", "project.json", "--until-idle", "--seal-open")
    assert ran.returncode == 0, ran.stderr
    lots = {str(first.plus(number)) for number in range(LOTS)}
    assert shapes(made, lots) == shapes(real, lots)


def shapes(folder: Path, lots: set[str]) -> dict[str, Any]:
    """What each kind of object is made of, of those of the *lots*: by its path, what differs by chance left out."""
    found: dict[str, Any] = {}
    for path in files(folder):
        name = str(path.relative_to(folder))
        lot = re.search(r"\d{8}PT5M\d{3}", name)
        if (not lot or lot[0] in lots) and not name.startswith((".clusterless/events/", "scratch")):
            found.setdefault(re.sub(r"\d{8}PT5M\d{3}", "LOT", name), shape(path))
    sealed = [found.pop(name) for name in list(found) if re.search(r"/seals/.*\.json", name)]
    return {
        **{name: found[name] for name in found if "/seals/" not in name and "/intake/" not in name},
        "seal": {**sealed[0], "batches": [], "lots": []},
        "sealed": next(lot for seal in sealed for lot in seal["lots"] if lot["arrivals"]),
    }


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and "alive" not in path.name)


def shape(path: Path) -> Any:
    if path.suffix != ".json" or path.name == "start.json":
        return None
    return outline(json.loads(path.read_bytes()))


def outline(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: outline(each) for key, each in value.items()}
    if isinstance(value, list):
        return [outline(each) for each in value]
    return type(value).__name__


@pytest.mark.slow
def test_every_planted_gap_is_found_by_its_name(year: ModuleType, tmp_path: Path) -> None:
    lots = 1000
    file = year.make(tmp_path / "made", lots)
    window = ("--earliest", str(year.FIRST), "--latest", str(year.FIRST.plus(lots)))
    told = cls(file.parent, "gaps", "--why", "-p", "project.json", *window, "--output", "json")
    assert told.returncode == 3, told.stderr
    gaps = json.loads(told.stdout)
    assert {gap["cause"] for gap in gaps} >= CAUSES
    of_clean = sum(gap["lots"] for gap in gaps if gap["element"] == "year/clean")
    blocked = {"UNCLAIMED", "FAILED", "SPENT", "PARTIAL", "RUNNING", "EXPIRED", "UNANNOUNCED", "VANISHED", "UNREADABLE"}
    planted = [year.fate_of(number, lots).name for number in range(lots)]
    assert of_clean == sum(fate in blocked | {"UNSEEN"} for fate in planted)
    stale = cls(file.parent, "status", "year/clean", "-p", "project.json", *window, "--output", "json")
    assert json.loads(stale.stdout)[0]["stale"] == planted.count("STALE")
    for manifest in tmp_path.rglob("name=in/**/manifest.json"):
        os.utime(manifest, (0, 0))  # no longer anything that somebody may be at
    audited = cls(file.parent, "audit", "in", "-p", "project.json")
    assert (audited.returncode, audited.stdout) == (0, ""), "nothing is planted there"


@pytest.mark.slow
def test_what_asking_costs_is_measured(root: Path) -> None:
    command = [sys.executable, str(root / "benchmarks/operate.py"), "--lots", "40", "status", "graph"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    note, *rows = ended.stdout.splitlines()
    assert "nothing is proved" in note
    assert len(rows) == 6
    assert all(row.endswith(("holds", "DOES NOT HOLD")) for row in rows)
