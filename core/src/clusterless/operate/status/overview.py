"""How all lots of a stretch of time stand: each dataset and each arc's state is listed once, some days at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from attrs import field, frozen

from clusterless.engine.ranges import LotRange
from clusterless.model.lot import Lot, LotUnit
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView, Landscape
from clusterless.operate.listing import days_of, list_shards
from clusterless.operate.status.judging import Judge, Lots
from clusterless.operate.status.subjects import Shelf, Subject, shelf_of, unit_in


@frozen
class Judged:
    """How lots of a *subject* stand, as far as there is something to say of them; *done* of all is, up to 1."""

    subject: Subject
    lots: Lots
    done: float


@frozen
class Overview:
    """*wanted* gives the lots that are asked about, by unit; *now* is the time to judge by.

    Iterated, it gives some days of each of the *subjects* in turn, then the next days: no more is held at a time,
    however long the range. Nothing is listed twice.
    """

    landscape: Landscape
    subjects: Sequence[Subject]
    wanted: Callable[[LotUnit], LotRange]
    now: datetime
    _judge: Judge = field(init=False, repr=False, eq=False)

    @_judge.default
    def _make_judge(self) -> Judge:
        return Judge(self.landscape, self.now)

    def __iter__(self) -> Iterator[Judged]:
        shelves = self._shelves()
        days = list(_days(list(shelves.values())))
        parts = [
            {key: (shelf, part) for key, (shelf, wanted) in shelves.items() if (part := some.of(wanted))}
            for some in days
        ]
        listed = list_shards([(shelf.store, shelf.path, part) for each in parts for shelf, part in each.values()])
        for number, (some, each) in enumerate(zip(days, parts, strict=True), start=1):
            standings = self._judge.of({key: next(listed) for key in each})
            for subject in self.subjects:
                asked = self.range_of(subject)
                if asked and (wanted := some.of(asked)):
                    yield Judged(subject, standings.within(subject.view, wanted), number / len(days))

    def range_of(self, subject: Subject) -> LotRange | None:
        """The lots of the subject that are asked about; None where it never had one."""
        return self.wanted(subject.unit) if subject.unit else None

    def is_off(self, subject: Subject) -> bool:
        """Whether it, or what makes it, is turned off."""
        view = subject.view
        maker = self.landscape.maker_of(view.node) if isinstance(view, DatasetView) else view
        return maker is not None and self._judge.owed(maker).is_off

    def _shelves(self) -> dict[str, tuple[Shelf, LotRange]]:
        """What is to be listed, and of which lots."""
        needed: dict[str, tuple[Shelf, LotRange]] = {}
        for subject in self.subjects:
            for shelf, wanted in self._needed(subject):
                _, known = needed.get(shelf.key, (shelf, wanted))
                needed[shelf.key] = shelf, LotRange(min(known.first, wanted.first), max(known.last, wanted.last))
        return needed

    def _needed(self, subject: Subject) -> Iterator[tuple[Shelf, LotRange]]:
        """The subject's own, what makes it, and what that hears of."""
        if subject.unit is None:
            return
        wanted = self.wanted(subject.unit)
        view = subject.view
        if not isinstance(view, ArcView) and (dataset := self.landscape.datasets.get(view.node)):
            yield shelf_of(dataset), wanted
        arc = view if isinstance(view, ArcView) else self.landscape.maker_of(view.node)
        if isinstance(arc, ArcView) and not isinstance(view, BoundaryView):
            yield shelf_of(arc), wanted
            for role, _ in arc.reader.subscribed:
                source = self.landscape.datasets.get(arc.sources[role])
                unit = unit_in(source) if source else None
                if source and unit:
                    yield shelf_of(source), _in_unit(wanted, unit)


@frozen
class _Days:
    begin: datetime
    end: datetime

    def of(self, wanted: LotRange) -> LotRange | None:
        """The *wanted* lots that lie in these days, if any do."""
        unit = wanted.first.unit
        first, last = Lot.containing(self.begin, unit), Lot.containing(self.end, unit).previous
        first, last = max(first, wanted.first), min(last, wanted.last)
        return LotRange(first, last) if first <= last else None


def _days(shelves: Sequence[tuple[Shelf, LotRange]]) -> Iterator[_Days]:
    """As many days at a time as make a shard of each, from the first lot of *shelves* to the last."""
    if not shelves:
        return
    length = timedelta(days=min(days_of(wanted, shelf.store) for shelf, wanted in shelves))
    begin = datetime.combine(min(wanted.first.day for _, wanted in shelves), time(), UTC)
    end = max(wanted.last.end for _, wanted in shelves)
    while begin < end:
        yield _Days(begin, begin + length)
        begin += length


def _in_unit(wanted: LotRange, unit: LotUnit) -> LotRange:
    first = Lot.containing(wanted.first.start, unit)
    return LotRange(first, max(first, Lot.containing(wanted.last.end, unit).previous))
