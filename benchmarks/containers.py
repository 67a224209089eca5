"""Measures what a lot in a container costs beyond the container, and prints whether it is as little as promised.

``python benchmarks/containers.py [--lots 200]``, with a Docker engine that answers and its ``docker`` command: lots
through an arc two at a time, beside as many ``docker run`` of the same image, two at a time, in turn.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import project
from run import CLS, HERE, OLD, PYTHON, REPEATS, Row

LOTS, CONCURRENCY = 200, 2
EXAMPLES = HERE.parent / "examples/containers"
IMAGE = "cls-bench/shell"
LOT = "20231115PT5M001"


def measure(folder: Path, lots: int) -> Row:
    """The same count of lines, in the same image, by `cls run` and by hand."""
    _build()
    files = [_project(folder / f"{number}", lots) for number in range(REPEATS)]
    for file in files:
        subprocess.run([PYTHON, HERE / "book.py", file], check=True, capture_output=True)
    time.sleep(OLD)
    ratios = []
    for file in files:
        floor = _seconds(partial(_by_hand, file.with_name("floor"), lots))
        ratio = _seconds(partial(_run, file)) / floor
        _check(file, lots)
        print(
            f"by hand {floor / lots * 1000:.0f} ms a container, two at a time; by cls run {ratio:.2f} of it", flush=True
        )
        ratios.append(ratio)
    return Row(f"{lots} lots in containers: wall time, of that of docker run", median(ratios), 1.2)


def _build() -> None:
    subprocess.run([PYTHON, EXAMPLES / "bases.py", "shell"], check=True)
    subprocess.run(["docker", "build", "-q", "-t", IMAGE, EXAMPLES / "shell"], check=True, capture_output=True)


def _project(folder: Path, lots: int) -> Path:
    file = project.make(folder, lots, files=1)
    declared = json.loads(file.read_text())
    (arc,) = declared["arcs"]
    arc |= {"type": "docker:core:containerArc", "workload": {"image": IMAGE, "network": "none"}}
    file.write_text(json.dumps(declared))
    return file


def _run(file: Path) -> None:
    options = ["--until-idle", "--concurrency", str(CONCURRENCY), "--log-format", "json"]
    subprocess.run([CLS, "run", file, *options], check=True, capture_output=True)


def _by_hand(folder: Path, lots: int) -> None:
    folder.mkdir()
    source = folder / "in.txt"
    source.write_bytes(b"x" * project.FILE_BYTES)
    manifest = {"state": "complete", "lotId": LOT, "uriType": "identifier", "uris": [source.as_uri()]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(lambda number: _one(folder, number), range(lots)))


def _one(folder: Path, number: int) -> None:
    sink = folder / str(number)
    props = {
        "sinks": {"main": {"pathURI": f"{sink.as_uri()}/"}},
        "sourceManifestPaths": {"main": (folder / "manifest.json").as_uri()},
        "sinkManifestTemplates": {"main": f"{sink.as_uri()}/{{lot}}/{{state}}/manifest.json"},
    }
    told = {"CLS_LOT": LOT, "CLS_ATTEMPT": "0-1-0", "CLS_ARC_PROPS_JSON": json.dumps(props)}
    variables = [f"--env={name}={value}" for name, value in told.items()]
    command = ["docker", "run", "--rm", "--network=none", f"--volume={folder}:{folder}", *variables, IMAGE]
    subprocess.run(command, check=True, capture_output=True)


def _seconds(work: Callable[[], None]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def _check(file: Path, lots: int) -> None:
    results = len(list((file.parent / "data/out").glob("lot=*/lines-*.txt")))
    assert results == lots, f"{results} of {lots} lots came out"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lots", type=int, default=LOTS, help="how many (default: as promised)")
    lots = parser.parse_args().lots
    if lots < LOTS:
        print("fewer than promised: what a start costs weighs more, and nothing is proved")
    with tempfile.TemporaryDirectory(prefix="cls-bench-") as folder:
        print(measure(Path(folder), lots))


if __name__ == "__main__":
    main()
