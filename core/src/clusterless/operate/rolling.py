"""Lots are marked as replaceable, and where asked, what they came to is taken away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from attrs import frozen

from clusterless.engine.plan import Covered
from clusterless.engine.ranges import LotRange, runs
from clusterless.errors import WorkloadError
from clusterless.model.dataset import JoinedDataset, SinkDataset
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot
from clusterless.operate.bench import open_views, workbench
from clusterless.operate.candidates import Candidates
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.runner.opening import Workbench
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.consumption import Consumption
from clusterless.runtime.neighbours import read_neighbourhood
from clusterless.runtime.removal import Removal, readable
from clusterless.runtime.replay import roll_back_lot
from clusterless.store.manifests import Found

_AT_ONCE = 8


@frozen(kw_only=True)
class Worked:
    """The lots of an arc that came to something, that are marked already, and that are being worked."""

    lots: tuple[Lot, ...] = ()
    marked: tuple[Lot, ...] = ()
    running: tuple[Lot, ...] = ()


@frozen(kw_only=True)
class RolledBack:
    """So many *lots* were marked; of so many, *removed*, so many *objects* are gone; *held* says why others stay."""

    lots: int = 0
    removed: int = 0
    objects: int = 0
    held: tuple[str, ...] = ()


def worked(landscape: Landscape, view: ArcView, ranges: Sequence[LotRange]) -> Worked:
    """How the lots of *ranges* stand."""
    found: dict[bool | None, list[Lot]] = {True: [], False: [], None: []}
    for wanted in ranges:
        for standing in Candidates(landscape, view).worked(wanted):
            found[standing.state is ArcState.RUNNING if standing.state else None].append(standing.lot)
    return Worked(lots=tuple(found[False]), marked=tuple(found[None]), running=tuple(found[True]))


def roll_back(landscape: Landscape, view: ArcView, there: Worked, scratch: Path, *, remove: bool) -> RolledBack:
    """Mark the lots, so that their next delivery works them anew; with *remove*, take away what they came to.

    What a consumer has pinned, and is not at an end with, stays; so does what was written again since.

    Raises:
        WorkloadError: other datasets keep objects at the same place; nothing was done.
    """
    with ExitStack() as stack:
        bench = stack.enter_context(workbench(landscape, scratch, lambda: False))
        (arc,) = open_views(landscape, [view], bench, stack)
        removal = _Removal(view, arc, bench) if remove else None
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rollback") as pool:
            marked = list(pool.map(lambda lot: roll_back_lot(arc, lot, "rollback"), there.lots))
        held = [
            f"{arc.element} {lot} is being worked" for lot, done in zip(there.lots, marked, strict=True) if not done
        ]
        gone = [lot for lot, done in zip(there.lots, marked, strict=True) if done]
        if removal:
            removal.remove([*gone, *there.marked])
            return RolledBack(
                lots=len(gone), removed=removal.lots, objects=removal.objects, held=(*held, *removal.held)
            )
        return RolledBack(lots=len(gone), held=tuple(held))


class _Removal:
    """Takes away what an arc's sinks list."""

    def __init__(self, view: ArcView, arc: RunningArc, bench: Workbench) -> None:
        self._arc, self._bench = arc, bench
        roots = view.placed.roots[view.placement]
        self._around = read_neighbourhood(bench.plugins.open_store(roots.metadata), view.placement)
        self._consumption = Consumption(self._around, arc.state, arc.manifests)
        self.lots = self.objects = 0
        self.held: list[str] = []
        for sink in arc.arc.sinks.values():
            if strangers := self._around.strangers(sink):
                msg = f"the objects of dataset {sink.id} lie where those of {', '.join(strangers)} do"
                raise WorkloadError(msg, hint="give each a location of its own, or remove them by other means")

    def remove(self, lots: Sequence[Lot]) -> None:
        for sink in self._arc.arc.sinks.values():
            is_others = isinstance(sink, JoinedDataset) or self._around.is_made_of_others(sink)
            objects = None if is_others else self._bench.plugins.open_store(sink.path_uri)
            removal = Removal(sink, self._arc.manifests, objects)
            for _ in removal.remove(list(self._going(sink, lots))):
                self.lots += 1
            self.objects += removal.removed

    def _going(self, sink: SinkDataset, lots: Sequence[Lot]) -> Iterator[Sequence[Found]]:
        if not lots:
            return
        wanted, last = Covered(runs(lots)), max(lots)
        for revisions in self._arc.manifests.revisions(sink, min(lots)):
            lot, found = revisions[0].lot, readable(revisions)
            if str(lot) > str(last):
                return
            if lot not in wanted or not found:
                continue
            if why := self._consumption.at_work(sink, lot):
                self.held.append(why)
            else:
                yield found
