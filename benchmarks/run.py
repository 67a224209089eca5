"""Measures what the project promises about speed and memory, and prints whether it holds.

``python benchmarks/run.py [--scale 0.1] [NAME...]``: all of it, or what is named, in the sizes promised or a part of
them. Times are compared with `floor.py` in the same run, since they say little from one machine to the next.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import project
from attrs import frozen
from cost import Cost, cost, typical

HERE = Path(__file__).parent
PYTHON = sys.executable
CLS = Path(sys.executable).with_name("cls")
MANIFEST = HERE.parent / "core/tests/store/million_uris.py"

REPEATS = 3
LOTS, MANY_LOTS = 288, 28_800
ARRIVALS, URIS = 100_000, 1_000_000
OLD = 6  # seconds: what was booked when it was younger is booked once more by a boundary that begins anew


@frozen
class Row:
    """What was measured, against the most (or with *least*, the least) that it may be."""

    what: str
    measured: float
    limit: float
    unit: str = ""
    least: bool = False

    @property
    def holds(self) -> bool:
        return self.measured >= self.limit if self.least else self.measured <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        return f"{self.what:66} {self.measured:10,.2f} {self.unit:5} {sign} {self.limit:<8,g} {verdict}"


def copy(folder: Path, scale: float) -> Iterator[Row]:
    """Lots that lie in the intake, through one copy arc."""
    lots = _sized(LOTS, scale)
    floors, ours = [], []
    files = [project.make(folder / f"{number}", lots) for number in range(REPEATS)]
    _book_all(files)
    for file in files:
        floors.append(cost(PYTHON, HERE / "floor.py", file.parent / "data/in", file.parent / "floor"))
        ours.append(_run(file))
    floor, our = typical(floors), typical(ours)
    yield Row(f"{lots} lots copied: processor time, of the floor's", our.cpu / floor.cpu, 3)
    yield Row(f"{lots} lots copied: wall time, of the floor's", our.wall / floor.wall, 2)


def many(folder: Path, scale: float) -> Iterator[Row]:
    """A hundred times as many lots, and then nothing to do."""
    few, lots = _sized(LOTS, scale), _sized(MANY_LOTS, scale)
    nothing, large = project.make(folder / "nothing", 0), project.make(folder / "large", lots)
    small = [project.make(folder / f"{number}", few) for number in range(REPEATS)]
    _book_all([*small, large])
    start, less = typical([_run(nothing) for _ in small]), typical([_run(file) for file in small])
    more = _run(large)
    ratio = (more.cpu - start.cpu) / lots / ((less.cpu - start.cpu) / few)
    yield Row(f"{lots} lots copied: processor time a lot, of that of {few}", ratio, 1.2)
    yield Row(f"{lots} lots copied: most memory", more.peak, 100, "MiB")
    again = typical([_run(large) for _ in range(REPEATS)])
    yield Row(f"{lots} lots, nothing to do: processor time a lot", _each(again.cpu - start.cpu, lots), 0.5, "ms")
    yield Row(f"{lots} lots, nothing to do: wall time a lot, from start to end", _each(again.wall, lots), 0.5, "ms")


def manifest(folder: Path, scale: float) -> Iterator[Row]:
    """A manifest of very many URIs, written and read."""
    uris = _sized(URIS, scale)
    told = _told(MANIFEST, f"{folder.as_uri()}/", str(uris))
    yield Row(f"a manifest of {uris} URIs: memory beyond the interpreter's", told["more"], 100, "MiB")


def arrivals(folder: Path, scale: float) -> Iterator[Row]:
    """Very many files that are there at once."""
    files = _sized(ARRIVALS, scale)
    told = _book(project.make(folder, 1, files))
    assert told["booked"] == files
    yield Row(f"{files} files at once: booked a second", files / told["seconds"], 5000, least=True)


def startup(_folder: Path, scale: float) -> Iterator[Row]:
    """`cls --help`, with whatever plugins are installed."""
    clicks, helps = [], []
    for _ in range(_sized(30, scale)):
        clicks.append(cost(PYTHON, "-c", "import click"))
        helps.append(cost(CLS, "--help"))
    ratio = typical(helps).cpu / typical(clicks).cpu
    yield Row("cls --help: processor time, of that of importing click", ratio, 3)


BENCHMARKS: Mapping[str, Callable[[Path, float], Iterator[Row]]] = {
    "startup": startup,
    "manifest": manifest,
    "arrivals": arrivals,
    "copy": copy,
    "many": many,
}


def _run(file: Path) -> Cost:
    return cost(CLS, "run", file, "--until-idle", "--log-format", "json")


def _book_all(files: Sequence[Path]) -> None:
    time.sleep(OLD)
    for file in files:
        _book(file)


def _book(file: Path) -> Mapping[str, float]:
    return _told(HERE / "book.py", str(file))


def _told(program: Path, *arguments: str) -> Mapping[str, float]:
    command = [PYTHON, str(program), *arguments]
    told: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return told


def _each(seconds: float, lots: int) -> float:
    """Milliseconds a lot."""
    return seconds * 1000 / lots


def _sized(count: int, scale: float) -> int:
    return max(round(count * scale), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="part of the promised sizes (default: all)")
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help=", ".join(BENCHMARKS))
    given = parser.parse_args()
    if given.scale < 1:
        print("smaller than promised: what a start costs weighs more, and nothing is proved")
    for name in given.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="cls-bench-") as folder:
            for row in BENCHMARKS[name](Path(folder), given.scale):
                print(row, flush=True)


if __name__ == "__main__":
    main()
