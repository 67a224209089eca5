"""``cls:core:copyArc``: the objects of a lot to every sink, from any store to any store."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from clusterless.builtin.arcs import CopyArc
from clusterless.builtin.copying import Copying, Threads, plan
from clusterless.errors import WorkloadError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import SinkResult, Surroundings, Work, WorkResult


class CopyWorkload:
    """Plans the whole lot first, so that nothing is copied of one that cannot be."""

    def __init__(self, arc: CopyArc, surroundings: Surroundings) -> None:
        self._props = arc.workload.workload_props
        self._open_store = surroundings.open_store
        self._threads = Threads(self._props.parallel)

    def run(self, work: Work) -> WorkResult:
        """Copy what the filter keeps and earlier attempts did not.

        The result is partial where some failed, as many as may, or where more did or the attempt was
        stopped after something was copied.

        Raises:
            WorkloadError: nothing was copied, since too many failed, access was refused, or the attempt
                was stopped; two objects would get one key; or a manifest lists what is not of its dataset.
        """
        tally = plan(work, self._props.filter, self._props.rename)
        allowed = ceil(len(tally) * Fraction(str(self._props.fail_arc_on_partial_percent)))
        copies = {
            role: Copying(label=f"sink '{role}'", root=sink.dataset.path_uri, tally=tally, allowed=allowed)
            for role, sink in work.sinks.items()
        }
        for role, copy in copies.items():
            copy.skip(work.sinks[role].earlier)
        for copy in copies.values():
            if not any(each.is_given_up for each in copies.values()):
                copy.run(work, self._open_store, self._threads)
        problem = "; ".join(copy.problem for copy in copies.values() if copy.problem)
        if any(copy.is_given_up for copy in copies.values()) and not any(copy.done for copy in copies.values()):
            raise WorkloadError(problem, hint=next((copy.hint for copy in copies.values() if copy.hint), ""))
        return WorkResult(sinks={role: _result(copy, work.lot) for role, copy in copies.items()}, problem=problem)

    def close(self) -> None:
        self._threads.close()


def _result(copy: Copying, lot: Lot) -> SinkResult:
    if len(copy.tally) == 0:
        return SinkResult(manifest=Manifest(state=ManifestState.EMPTY, lot=lot), bytes=0)
    state = ManifestState.PARTIAL if copy.problem else ManifestState.COMPLETE
    return SinkResult(manifest=Manifest(state=state, comment=copy.problem or None, lot=lot, uris=copy.uris))
