"""Declared projects into sites: placed, checked, and with every source found."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from clusterless.deploy.check import findings
from clusterless.deploy.places import Placed, Survey, survey
from clusterless.deploy.read import Declared
from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph_parts import Node
from clusterless.errors import MalformedError
from clusterless.model.dataset import LocatedDataset, SourceDataset
from clusterless.plugins import Plugins
from clusterless.runtime.site import ResolvedSource, Site

_log = logging.getLogger(__name__)


def resolve(declared: Sequence[Declared], plugins: Plugins) -> tuple[Site, ...]:
    """The projects as they are run, in order; warnings are logged.

    Raises:
        MalformedError: with every error that `clusterless.deploy.check.check` finds.
    """
    surveyed = survey(declared, plugins)
    found = findings(surveyed)
    refuse_errors(found)
    for finding in found:
        _log.warning("%s", finding)
    return tuple(_site(surveyed, each) for each in surveyed.placed)


def refuse_errors(found: Sequence[Finding]) -> None:
    """Raise what is an error among *found*, all in one.

    Raises:
        MalformedError: there are errors.
    """
    errors = [str(finding) for finding in found if finding.severity is Severity.ERROR]
    if errors:
        raise MalformedError("the projects cannot be run", errors)


def _site(surveyed: Survey, placed: Placed) -> Site:
    deployable = placed.part.deployable
    sources = {
        (arc.name, role): _source(surveyed, placed, source)
        for arc in deployable.arcs
        if not arc.exclude
        for role, source in arc.sources.items()
    }
    roots = placed.roots[deployable.placement]
    return Site(deployable=deployable, file=placed.part.file, base=placed.base, roots=roots, sources=sources)


def _source(surveyed: Survey, placed: Placed, source: SourceDataset) -> ResolvedSource:
    node = placed.part.source(source)
    placement = source.placement or placed.part.deployable.placement
    dataset = LocatedDataset(name=source.name, version=source.version, path_uri=_location(surveyed, node))
    manifest_root = placed.roots[placement].manifest
    return ResolvedSource(
        dataset=dataset, placement=placement, manifest_root=manifest_root, unit=surveyed.graph.unit(node)
    )


def _location(surveyed: Survey, node: Node) -> str:
    owner = surveyed.graph.owner(node)
    return owner.dataset.path_uri if owner else surveyed.graph.recorded[node].owned.dataset.path_uri
