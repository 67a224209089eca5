"""Datasets are nodes, arcs are edges: who writes what, in which lots, and what cannot work."""

from __future__ import annotations

from attrs import frozen

from clusterless.engine import graph_flow, graph_owners
from clusterless.engine.findings import Finding
from clusterless.engine.lineage import Lineage


@frozen
class Graph(Lineage):
    """Where datasets come from, and what is wrong about it."""

    def findings(self) -> tuple[Finding, ...]:
        """All that is wrong, in the order of the files within each kind."""
        checks = (
            graph_owners.double_owners,
            graph_owners.taken,
            graph_owners.unowned,
            graph_owners.shared_names,
            graph_flow.cycles,
            graph_flow.units,
            graph_flow.rollups,
            graph_owners.overlaps,
            graph_owners.outlets,
            graph_flow.counts,
            graph_flow.joins,
            graph_flow.deaf,
            graph_flow.lots,
        )
        return tuple(finding for check in checks for finding in check(self))
