"""How the lots of each subject stand, counted: what is held does not grow with the range."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from itertools import chain, groupby, islice

from attrs import define, field

from clusterless.engine.ranges import LotRange
from clusterless.engine.standing import Standing, worst
from clusterless.model.lot import Lot
from clusterless.operate.listing import lot_named
from clusterless.operate.status.judging import Lots
from clusterless.operate.status.overview import Judged, Overview
from clusterless.operate.status.pace import SAMPLE
from clusterless.operate.status.subjects import Subject

COMMITTED = frozenset({Standing.COMPLETE, Standing.STALE})


@define(kw_only=True)
class Summary:
    """A *subject*'s lots by *counts*; *oldest* is the first that is behind, *newest* are some that were committed.

    *wanted* are the lots that are asked about (None: it never had any); *is_off*: it is turned off.
    """

    subject: Subject
    wanted: LotRange | None
    is_off: bool = False
    counts: Counter[Standing] = field(factory=Counter)
    oldest: Lot | None = None
    newest: list[Lot] = field(factory=list)

    @property
    def worst(self) -> Standing | None:
        return worst(standing for standing, count in self.counts.items() if count)

    @property
    def behind(self) -> int:
        """How many lots something is to be done about."""
        return sum(count for standing, count in self.counts.items() if standing.is_behind)

    @property
    def gap(self) -> int | None:
        """How many lots of the range there is nothing to say of; None where it never had any."""
        return len(self.wanted) - sum(self.counts.values()) if self.wanted else None

    @property
    def committed(self) -> int:
        """How many lots were committed with something in them."""
        return sum(self.counts[standing] for standing in COMMITTED)

    def add(self, lots: Lots) -> None:
        """Count later *lots* than those before."""
        self.counts.update({standing: len(texts) for standing, texts in lots.items()})
        if self.oldest is None:
            behind = [texts[0] for standing, texts in lots.items() if standing.is_behind]
            self.oldest = lot_named(min(behind)) if behind else None
        committed = heapq.merge(*(reversed(lots[each]) for each in COMMITTED if each in lots), reverse=True)
        self.newest = list(islice(chain(map(lot_named, committed), self.newest), SAMPLE))


def summaries(overview: Overview, step: Callable[[float], None]) -> list[Summary]:
    """One for each subject, in their order; *step* is told how much is done, from 0 to 1."""
    found = {
        id(subject): Summary(subject=subject, wanted=overview.range_of(subject), is_off=overview.is_off(subject))
        for subject in overview.subjects
    }
    for judged in overview:
        found[id(judged.subject)].add(judged.lots)
        step(judged.done)
    return list(found.values())


def by_day(judged: Iterable[Judged], step: Callable[[float], None]) -> dict[date, Counter[Standing]]:
    """The lots of all subjects, counted for each day."""
    days: dict[date, Counter[Standing]] = {}
    for each in judged:
        for standing, texts in each.lots.items():
            for day, alike in groupby(map(lot_named, texts), lambda lot: lot.day):
                days.setdefault(day, Counter())[standing] += sum(1 for _ in alike)
        step(each.done)
    return days
