"""How the lots stand that were listed: read is what the listings leave open, a few entries at a time."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial
from itertools import chain, takewhile
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
from clusterless.operate.ahead import asked, at_a_time
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView, Landscape
from clusterless.operate.listing import Names, lot_named, texts_in
from clusterless.operate.owed import Owed, Owing
from clusterless.operate.recorded import Glimpse, glimpse_of, read_ledger, readable_of, shown_of
from clusterless.operate.status.subjects import View, shelf_of
from clusterless.runtime.cron import ticks_of
from clusterless.runtime.intake import waiting_in

_log = logging.getLogger(__name__)

_UNSEEN = Glimpse()
_NONE: Mapping[str, int] = {}

M = TypeVar("M")

_Opened = tuple[str, Glimpse, Mapping[str, int]]
"""A lot whose entries are to be read, what a listing shows of its ledger, and the newest revisions of its parts."""

Lots = Mapping[Standing, Sequence[str]]
"""The texts of lots, in order, by how these stand: there are many, and most stand alike."""


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

    def of(self, listed: Mapping[str, Mapping[str, Names]]) -> Standings:
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
    """One stretch of lots, as it was *listed*.

    What is done for each lot is little: lots of which the same is listed are judged together.
    """

    judge: Judge
    listed: Mapping[str, Mapping[str, Names]]
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
        maker = self.judge.landscape.maker_of(view.node)
        made = self.within(maker, wanted) if maker else {}
        if isinstance(maker, BoundaryView):
            return made
        shown, found = self._of(view, wanted), _Found()
        known = set[str]().union(*made.values())
        others = [text for text in shown if text not in known]
        for standing, texts in ((None, others), *made.items()):
            for names, alike in _alike(map(shown.get, texts), texts):
                found.add(dataset_standing(_state(names), standing), alike)
        return found.lots()

    def _of(self, view: ArcView | DatasetView, wanted: LotRange) -> Mapping[str, Names]:
        """What is listed of the *wanted* lots."""
        return _clipped(self.listed.get(shelf_of(view).key, {}), wanted)

    # ---- boundaries ----

    def _boundary(self, view: BoundaryView, wanted: LotRange) -> Lots:
        dataset = self.judge.landscape.datasets.get(view.node)
        looked, booking, owed = self.judge.looked(view), view.boundary.booking, self.judge.owed(view)
        there, found = set[str](), _Found()
        shown = self._of(dataset, wanted) if dataset else {}
        for names, alike in _alike(shown.values(), shown):
            if state := _state(names):
                found.add(dataset_standing(state, None), alike)
                there.update(alike)
        regular = self._regular(booking, looked, wanted)
        for text in dict.fromkeys((*map(str, looked.waiting), *regular)):
            if text not in there and (lot := lot_named(text)) in wanted and lot in owed:
                is_regular = text in regular
                found.add(boundary_standing(booking, lot, None, looked, self.judge.now, is_regular=is_regular), [text])
        return found.lots()

    def _regular(self, booking: Booking, looked: Looked, wanted: LotRange) -> AbstractSet[str]:
        """The lots that are committed whether or not anything arrives, as far as they have begun."""
        first = max(looked.first or wanted.first, wanted.first)
        last = min(wanted.last, Lot.containing(self.judge.now, wanted.last.unit))
        if looked.through is None or last < first:
            return frozenset()
        if booking.schedule and booking.schedule.cron:
            ticks = ticks_of(booking.schedule).after(first.previous)
            return {str(tick.lot) for tick in takewhile(lambda tick: tick.lot <= last, ticks)}
        return texts_in(LotRange(first, last)) if booking.arrival is EventArrival.FREQUENT else frozenset()

    # ---- arcs ----

    def _arc(self, view: ArcView, wanted: LotRange) -> Lots:
        finals = {state: arc_standing(view.arc, ArcLot(final=state), self.judge.now) for state in ArcState}
        found, opened = _Found(), list[_Opened]()
        for names, revisions, texts in self._worked(view, wanted):
            seen = glimpse_of(names) if names else _UNSEEN
            if must_read(view.arc, seen.picture.last, seen.final, revisions):
                opened += [(text, seen, revisions) for text in texts]
            elif seen.final:
                found.add(finals[seen.final], texts)
            else:
                for text in texts:
                    found.add(self._unclaimed(view, lot_named(text), revisions), [text])
        for (text, *_), standing in asked(partial(self._read, view), opened, at_a_time(view.state)):
            found.add(standing, [text])
        return found.lots()

    def _worked(
        self, view: ArcView, wanted: LotRange
    ) -> Iterator[tuple[Names | None, Mapping[str, int], Sequence[str]]]:
        """Lots of which the same is listed: of their ledgers, and as newest revisions of the parts that are there."""
        ledgers = self._of(view, wanted)
        if view.arc.lot_unit:
            parts = self._parts(view, wanted)
            yield from (
                (ledgers.get(text), parts.get(text, _NONE), [text]) for text in (dict.fromkeys((*ledgers, *parts)))
            )
            return
        heard = {role: self._of(dataset, wanted) for role, dataset in _heard(self.judge.landscape, view)}
        texts = list(dict.fromkeys(chain(ledgers, *heard.values())))
        columns = (map(names.get, texts) for names in (ledgers, *heard.values()))
        for (own, *others), alike in _alike(zip(*columns, strict=True), texts):
            shown = ((role, readable_of(names)) for role, names in zip(heard, others, strict=True))
            yield own, {role: each.revision for role, each in shown if each}, alike

    def _parts(self, view: ArcView, wanted: LotRange) -> Mapping[str, Mapping[str, int]]:
        """The newest revisions of the parts that are there, by lot of the arc: each is made of several."""
        parts: dict[str, dict[str, int]] = {}
        for role, dataset in _heard(self.judge.landscape, view):
            for text, names in self.listed.get(shelf_of(dataset).key, {}).items():
                lot, shown = lot_named(text), readable_of(names)
                if shown and (own := lot_of(view.arc, lot)) in wanted:
                    parts.setdefault(str(own), {})[part_of(view.arc, role, lot)] = shown.revision
        return parts

    def _unclaimed(self, view: ArcView, lot: Lot, revisions: Mapping[str, int]) -> Standing | None:
        since = self._since(view, lot, revisions) if must_date(view.arc, 0, revisions) else None
        known = ArcLot(revisions=revisions, since=since)
        standing = arc_standing(view.arc, known, self.judge.now)
        return standing if standing and lot in self.judge.owed(view) else None

    def _read(self, view: ArcView, opened: _Opened) -> Standing | None:
        text, seen, revisions = opened
        try:
            ledger = read_ledger(view.ledger(lot_named(text)), seen.picture)
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


@define
class _Found:
    """Lots, as they come, by how they stand."""

    _texts: dict[Standing, list[str]] = field(factory=dict, init=False)

    def add(self, standing: Standing | None, texts: Iterable[str]) -> None:
        """Nothing is said of lots that stand nohow."""
        if standing:
            self._texts.setdefault(standing, []).extend(texts)

    def lots(self) -> Lots:
        return {standing: sorted(self._texts[standing]) for standing in Standing if standing in self._texts}


def _alike(marks: Iterable[M], texts: Iterable[str]) -> Iterable[tuple[M, list[str]]]:
    """Those of *texts* that the same mark was set against, together."""
    found: defaultdict[M, list[str]] = defaultdict(list)
    for mark, text in zip(marks, texts, strict=True):
        found[mark].append(text)
    return found.items()


def _clipped(listed: Mapping[str, Names], wanted: LotRange) -> Mapping[str, Names]:
    """What is *listed* of those that are *wanted*: most often all are."""
    texts = texts_in(wanted)
    return listed if texts.issuperset(listed) else {text: each for text, each in listed.items() if text in texts}


def _state(names: Names | None) -> ManifestState | None:
    shown = shown_of(names) if names else None
    return shown.state if shown else None


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
