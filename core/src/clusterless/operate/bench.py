"""What lots are worked with outside of a run: arcs opened, claims renewed while they are held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clusterless.deploy.resolve import site
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.runner.opening import Workbench, open_arcs
from clusterless.runtime.arc import RunningArc, Writer
from clusterless.runtime.clock import SystemClock, identity, is_gone, random_id
from clusterless.runtime.renewal import Renewals, renewing


@contextmanager
def workbench(
    landscape: Landscape, scratch: Path, stopping: Callable[[], bool], workloads: str = ""
) -> Iterator[Workbench]:
    """What arcs are opened with; while the context lasts, the claims that they hold are renewed.

    *workloads* names the container engine that works arcs of a container kind; none: each by its own component.

    Raises:
        NotInstalledError: no plugin offers that engine.
    """
    engine = landscape.plugins.engine(workloads) if workloads else None
    renewals = Renewals()
    with renewing(renewals):
        yield Workbench(
            plugins=landscape.plugins,
            clock=SystemClock(),
            writer=Writer(by=identity(), new_id=random_id, is_gone=is_gone),
            hold=renewals.hold,
            stopping=stopping,
            published=lambda: None,
            scratch=scratch,
            engine=engine,
        )


def open_views(landscape: Landscape, views: Sequence[ArcView], bench: Workbench, stack: ExitStack) -> list[RunningArc]:
    """The arcs of *views*, each ready to work lots that are asked for; *stack* gives them back.

    Raises:
        ClsError: something declared cannot be had.
    """
    opened: dict[tuple[int, str], RunningArc] = {}
    for placed in {id(view.placed): view.placed for view in views}.values():
        names = {view.arc.name for view in views if view.placed is placed}
        label = placed.part.project.name
        for arc in open_arcs(site(landscape.surveyed, placed), label, bench, names, stack):
            opened[id(placed), arc.arc.name] = arc
    return [opened[id(view.placed), view.arc.name] for view in views]
