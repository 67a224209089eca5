"""The benchmarks run; what they measure is looked at by people, on a machine with nothing else to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from beds import docker
from beds.docker_bases import base

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


@pytest.mark.slow
def test_that_of_containers_does_so_too(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with docker.engine(tmp_path_factory) as host:
        base(host, "shell")
        command = [sys.executable, str(root / "benchmarks/containers.py"), "--lots", "2"]
        ended = subprocess.run(
            command, env={**os.environ, "DOCKER_HOST": host}, capture_output=True, text=True, check=True
        )
    note, *_, row = ended.stdout.splitlines()
    assert "nothing is proved" in note
    assert row.startswith("2 lots in containers")
    assert row.endswith(("holds", "DOES NOT HOLD"))
