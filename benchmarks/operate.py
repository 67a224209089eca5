"""Measures what it costs to ask about a year of lots, beside a plain listing of the keys that the answer is in.

``python benchmarks/operate.py [--lots 105120] [--folder FOLDER] [NAME…]``: a year is made in FOLDER (`year.py`), or
taken as it is there. Each command is run three times in turn with `listing.py`; medians are compared.

``python benchmarks/operate.py --flat [--lots 1000000] [--folder FOLDER]``: so many lots of one dataset are asked about,
and a tenth of them; what is compared is memory.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import year
from attrs import frozen
from cost import Cost, cost, typical
from run import CLS, HERE, PYTHON, Row

REPEATS = 3
_MILLION = 1_000_000
RATIO, PEAK = 1.2, 200.0
_FINE = (0, 3)  # what is asked may be found wanting: some of it was planted

_ARCS = tuple(f"arcs/project=year/version=1/arc={name}/" for name in ("clean", "part", "both", "out"))
_MADE = tuple(f"datasets/name={name}/version=1/" for name in ("in", "clean", "part", "both", "out"))
_IN = ("+datasets/name=in/version=1/", "+boundaries/project=year/version=1/boundary=arrive/seals/", "data/in/")
_CLEAN = ("+datasets/name=clean/version=1/", "+arcs/project=year/version=1/arc=clean/", "data/clean/")


@frozen
class Question:
    """A command's *arguments*, and the prefixes of the *keys* that it must see; those with a plus sign it must read.

    It may take *ratio* times what `listing.py` takes for these.
    """

    arguments: tuple[str, ...]
    keys: tuple[str, ...]
    is_ranged: bool = True
    ratio: float = RATIO


QUESTIONS: Mapping[str, Question] = {
    "status": Question(("status",), _ARCS + _MADE),
    "gaps": Question(("gaps",), _ARCS + _MADE),
    "why": Question(("gaps", "--why"), _ARCS + _MADE),
    "backfill": Question(("backfill",), _ARCS + _MADE),
    "replay": Question(("replay", "--which", "failed"), _ARCS + _MADE),
    "audit": Question(("audit", "in"), _IN, is_ranged=False, ratio=2),
    "audited-arc": Question(("audit", "clean"), _CLEAN, is_ranged=False, ratio=2),
    "explain": Question(("explain", str(year.FIRST.plus(5)), "year/clean"), (), is_ranged=False),
    "graph": Question(("graph",), (), is_ranged=False),
    "coloured": Question(("graph",), _ARCS + _MADE),
}


def measured(name: str, file: Path, lots: int) -> Iterator[Row]:
    question = QUESTIONS[name]
    ranged = ("--earliest", str(year.FIRST), "--latest", str(year.FIRST.plus(lots))) if question.is_ranged else ()
    command = (CLS, *question.arguments, "-p", file, *ranged)
    floors, ours = [], []
    for _ in range(REPEATS):
        floors.append(cost(PYTHON, HERE / "listing.py", file, *question.keys))
        ours.append(cost(*command, fine=_FINE))
    yield from _rows(f"{name}, {lots} lots: ", typical(floors), typical(ours), question.ratio)


def _rows(said: str, floor: Cost, our: Cost, ratio: float) -> Iterator[Row]:
    yield Row(f"{said}wall time, of the {floor.wall:,.1f} s of a listing", our.wall / floor.wall, ratio)
    yield Row(f"{said}processor time, of the {floor.cpu:,.1f} s of a listing", our.cpu / floor.cpu, ratio)
    yield Row(f"{said}memory beyond the listing's {floor.peak:,.0f} MiB", our.peak - floor.peak, PEAK, "MiB")


FLAT = {
    "status": ("status", "in"),
    "gaps": ("gaps", "in"),
    "why": ("gaps", "--why", "in"),
    "audit": ("audit", "in"),
    "datasets": ("datasets", "status", "--name", "in"),
}
_GROWTH = 20.0


def flat(file: Path, lots: int) -> Iterator[Row]:
    """Memory of very many lots, and of a tenth of them."""
    for name, arguments in FLAT.items():
        few, many = (_peak(file, arguments, count) for count in (lots // 10, lots))
        yield Row(f"{name}, {lots} lots: memory beyond the {few:,.0f} MiB of a tenth", many - few, _GROWTH, "MiB")


def _peak(file: Path, arguments: Sequence[str], lots: int) -> float:
    ranged = ("--earliest", str(year.LONG_AGO), "--latest", str(year.LONG_AGO.plus(lots)))
    return cost(CLS, *arguments, "-p", file, *ranged, fine=_FINE).peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lots", type=int, help="of each dataset (default: a year of them; with --flat, a million)")
    parser.add_argument("--flat", action="store_true", help="measure how memory grows with lots")
    parser.add_argument("--folder", type=Path, help="where the year is, or is made and left")
    parser.add_argument("names", nargs="*", choices=[*QUESTIONS, []], metavar="NAME", help=", ".join(QUESTIONS))
    given = parser.parse_args()
    lots = given.lots or (_MILLION if given.flat else year.YEAR)
    if lots < (_MILLION if given.flat else year.YEAR):
        print("fewer lots than promised: what a start costs weighs more, and nothing is proved")
    with tempfile.TemporaryDirectory(prefix="cls-year-") as folder:
        file = (given.folder or Path(folder) / "year") / "project.json"
        if not file.exists():
            year.make(file.parent, lots, year.LONG_AGO if given.flat else year.FIRST, bare=given.flat)
        names = given.names or QUESTIONS
        rows = flat(file, lots) if given.flat else (row for name in names for row in measured(name, file, lots))
        for row in rows:
            print(row, flush=True)


if __name__ == "__main__":
    main()
