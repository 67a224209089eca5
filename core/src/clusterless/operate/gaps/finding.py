"""What should be there and is not: found by listing, and explained by walking upstream.

Some days are looked at at a time, of all datasets together: what is missing of one is asked of its sources, then each
missing lot gets its reason, upstream first. So nothing is listed twice, and memory holds some days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from attrs import define, evolve, field, frozen

from clusterless.engine.gaps import (
    Cause,
    Part,
    Reason,
    Worked,
    collapsed,
    needs_parts,
    why_not_booked,
    why_not_worked,
)
from clusterless.engine.lot_states import Ledger
from clusterless.engine.ranges import LotRange, ordinal
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot, LotUnit
from clusterless.operate.gaps.facts import Facts, Names, names_of
from clusterless.operate.landscape import ArcView, BoundaryView, Landscape
from clusterless.operate.listing import days_of, list_shards
from clusterless.operate.things import Thing, Things, parts_of
from clusterless.store.ledger import picture


@frozen
class Gap:
    """Lots of a thing that are not there, and the first one's *reason*, which is equal for all.

    No reason where none was asked for; what retention has removed is then left out.
    """

    thing: Thing
    lots: LotRange
    reason: Reason | None

    @property
    def is_gap(self) -> bool:
        return self.reason is None or self.reason.cause.is_gap


@frozen(kw_only=True)
class Search:
    """Which lots are looked for: *window* gives them for each unit.

    *why*: causes are asked for; without, what should be there is found by the manifests alone. *step* is called
    with how much of the range has been looked at, from 0 to 1.
    """

    window: Callable[[LotUnit], LotRange]
    now: datetime
    why: bool = True
    step: Callable[[float], None] = lambda _: None


def find_gaps(landscape: Landscape, names: Sequence[str], search: Search) -> Iterator[Gap]:
    """What is missing of the datasets that *names* say (none: all), thing by thing, in order of lot.

    What retention has removed is among it, with that cause. Causes hold for the moment that they were looked at.

    Raises:
        InvalidValueError: there is no dataset of one of the names.
    """
    things = Things(landscape)
    yield from find_gaps_of(things, things.chosen(names), search)


def find_gaps_of(things: Things, wanted: Sequence[Thing], search: Search) -> Iterator[Gap]:
    """As `find_gaps`, of the things *wanted*."""
    ranges = {thing: search.window(thing.unit) for thing in wanted if thing.unit}
    if not ranges:
        return
    found: dict[Thing, list[_Range]] = {thing: [] for thing in ranges}
    facts = Facts(things.landscape)
    for days in _chunks(ranges, search.step):
        for thing, missing in _Days(things, facts, search, days).missing().items():
            _extend(found[thing], missing)
    for thing, gaps in found.items():
        yield from (Gap(thing, lots, reason) for lots, reason in gaps)


_Range = tuple[LotRange, Reason | None]


def _extend(gaps: list[_Range], missing: Iterable[tuple[Lot, Reason | None]]) -> None:
    """Add what is *missing*, the first of it to the last range where it goes on."""
    for lots, reason in collapsed(missing):
        if gaps and gaps[-1][1] == reason and gaps[-1][0].last.next == lots.first:
            gaps[-1] = (LotRange(gaps[-1][0].first, lots.last), gaps[-1][1])
        else:
            gaps.append((lots, reason))


# ---- some days at a time ---------------------------------------------------------------------------------------


@frozen
class _Chunk:
    """Some days: the lots *wanted* of each thing, and what is listed of them."""

    wanted: Mapping[Thing, LotRange]
    listed: Mapping[Thing, Names]


def _chunks(ranges: Mapping[Thing, LotRange], step: Callable[[float], None]) -> Iterator[_Chunk]:
    first = min(wanted.first.day for wanted in ranges.values())
    last = max(wanted.last.day for wanted in ranges.values())
    days = timedelta(days=min(days_of(wanted, thing.store) for thing, wanted in ranges.items()))
    parts = [_clipped(ranges, first + number * days, days) for number in range((last - first) // days + 1)]
    listings = list_shards([(thing.store, thing.path, lots) for part in parts for thing, lots in part.items()])
    for number, part in enumerate(parts, start=1):
        yield _Chunk(part, {thing: names_of(next(listings)) for thing in part})
        step(number / len(parts))


def _clipped(ranges: Mapping[Thing, LotRange], day: date, days: timedelta) -> dict[Thing, LotRange]:
    clipped = {}
    start = datetime.combine(day, time(), UTC)
    for thing, wanted in ranges.items():
        unit = wanted.first.unit
        first = max(Lot.containing(start, unit), wanted.first)
        last = min(Lot.containing(start + days, unit).previous, wanted.last)
        if first <= last:
            clipped[thing] = LotRange(first, last)
    return clipped


@lru_cache(maxsize=2)  # most things have lots of one unit
def _each(lots: LotRange) -> tuple[Lot, ...]:
    return tuple(lots)


@define(eq=False)
class _Days:
    """What is missing in some days, and why."""

    things: Things
    facts: Facts
    search: Search
    chunk: _Chunk
    _absent: dict[Thing, list[Lot]] = field(factory=dict)
    _asked: dict[Thing, set[Lot]] = field(factory=lambda: defaultdict(set))
    _removed: dict[Thing, set[Lot]] = field(factory=dict)
    _ledgers: dict[Thing, Mapping[Lot, Ledger | str]] = field(factory=dict)
    _reasons: dict[Thing, dict[Lot, Reason | None]] = field(factory=dict)

    def missing(self) -> dict[Thing, list[tuple[Lot, Reason | None]]]:
        order = list(self.things.all)
        for thing in reversed(order):
            self._look(thing)
        for thing in order:
            if thing in self._absent:
                self._reasons[thing] = {lot: self._reason(thing, lot) for lot in self._absent[thing]}
        return {thing: list(self._due(thing, lots)) for thing, lots in self.chunk.wanted.items()}

    def _due(self, thing: Thing, lots: LotRange) -> Iterator[tuple[Lot, Reason | None]]:
        why = self.search.why
        for lot, reason in self._reasons.get(thing, {}).items():
            if reason and lot in lots and (why or reason.cause.is_gap):
                yield lot, reason if why else None

    # ---- looking, downstream first ----

    def _look(self, thing: Thing) -> None:
        wanted, names = self.chunk.wanted.get(thing), self.chunk.listed.get(thing, {})
        lots: Sequence[Lot] = _each(wanted) if wanted else ()
        if further := [lot for lot in self._asked.get(thing, ()) if wanted is None or lot not in wanted]:
            further.sort(key=ordinal)
            names = {**names, **self.facts.listed(thing.store, thing.path, further)}
            lots = sorted((*lots, *further), key=ordinal)
        is_there = _has_manifest if thing.is_dataset else _is_complete
        absent = [lot for lot in lots if not is_there(names.get(lot, ()))]
        if not absent:
            return
        self._absent[thing] = absent
        self._removed[thing] = {lot for lot in absent if _is_removed(names.get(lot, ()))}
        if isinstance(thing.maker, ArcView):
            self._look_upstream(thing, thing.maker, names)

    def _look_upstream(self, thing: Thing, arc: ArcView, names: Names) -> None:
        hides = self.facts.horizon(thing).hides
        absent = [lot for lot in self._absent[thing] if not (lot in self._removed[thing] and hides(lot))]
        # Of what was removed only its ledger says by whom, and so whether it is missed.
        read = absent if self.search.why else [lot for lot in absent if lot in self._removed[thing]]
        ledgers = self.facts.ledgers(arc, read, names if not thing.is_dataset else None)
        self._ledgers[thing] = ledgers
        for lot in absent:
            ledger = ledgers.get(lot, Ledger())
            if isinstance(ledger, Ledger) and needs_parts(ledger):
                for _, source, each in self._parts(thing, arc, lot):
                    self._asked[source].add(each)

    def _parts(self, thing: Thing, arc: ArcView, lot: Lot) -> Iterator[tuple[str, Thing, Lot]]:
        return parts_of(self.things.needed_by(thing).items(), lot, arc.arc.lot_unit)

    # ---- deciding, upstream first ----

    def _reason(self, thing: Thing, lot: Lot) -> Reason | None:
        if text := self._given_up(thing, lot):
            return Reason(cause=Cause.REMOVED, element=thing.element, lot=lot, text=text, kind=text)
        now = self.search.now
        if isinstance(thing.maker, BoundaryView):
            seen = self.facts.booked(thing.maker)
            return why_not_booked(evolve(seen, disabled=self.facts.disabled(thing.maker, lot)), lot, now)
        if isinstance(thing.maker, ArcView):
            return why_not_worked(self._worked(thing, thing.maker, lot), lot, now)
        if now < lot.end:
            return None
        if thing.is_excluded:
            text = "whoever makes it is excluded where it is declared"
            return Reason(cause=Cause.DISABLED, element=thing.element, lot=lot, text=text)
        return Reason(cause=Cause.NOT_DEPLOYED, element=thing.element, lot=lot, text="nobody known here makes it")

    def _given_up(self, thing: Thing, lot: Lot) -> str:
        """What retention did; a rollback removes too, and has the lot worked anew."""
        horizon = self.facts.horizon(thing)
        if lot in self._removed[thing]:
            return "" if not horizon.hides(lot) and self._is_worked(thing, lot) else "removed by retention"
        return f"given up by retention, with all before {horizon.lot}" if horizon.hides(lot) else ""

    def _is_worked(self, thing: Thing, lot: Lot) -> bool:
        """Whether its ledger tells how it stands: what retention removes, its horizon hides."""
        ledger = self._ledgers.get(thing, {}).get(lot)
        return isinstance(ledger, Ledger) and ledger.last is not None

    def _worked(self, thing: Thing, arc: ArcView, lot: Lot) -> Worked:
        ledger = self._ledgers[thing].get(lot, Ledger())
        base = evolve(self.facts.arc(arc), disabled=self.facts.disabled(arc, lot, is_begun=ledger != Ledger()))
        if isinstance(ledger, str):
            return evolve(base, unreadable=ledger)
        if not needs_parts(ledger):
            return evolve(base, ledger=ledger)
        present, absent = [], {}
        for part, source, each in self._parts(thing, arc, lot):
            reasons = self._reasons.get(source, {})
            if each in reasons:
                absent[part] = Part(dataset=source.name, reason=reasons[each])
            else:
                present.append(part)
        absent |= self._unknown(arc, lot)
        return evolve(base, ledger=ledger, present=present, absent=absent)

    def _unknown(self, arc: ArcView, lot: Lot) -> Iterator[tuple[str, Part]]:
        """The sources of which nobody can say whether they are there."""
        surveyed = self.facts.landscape.surveyed
        for role, _ in arc.reader.subscribed:
            node = arc.sources[role]
            if surveyed.graph.is_unknown(node):
                text = surveyed.unreached[node.place].problem
                reason = Reason(cause=Cause.UNREACHED, element=str(node), lot=lot, text=text, kind=text)
                yield role, Part(dataset=str(node), reason=reason if self.search.now >= lot.end else None)


@lru_cache(maxsize=1024)  # most lots look alike
def _has_manifest(names: tuple[str, ...]) -> bool:
    return any(name.startswith(("state=complete/", "state=empty/")) for name in names)


@lru_cache(maxsize=1024)
def _is_complete(names: tuple[str, ...]) -> bool:
    return ArcState.COMPLETE.value in picture(names).markers


def _is_removed(names: Sequence[str]) -> bool:
    return any(name.startswith("state=removed/") for name in names)
