"""The benchmarks run; what they measure is looked at by people, on a machine with nothing else to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROMISES = {"startup": 1, "manifest": 1, "arrivals": 1, "copy": 2, "many": 4}
"""Rows by benchmark."""


@pytest.mark.slow
@pytest.mark.parametrize("name", PROMISES)
def test_a_benchmark_prints_what_it_measured_and_whether_it_holds(root: Path, name: str) -> None:
    command = [sys.executable, str(root / "benchmarks/run.py"), "--scale", "0.0001", name]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    note, *rows = ended.stdout.splitlines()
    assert "nothing is proved" in note
    assert len(rows) == PROMISES[name]
    for row in rows:
        assert row.endswith(("holds", "DOES NOT HOLD"))
