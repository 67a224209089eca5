"""How the lots stand that were listed: read is what the listings leave open, a few entries at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import TypeVar

from attrs import define, field

from clusterless.engine.lot_states import Ledger
from clusterless.engine.parts import heard, lot_of, part_of
from clusterless.engine.ranges import LotRange
from clusterless.engine.sources import waits_since
from clusterless.engine.standing import (
    ArcLot,
    Looked,
    Standing,
    arc_standing,
    boundary_standing,
    dataset_standing,
    must_date,
    must_read,
)
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.boundary import Booking, EventArrival
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.operate.ahead import ahead, at_a_time
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView, Landscape
from clusterless.operate.listing import Listed
from clusterless.operate.owed import Owed, Owing
from clusterless.operate.recorded import Glimpse, Shown, glimpse_of, read_ledger, shown_of
from clusterless.operate.status.subjects import View, shelf_of
from clusterless.runtime.cron import ticks_of
from clusterless.runtime.intake import waiting_in

_log = logging.getLogger(__name__)

_READABLE = frozenset(state for state in ManifestState if state.is_readable)
_UNSEEN = Glimpse()
_NONE: Mapping[str, int] = {}

V = TypeVar("V")

Lots = Mapping[Lot, Standing]


@define(eq=False)
class Judge:
    """Judges by the time *now*; what is asked of a store beside lots is asked once."""

    landscape: Landscape
    now: datetime
    _owing: Owing = field(init=False)
    _owed: dict[str, Owed] = field(factory=dict, init=False)
    _looked: dict[str, Looked] = field(factory=dict, init=False)
    _warned: dict[str, MalformedError] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._owing = Owing(self.landscape)

    def of(self, listed: Mapping[str, Sequence[Listed]]) -> Standings:
        """How lots stand by what was *listed* of their shelves."""
        return Standings(self, listed)

    def owed(self, view: ArcView | BoundaryView) -> Owed:
        key = view.state.root + view.keys.path
        if key not in self._owed:
            self._owed[key] = self._owing.of(view)
        return self._owed[key]

    def warn(self, view: ArcView, error: MalformedError) -> None:
        """Say of an arc once that entries cannot be read: there may be as many as lots."""
        is_first = self._warned.setdefault(view.keys.path, error) is error  # several threads read
        level = logging.WARNING if is_first else logging.INFO
        _log.log(level, "lots whose entries cannot be read count as late, such as %s", error.problem)

    def looked(self, boundary: BoundaryView) -> Looked:
        key = boundary.state.root + boundary.keys.path
        if key not in self._looked:
            self._looked[key] = _looked(boundary)
        return self._looked[key]


@define(eq=False)
class Standings:
    """One stretch of lots, as it was *listed*."""

    judge: Judge
    listed: Mapping[str, Sequence[Listed]]
    _shown: dict[str, dict[Lot, Shown]] = field(factory=dict, init=False)
    _judged: dict[tuple[str, LotRange], Lots] = field(factory=dict, init=False)

    def within(self, view: View, wanted: LotRange) -> Lots:
        """The *wanted* lots that there is something to say of."""
        if isinstance(view, DatasetView):
            return self._dataset(view, wanted)
        key = view.state.root + view.keys.path, wanted
        if key not in self._judged:
            self._judged[key] = self._arc(view, wanted) if isinstance(view, ArcView) else self._boundary(view, wanted)
        return self._judged[key]

    def _dataset(self, view: DatasetView, wanted: LotRange) -> Lots:
        shown = self._of(view)
        maker = self.judge.landscape.maker_of(view.node)
        made = self.within(maker, wanted) if maker else {}
        if isinstance(maker, BoundaryView):
            return made
        shown = _clipped(shown, wanted)
        lots = dict.fromkeys((*shown, *made))
        judged = ((lot, dataset_standing(shown[lot].state if lot in shown else None, made.get(lot))) for lot in lots)
        return {lot: standing for lot, standing in judged if standing}

    def _of(self, view: DatasetView) -> dict[Lot, Shown]:
        key = shelf_of(view).key
        if key not in self._shown:
            pairs = ((each.lot, shown_of(each.names)) for each in self.listed.get(key, ()))
            self._shown[key] = {lot: shown for lot, shown in pairs if shown}
        return self._shown[key]

    # ---- boundaries ----

    def _boundary(self, view: BoundaryView, wanted: LotRange) -> Lots:
        dataset = self.judge.landscape.datasets.get(view.node)
        shown = _clipped(self._of(dataset), wanted) if dataset else {}
        looked, booking, owed = self.judge.looked(view), view.boundary.booking, self.judge.owed(view)
        regular = set(self._regular(booking, looked, wanted))
        judged: dict[Lot, Standing] = {}
        for lot in dict.fromkeys((*shown, *looked.waiting, *regular)):
            state = shown[lot].state if lot in shown else None
            if state or (lot in wanted and lot in owed):
                is_regular = lot in regular
                standing = boundary_standing(booking, lot, state, looked, self.judge.now, is_regular=is_regular)
                if standing:
                    judged[lot] = standing
        return judged

    def _regular(self, booking: Booking, looked: Looked, wanted: LotRange) -> Iterator[Lot]:
        """The lots that are committed whether or not anything arrives, as far as they have begun."""
        first = max(looked.first or wanted.first, wanted.first)
        last = min(wanted.last, Lot.containing(self.judge.now, wanted.last.unit))
        if looked.through is None or last < first:
            return
        if booking.schedule and booking.schedule.cron:
            ticks = ticks_of(booking.schedule).after(first.previous)
            yield from (tick.lot for tick in takewhile(lambda tick: tick.lot <= last, ticks))
        elif booking.arrival is EventArrival.FREQUENT:
            yield from LotRange(first, last)

    # ---- arcs ----

    def _arc(self, view: ArcView, wanted: LotRange) -> Lots:
        glimpses = {each.lot: glimpse_of(each.names) for each in self.listed.get(shelf_of(view).key, ())}
        parts = self._parts(view, wanted)
        finals = {state: arc_standing(view.arc, ArcLot(final=state), self.judge.now) for state in ArcState}
        judged: dict[Lot, Standing] = {}
        opened = []
        for lot in dict.fromkeys((*glimpses, *parts)):
            seen, revisions = glimpses.get(lot, _UNSEEN), parts.get(lot, _NONE)
            if must_read(view.arc, seen.picture.last, seen.final, revisions):
                opened.append((lot, seen, revisions))
            elif standing := finals[seen.final] if seen.final else self._unclaimed(view, lot, revisions):
                judged[lot] = standing
        read = ahead((partial(self._read, view, *each) for each in opened), at_a_time(view.state))
        judged.update((lot, standing) for (lot, *_), standing in zip(opened, read, strict=True) if standing)
        return judged

    def _parts(self, view: ArcView, wanted: LotRange) -> Mapping[Lot, Mapping[str, int]]:
        """The newest revisions of the parts that are there, by lot of the arc."""
        parts: dict[Lot, dict[str, int]] = {}
        for role, dataset in _heard(self.judge.landscape, view):
            shown = self._of(dataset)
            if view.arc.lot_unit is None:
                alone: dict[int, dict[str, int]] = {}  # most lots look alike, and share what is said of them
                for lot, each in _clipped(shown, wanted).items():
                    if each.state in _READABLE:
                        one = alone.setdefault(each.revision, {role: each.revision})
                        parts[lot] = {**parts[lot], **one} if lot in parts else one
                continue
            for lot, each in shown.items():
                if each.state in _READABLE and (own := lot_of(view.arc, lot)) in wanted:
                    parts.setdefault(own, {})[part_of(view.arc, role, lot)] = each.revision
        return parts

    def _unclaimed(self, view: ArcView, lot: Lot, revisions: Mapping[str, int]) -> Standing | None:
        since = self._since(view, lot, revisions) if must_date(view.arc, 0, revisions) else None
        known = ArcLot(revisions=revisions, since=since)
        standing = arc_standing(view.arc, known, self.judge.now)
        return standing if standing and lot in self.judge.owed(view) else None

    def _read(self, view: ArcView, lot: Lot, seen: Glimpse, revisions: Mapping[str, int]) -> Standing | None:
        try:
            ledger = read_ledger(view.ledger(lot), seen.picture)
        except MalformedError as error:
            self.judge.warn(view, error)
            return Standing.LATE
        except ObjectMissingError:
            ledger = Ledger()  # removed since it was listed
        known = ArcLot(final=seen.final, ledger=ledger, revisions=revisions)
        return arc_standing(view.arc, known, self.judge.now)

    def _since(self, view: ArcView, lot: Lot, revisions: Mapping[str, int]) -> datetime | None:
        """From when on its deadline counts: of the few lots that wait for one, manifests are looked up."""
        there = set(heard(view.arc, revisions))
        times = []
        for role, dataset in _heard(self.judge.landscape, view):
            if view.arc.lot_unit:
                found = dataset.manifests.within(dataset.dataset, lot)
            else:
                found = filter(None, [dataset.manifests.newest(dataset.dataset, lot)])
            times += [each.time for each in found if part_of(view.arc, role, each.lot) in there]
        return waits_since(view.arc, lot, min(times, default=None))


def _clipped(lots: dict[Lot, V], wanted: LotRange) -> dict[Lot, V]:
    """Those of *lots*, which are in order, that are *wanted*: most often all are."""
    if not lots or (next(iter(lots)) in wanted and next(reversed(lots)) in wanted):
        return lots
    return {lot: each for lot, each in lots.items() if lot in wanted}


def _heard(landscape: Landscape, arc: ArcView) -> Iterator[tuple[str, DatasetView]]:
    for role, _ in arc.reader.subscribed:
        if view := landscape.datasets.get(arc.sources[role]):
            yield role, view


def _looked(boundary: BoundaryView) -> Looked:
    """By a short list of its seals, the first and the last of them, and one list of its intake."""
    unit = boundary.boundary.booking.unit
    waiting: dict[Lot, datetime] = {}
    for batch in waiting_in(boundary.state, boundary.keys, unit):
        waiting[batch.lot] = max(batch.time, waiting.get(batch.lot, batch.time))
    try:
        number = boundary.seals.end()
        through = boundary.seals.read(number).through if number else None
        return Looked(first=_first(boundary) if number else None, through=through, waiting=waiting)
    except MalformedError as error:
        _log.warning("nobody can say how far %s has looked: %s", boundary.name, error.problem)
        return Looked(waiting=waiting)


def _first(boundary: BoundaryView) -> Lot | None:
    try:
        seal = boundary.seals.read(1)
    except ObjectMissingError:
        return None
    lots = [sealed.lot for sealed in seal.lots]
    return min(lots) if lots else seal.through and seal.through.next
