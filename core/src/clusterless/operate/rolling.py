"""Lots are marked as replaceable, and where asked, what they came to is taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from attrs import frozen

from clusterless.engine.plan import Covered
from clusterless.engine.ranges import LotRange, runs
from clusterless.errors import WorkloadError
from clusterless.model.dataset import JoinedDataset, SinkDataset
from clusterless.model.ledger import ArcState, Claim, Entry, Rollback
from clusterless.model.lot import Lot
from clusterless.model.manifest import UriType
from clusterless.operate.bench import open_views, workbench
from clusterless.operate.candidates import Candidates, is_over
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.arc import roll_back as roll_back_entry
from clusterless.runtime.consumption import Consumption
from clusterless.runtime.neighbours import read_neighbourhood
from clusterless.runtime.removal import Removal, readable
from clusterless.runtime.replay import roll_back_lot
from clusterless.store.ledger import LotLedger
from clusterless.store.manifests import Found, Manifests

_AT_ONCE = 8


@frozen(kw_only=True)
class Worked:
    """The lots of an arc that came to something, that are marked already, and that are being worked."""

    lots: tuple[Lot, ...] = ()
    marked: tuple[Lot, ...] = ()
    running: tuple[Lot, ...] = ()


@frozen(kw_only=True)
class Weight:
    """What lots came to, or that of them which can go: so many *lots* of sinks, *objects* and their *bytes*."""

    lots: int = 0
    objects: int = 0
    bytes: int = 0


@frozen(kw_only=True)
class RolledBack:
    """So many *lots* were marked; *gone* is what was taken away; *held* says why others stay.

    *is_whole*: it was not stopped on the way. What is marked, or gone, is so for good: the same again goes on.
    """

    lots: int = 0
    gone: Weight = Weight()
    held: tuple[str, ...] = ()
    is_whole: bool = True


def worked(landscape: Landscape, view: ArcView, ranges: Sequence[LotRange]) -> Worked:
    """How the lots of *ranges* stand."""
    found: dict[bool | None, list[Lot]] = {True: [], False: [], None: []}
    for wanted in ranges:
        for standing in Candidates(landscape, view).worked(wanted):
            found[standing.state is ArcState.RUNNING if standing.state else None].append(standing.lot)
    return Worked(lots=tuple(found[False]), marked=tuple(found[None]), running=tuple(found[True]))


def weigh(landscape: Landscape, view: ArcView, there: Worked, step: Callable[[float], None]) -> Weight:
    """What would be gone, as things are now, were the lots rolled back and removed.

    Raises:
        WorkloadError: other datasets keep objects at the same place.
    """
    removal = _Removal(landscape, view)
    removal.weigh([*there.lots, *there.marked], step)
    return removal.done


def roll_back(
    landscape: Landscape, view: ArcView, there: Worked, scratch: Path, stopping: Callable[[], bool], *, remove: bool
) -> RolledBack:
    """Mark the lots, so that their next delivery works them anew; with *remove*, take away what they came to.

    What a consumer has pinned, and is not at an end with, stays; so does what was written again since. Once
    *stopping* is true no further lot is begun.

    Raises:
        WorkloadError: other datasets keep objects at the same place; nothing was done.
    """
    removal = _Removal(landscape, view) if remove else None
    with ExitStack() as stack:
        bench = stack.enter_context(workbench(landscape, scratch, lambda: False))
        (arc,) = open_views(landscape, [view], bench, stack)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rollback") as pool:
            marks = pool.map(lambda lot: None if stopping() else roll_back_lot(arc, lot, "rollback"), there.lots)
            marked = dict(zip(there.lots, marks, strict=True))
        held = [f"{arc.element} {lot} is being worked" for lot, done in marked.items() if done is False]
        going = [lot for lot, done in marked.items() if done]
        is_whole = None not in marked.values()
        if removal and is_whole:
            is_whole = removal.remove(arc, [*going, *there.marked], stopping)
            held += removal.held
    return RolledBack(lots=len(going), gone=removal.done if removal else Weight(), held=tuple(held), is_whole=is_whole)


class _Removal:
    """Takes away what an arc's sinks list, or counts it."""

    def __init__(self, landscape: Landscape, view: ArcView) -> None:
        self._landscape, self._view = landscape, view
        roots = view.placed.roots[view.placement]
        self._manifests = Manifests(landscape.plugins.open_store(roots.manifest))
        self._around = read_neighbourhood(landscape.plugins.open_store(roots.metadata), view.placement)
        self._consumption = Consumption(self._around, view.state, self._manifests)
        self.done = Weight()
        self.held: list[str] = []
        for sink in view.arc.sinks.values():
            if strangers := self._around.strangers(sink):
                msg = f"the objects of dataset {sink.id} lie where those of {', '.join(strangers)} do"
                raise WorkloadError(msg, hint="give each a location of its own, or remove them by other means")

    def remove(self, arc: RunningArc, lots: Sequence[Lot], stopping: Callable[[], bool]) -> bool:
        """Whether all was gone through before it was to be *stopping*."""
        for sink in self._view.arc.sinks.values():
            removal = self._of(sink)
            going = list(self._rolled_back(self._going(sink, lots)))
            steps = 0
            for steps, _ in enumerate(removal.remove(going, partial(self._holding, arc)), 1):  # noqa: B007  it is counted
                if stopping():
                    break
            self._note(removal)
            if steps < len(going):
                return False
        return True

    @contextmanager
    def _holding(self, arc: RunningArc, lot: Lot) -> Iterator[bool]:
        """Claim a lot that is rolled back, lest somebody writes what is being removed, and give it back."""
        ledger = arc.ledger(lot)
        number, last = _last(ledger)
        is_free = isinstance(last, Rollback) or (isinstance(last, Claim) and is_over(ledger, last))
        claim = _claim(arc, last.revision) if is_free and isinstance(last, Rollback | Claim) else None
        if claim is None or not ledger.append(number + 1, claim):
            self.held.append(f"lot {lot} is being worked, or was since it was rolled back")
            yield False
            return
        with arc.hold(ledger, claim, arc.arc.lease_sec):
            try:
                yield True
            finally:
                ledger.append(number + 2, roll_back_entry(arc, claim.revision, "rollback"))

    def weigh(self, lots: Sequence[Lot], step: Callable[[float], None]) -> None:
        sinks = self._view.arc.sinks.values()
        for number, sink in enumerate(sinks):
            removal = self._of(sink)
            going = list(self._going(sink, lots))
            for count, _ in enumerate(removal.weigh(going), 1):
                step((number + count / len(going)) / len(sinks))
            self._note(removal)

    def _rolled_back(self, going: Iterator[Sequence[Found]]) -> Iterator[Sequence[Found]]:
        """Of each lot what came before its mark, unless it came to something since.

        The ledger is read after manifests were listed: what is claimed by then, or later, comes to a revision that is
        none of them.
        """
        for found in going:
            ledger = self._view.ledger(found[0].lot)
            _, last = _last(ledger)
            if not isinstance(last, Rollback | Claim):
                self.held.append(f"lot {ledger.lot} was worked again since it was rolled back")
            elif before := [each for each in found if each.revision < last.revision]:
                yield before

    def _note(self, removal: Removal) -> None:
        done = self.done
        self.done = Weight(
            lots=done.lots + removal.lots, objects=done.objects + removal.removed, bytes=done.bytes + removal.bytes
        )

    def _of(self, sink: SinkDataset) -> Removal:
        is_others = isinstance(sink, JoinedDataset) or self._around.is_made_of_others(sink)
        objects = None if is_others else self._landscape.plugins.open_store(sink.path_uri)
        return Removal(sink, self._manifests, objects)

    def _going(self, sink: SinkDataset, lots: Sequence[Lot]) -> Iterator[Sequence[Found]]:
        if not lots:
            return
        wanted, last = Covered(runs(lots)), max(lots)
        for revisions in self._manifests.revisions(sink, min(lots)):
            lot, found = revisions[0].lot, readable(revisions)
            if str(lot) > str(last):
                return
            if lot not in wanted or not found:
                continue
            if why := self._consumption.at_work(sink, lot):
                self.held.append(why)
            elif any(self._manifests.read(each).uri_type is not UriType.IDENTIFIER for each in found):
                self.held.append(f"lot {lot} lists folders, not objects: remove these by other means")
            else:
                yield found


def _last(ledger: LotLedger) -> tuple[int, Entry | None]:
    number = ledger.look().last
    return number, ledger.read(number) if number else None


def _claim(arc: RunningArc, revision: int) -> Claim:
    """One that is no attempt at the lot: who claims it after this one died has all attempts."""
    now = arc.now()
    return Claim(
        put_id=arc.writer.new_id(),
        at=now,
        by=arc.writer.by,
        attempt=arc.new_attempt(revision, 0),
        revision=revision,
        sources={},
        expires=now + timedelta(seconds=arc.arc.lease_sec),
    )
