"""What a command costs: processor time, wall time and memory, of its whole process tree."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from attrs import frozen

_KIB = 1024


@frozen
class Cost:
    """*cpu* (user and system) and *wall* in seconds, *peak* in MiB: of the largest process."""

    cpu: float
    wall: float
    peak: float


def cost(*command: str | Path, fine: Collection[int] = (0,)) -> Cost:
    """Run *command*, which must exit with one of *fine*, and say what it took."""
    begun = perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, env=_as_installed())
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in fine:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    per_unit = _KIB * _KIB if sys.platform == "darwin" else _KIB
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / per_unit)


def _as_installed() -> dict[str, str]:
    """The environment of one whose modules are compiled once, as an installer does it, and not by every process."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def typical(costs: Sequence[Cost]) -> Cost:
    return Cost(*(median(_each(costs, name)) for name in ("cpu", "wall", "peak")))


def _each(costs: Sequence[Cost], name: str) -> Iterable[float]:
    return [getattr(each, name) for each in costs]
