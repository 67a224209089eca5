"""Books what lies in a project's folder, seals nothing, and prints how many arrivals in how many seconds.

``python book.py PROJECT``. A first seal, of no lots, is left that says up to when the folder was looked at: a run
that follows finds all in the intake, and looks for newer files only.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from time import perf_counter

from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve
from clusterless.model.seal import Seal
from clusterless.plugins import find_plugins
from clusterless.runner.opening import Workbench, open_sites
from clusterless.runtime.arc import Writer, no_hold
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.clock import SystemClock, identity, random_id
from clusterless.runtime.intake import Intake


def main(file: Path) -> None:
    plugins = find_plugins()
    sites = resolve(read_projects([file], plugins.components(), plugins.project_formats()), plugins)
    stop = threading.Event()
    bench = Workbench(
        plugins=plugins,
        clock=SystemClock(),
        writer=Writer(by=identity(), new_id=random_id),
        hold=no_hold,
        stopping=stop.is_set,
        published=lambda: None,
        scratch=file.parent / "scratch",
    )
    (opened,) = open_sites(sites, lambda _: bench)
    with opened.closing:
        booked, seconds = _book(opened.boundaries[0])
        _say_looked(opened.boundaries[0])
    json.dump({"booked": booked, "seconds": seconds}, sys.stdout)


def _book(boundary: RunningBoundary) -> tuple[int, float]:
    intake = Intake(boundary)
    booked, begun = 0, perf_counter()
    end = begun
    while True:
        taken = intake.take(0.25)
        booked += taken.booked
        if booked and not (taken.booked or taken.backlog or taken.unsettled):
            return booked, end - begun
        end = perf_counter()


def _say_looked(boundary: RunningBoundary) -> None:
    seal = Seal(
        put_id=random_id(), at=boundary.now(), by=identity(), lots=(), batches=(), through=None, looked=boundary.looked
    )
    assert boundary.seals.append(1, seal)
    boundary.seals.mark(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
