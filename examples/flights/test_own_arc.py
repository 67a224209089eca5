"""The arc that the README has people add does what it says, and fits into the project."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl

import operations
from clusterless.codec.text import declared_values
from test_arcs import Folder

HERE = Path(__file__).parent


def block(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```$", (HERE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_function_of_the_readme_keeps_flights_that_never_left(tmp_path: Path) -> None:
    space = dict(vars(operations))
    exec(compile(block("python"), "README.md", "exec"), space)
    table = io.BytesIO()
    pl.DataFrame({"flight": [1, 2], "dep_time": [None, 905]}).write_parquet(table)
    folder = Folder(tmp_path)
    space["cancelled"](folder.work(main=[table.getvalue()]))
    [(key, written)] = folder.written().items()
    assert key.endswith("part-0-1-a.parquet")
    assert written["flight"].to_list() == [1]


def test_the_arc_of_the_readme_fits(tmp_path: Path) -> None:
    for name in ("flights.json", "operations.json"):
        shutil.copy(HERE / name, tmp_path)
    project = declared_values((tmp_path / "operations.json").read_text())
    project["arcs"].append(json.loads(block("json")))
    (tmp_path / "operations.json").write_text(json.dumps(project))
    command = [sys.executable, "-m", "clusterless.cli", "verify", "flights.json", "operations.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
