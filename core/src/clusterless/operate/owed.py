"""What is owed at all: after an arc's start, not before a horizon, not of another owner, and not turned off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from attrs import define, field

from clusterless.engine.graph_parts import Node
from clusterless.engine.parts import lot_of
from clusterless.engine.switches import Switches
from clusterless.errors import ObjectMissingError
from clusterless.model.dataset import Tenure
from clusterless.model.horizon import Horizon
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.operate.landscape import ArcView, BoundaryView, Landscape
from clusterless.runtime.horizon import read_horizon
from clusterless.runtime.ownership import tenure_of
from clusterless.runtime.start import read_start
from clusterless.runtime.switches import read_switches
from clusterless.store.api import ObjectStore


@define(eq=False)
class Owing:
    """Answers for one command: what is asked of a store is asked once."""

    landscape: Landscape
    _horizons: dict[Node, Horizon] = field(factory=dict, init=False)
    _switches: dict[tuple[str, Project], Switches] = field(factory=dict, init=False)

    def of(self, view: ArcView | BoundaryView) -> Owed:
        if isinstance(view, BoundaryView):
            return self._owed(view, view.boundary.name, {}, [view.node], [view.node])
        return self._owed(view, view.arc.name, _starts(view), view.sources.values(), view.sinks.values())

    def _owed(
        self,
        view: ArcView | BoundaryView,
        element: str,
        starts: Mapping[str, Lot | None] | None,
        kept: Iterable[Node],
        made: Iterable[Node],
    ) -> Owed:
        return Owed(
            element=element,
            starts=starts,
            horizons=[self.horizon(node) for node in kept],
            tenures=[self._tenure(node, view.project) for node in made],
            switches=self.switches(view.state, view.project),
        )

    def horizon(self, node: Node) -> Horizon:
        if node not in self._horizons:
            view = self.landscape.datasets.get(node)
            self._horizons[node] = read_horizon(view.manifests.store, view.dataset) if view else Horizon()
        return self._horizons[node]

    def switches(self, state: ObjectStore, project: Project) -> Switches:
        if (state.root, project) not in self._switches:
            self._switches[state.root, project] = read_switches(state, project)
        return self._switches[state.root, project]

    def _tenure(self, node: Node, project: Project) -> Tenure:
        recorded = self.landscape.surveyed.graph.recorded.get(node)
        return tenure_of(recorded.owned, project.owner) if recorded else Tenure()


@define(kw_only=True)
class Owed:
    """What one element owes: *starts* by role (None: all lots), absent where it was never run and starts now."""

    element: str
    starts: Mapping[str, Lot | None] | None
    horizons: list[Horizon]
    tenures: list[Tenure]
    switches: Switches

    @cached_property
    def is_off(self) -> bool:
        """Whether it is turned off: what arrives is kept, and nobody works it."""
        return self.switches.off(self.element) is not None

    def __contains__(self, lot: object) -> bool:
        assert isinstance(lot, Lot)
        if self.starts is None or self.is_off:
            return False
        return (
            all(after is None or after.start < lot.start for after in self.starts.values())
            and not any(horizon.hides(lot) for horizon in self.horizons)
            and all(tenure.holds(lot) for tenure in self.tenures)
            and not self.switches.skips(self.element, lot)
        )


def _starts(view: ArcView) -> Mapping[str, Lot | None] | None:
    try:
        return read_start(view.state, view.keys)
    except ObjectMissingError:
        declared = {role: source.start for role, source in view.reader.subscribed}
        return None if "now" in declared.values() else {role: _before(view, text) for role, text in declared.items()}


def _before(view: ArcView, start: str) -> Lot | None:
    return None if start == "all" else lot_of(view.arc, Lot.parse(start)).previous
