"""Everything that can be said about projects before they are run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clusterless.deploy.places import Placed, Survey, survey
from clusterless.deploy.read import Declared
from clusterless.engine.findings import Finding
from clusterless.engine.graph import Graph
from clusterless.engine.locations import within
from clusterless.plugins import Plugins


def check(declared: Sequence[Declared], plugins: Plugins) -> tuple[Finding, ...]:
    """Every finding about projects that run together, errors and warnings."""
    return findings(survey(declared, plugins))


def findings(surveyed: Survey) -> tuple[Finding, ...]:
    placed = [finding for each in surveyed.placed for finding in _stores(each)]
    return (*surveyed.findings, *surveyed.graph.findings(), *placed)


def _stores(placed: Placed) -> Iterator[Finding]:
    """Datasets that lie among the placement's own records."""
    part = placed.part
    roots = placed.roots.get(part.deployable.placement)
    if roots is None:
        return
    for writer in Graph((part,)).writers:
        location = writer.dataset.path_uri
        if any(within(location, root) for root in (roots.metadata, roots.arc_state, roots.manifest)):
            text = f"{writer.label} keeps its dataset among the placement's own records, at {location}"
            remedy = "give it a folder or bucket of its own"
            yield Finding(file=part.file, path=f"{writer.path}.pathURI", text=text, remedy=remedy)
