"""Everything that can be said about projects before they are run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clusterless.deploy.inboxes import inboxes
from clusterless.deploy.needs import needed
from clusterless.deploy.notifiers import notified, unset
from clusterless.deploy.places import Placed, Survey, survey
from clusterless.deploy.read import Declared
from clusterless.deploy.references import references
from clusterless.deploy.schedules import scheduled
from clusterless.engine.findings import Finding
from clusterless.engine.graph import Graph
from clusterless.engine.locations import within
from clusterless.plugins import Plugins


def check(declared: Sequence[Declared], plugins: Plugins) -> tuple[Finding, ...]:
    """Every finding about projects that run together, errors and warnings."""
    surveyed = survey(declared, plugins)
    return (*findings(surveyed), *(finding for each in surveyed.placed for finding in unset(each)))


def findings(surveyed: Survey) -> tuple[Finding, ...]:
    """The same for whoever goes on to run them, who finds out about this environment then."""
    placed = [
        finding
        for each in surveyed.placed
        for finding in (*_stores(each), *notified(each), *scheduled(each), *references(each), *needed(each))
    ]
    return (*surveyed.findings, *surveyed.graph.findings(), *placed, *inboxes(surveyed.graph))


def _stores(placed: Placed) -> Iterator[Finding]:
    """Datasets that lie among the placement's own records."""
    part = placed.part
    roots = placed.roots.get(part.deployable.placement)
    if roots is None:
        return
    graph = Graph((part,))
    kept = [(each.label, each.dataset.path_uri, each.path) for each in graph.writers if each.writes_objects]
    for label, location, path in (*kept, *((each.label, each.outside, each.path) for each in graph.readers)):
        if location and any(_meets(location, root) for root in (roots.metadata, roots.arc_state, roots.manifest)):
            text = f"{label} keeps its objects among the placement's own records, at {location}"
            remedy = "give it a folder or bucket of its own"
            yield Finding(file=part.file, path=f"{path}.pathURI", text=text, remedy=remedy)


def _meets(location: str, root: str) -> bool:
    """Whether one is within the other; what is hidden below a location does not arrive there, nor is it in the way."""
    if not within(root, location):
        return within(location, root)
    return not root.removeprefix(location).startswith(".")
