"""Everything that can be said about projects before they are run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clusterless.deploy.places import Placed, Survey, survey
from clusterless.deploy.read import Declared
from clusterless.engine.findings import Finding
from clusterless.engine.graph import Graph
from clusterless.engine.locations import overlap
from clusterless.errors import InvalidValueError
from clusterless.model.lot import LotUnit
from clusterless.plugins import Plugins


def check(declared: Sequence[Declared], plugins: Plugins) -> tuple[Finding, ...]:
    """Every finding about projects that run together, errors and warnings."""
    return findings(survey(declared, plugins))


def findings(surveyed: Survey) -> tuple[Finding, ...]:
    placed = [finding for each in surveyed.placed for finding in (*_intervals(each), *_stores(each))]
    return (*surveyed.findings, *surveyed.graph.findings(), *placed)


def _intervals(placed: Placed) -> Iterator[Finding]:
    part = placed.part
    for index, activity in enumerate(part.deployable.activities):
        try:
            LotUnit.named(activity.interval)
        except InvalidValueError as error:
            yield Finding(file=part.file, path=f"{part.at}.activities[{index}].interval", text=error.problem)


def _stores(placed: Placed) -> Iterator[Finding]:
    """Datasets that lie where the placement keeps its books would be booked themselves, or overwrite them."""
    part = placed.part
    roots = placed.roots.get(part.deployable.placement)
    for writer in Graph((part,)).writers if roots else ():
        for root in (roots.metadata, roots.arc_state, roots.manifest):
            if overlap(writer.dataset.path_uri, root):
                text = f"{writer.label} keeps its dataset at {writer.dataset.path_uri}, and the placement its records at {root}"
                remedy = "keep the dataset in a folder of its own, beside the records"
                yield Finding(file=part.file, path=f"{writer.path}.pathURI", text=text, remedy=remedy)
                break
