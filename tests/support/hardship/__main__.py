"""Try one point of one scenario again: ``python -m hardship copy killed 17+`` kills it after its request 17."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from hardship.crashes import bench, trial
from hardship.fates import Fate
from hardship.scenarios import NAMED

if __name__ == "__main__":
    name, what, at, like = (*sys.argv[1:5], "")[:4]
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder), 1) as made:
        tried = trial(NAMED[name], made)
        fate = Fate(at=int(at.rstrip("+")), before=not at.endswith("+"), what=what, like=like)
        sys.stdout.write(f"{tried.at(fate)}\n")
