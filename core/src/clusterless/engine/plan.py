"""What a plan of work on lots holds: which lots of which arcs, why, in which order, and how long it may take."""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import TypeVar

from attrs import frozen

from clusterless.engine.ranges import LotRange, ordinal, runs
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project

T = TypeVar("T")


class Kind(enum.Enum):
    BACKFILL = "backfill"
    REPLAY = "replay"


class Why(enum.Enum):
    """Why a lot is worked."""

    MISSING = "missing"  # it was never worked, or is to be again
    FAILED = "failed"
    PARTIAL = "partial"
    STALE = "stale"  # a source has a newer revision than was consumed
    CHANGED = "changed"  # the arc was declared otherwise then
    COMPLETE = "complete"
    UPSTREAM = "upstream"  # what it is made of is worked again, and may come to be something else


class Which(enum.Enum):
    """Which lots are asked for."""

    MISSING = "missing"
    FAILED = "failed"
    PARTIAL = "partial"
    STALE = "stale"
    COMPLETE = "complete"  # the stale ones too
    ALL = "all"


_ASKED_BY = {
    Why.MISSING: {Which.MISSING},
    Why.FAILED: {Which.FAILED},
    Why.PARTIAL: {Which.PARTIAL},
    Why.STALE: {Which.STALE, Which.COMPLETE},
    Why.CHANGED: {Which.STALE, Which.COMPLETE},
    Why.COMPLETE: {Which.COMPLETE},
}


@frozen(kw_only=True)
class Standing:
    """How a lot stands, whose sources are there: *state* None where nobody has begun it, or where it is given back.

    *newer*: a source has another revision than was consumed; *changed*: the arc was declared otherwise.
    *number* is that of its last entry.
    """

    lot: Lot
    state: ArcState | None
    number: int = 0
    newer: bool = False
    changed: bool = False


def why(standing: Standing, wanted: Collection[Which]) -> Why | None:
    """Why the lot is to be worked, where it is asked for; what is running is left alone."""
    reason = _reason(standing)
    if reason is None:
        return None
    asked_by = {*_ASKED_BY[reason], Which.ALL}
    if reason is Why.MISSING and standing.number:
        asked_by |= {Which.FAILED, Which.COMPLETE}  # it was rolled back, whatever it had come to
    return reason if {*wanted} & asked_by else None


def _reason(standing: Standing) -> Why | None:
    match standing.state:
        case None:
            return Why.MISSING
        case ArcState.RUNNING:
            return None
        case ArcState.MISSING:
            return Why.FAILED
        case ArcState.PARTIAL:
            return Why.PARTIAL
    if standing.newer:
        return Why.STALE
    return Why.CHANGED if standing.changed else Why.COMPLETE


def replaces(reason: Why, last: ArcState | None) -> bool:
    """Whether a lot planned for that *reason* is rolled back first, when its *last* outcome is found to be that."""
    if last in {None, ArcState.RUNNING}:
        return False
    if last is ArcState.COMPLETE:
        return reason in {Why.STALE, Why.CHANGED, Why.COMPLETE, Why.UPSTREAM}
    return True


# ---- stretches -------------------------------------------------------------------------------------------------


@frozen
class Stretch:
    """Lots next to each other, all for the same reason."""

    lots: LotRange
    why: Why


def stretches(reasons: Iterable[tuple[Lot, Why]]) -> Iterator[Stretch]:
    """Lots in order, each with its reason, as the fewest stretches."""
    first: Lot | None = None
    last: Lot | None = None
    of: Why | None = None
    for lot, reason in reasons:
        if first and last and of and (reason is not of or ordinal(lot) != ordinal(last) + 1):
            yield Stretch(LotRange(first, last), of)
            first = None
        first, last, of = first or lot, lot, reason
    if first and last and of:
        yield Stretch(LotRange(first, last), of)


def in_order(planned: Sequence[Stretch], *, newest_first: bool) -> Iterator[tuple[Lot, Why]]:
    """The lots of the stretches, which are in order, one by one."""
    for stretch in reversed(planned) if newest_first else planned:
        lots = _backwards(stretch.lots) if newest_first else iter(stretch.lots)
        for lot in lots:
            yield lot, stretch.why


def _backwards(lots: LotRange) -> Iterator[Lot]:
    lot = lots.last
    while lot > lots.first:
        yield lot
        lot = lot.previous
    yield lot


class Covered:
    """Whether a lot is in one of some ranges, of whatever units."""

    def __init__(self, ranges: Iterable[LotRange] = ()) -> None:
        self._starts: dict[LotUnit, list[int]] = {}
        self._ends: dict[LotUnit, list[int]] = {}
        for each in sorted(ranges, key=lambda each: (each.first.unit.minutes, ordinal(each.first))):
            self._add(each)

    def __contains__(self, lot: object) -> bool:
        if not isinstance(lot, Lot) or lot.unit not in self._starts:
            return False
        at = bisect_right(self._starts[lot.unit], ordinal(lot)) - 1
        return at >= 0 and ordinal(lot) <= self._ends[lot.unit][at]

    def _add(self, lots: LotRange) -> None:
        unit, first, last = lots.first.unit, ordinal(lots.first), ordinal(lots.last)
        starts, ends = self._starts.setdefault(unit, []), self._ends.setdefault(unit, [])
        if ends and first <= ends[-1] + 1:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)


def in_unit(lots: LotRange, unit: LotUnit) -> LotRange:
    """The lots of *unit* that *lots* touch."""
    return (
        LotRange(Lot.containing(lots.first.start, unit), Lot.containing(lots.last.end, unit).previous)
        if (unit.minutes <= lots.first.unit.minutes)
        else LotRange(Lot.containing(lots.first.start, unit), Lot.containing(lots.last.start, unit))
    )


def evenly(planned: Sequence[LotRange], most: int) -> list[Lot]:
    """At most *most* lots of the ranges, spread over them."""
    total = sum(map(len, planned))
    wanted = sorted({index * total // most for index in range(most)}) if total > most else list(range(total))
    picked: list[Lot] = []
    passed = 0
    for lots in planned:
        while len(picked) < len(wanted) and wanted[len(picked)] < passed + len(lots):
            picked.append(lots.first.plus(wanted[len(picked)] - passed))
        passed += len(lots)
    return picked


# ---- the plan --------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Stage:
    """The lots of one arc; its source lots hold so many *objects* and *bytes*, counted in part, where it is known.

    *declaration* tells what the arc was declared as; *seconds* is what a lot took, where there is a history.
    """

    project: Project
    placement: Placement
    arc: str
    declaration: str
    stretches: tuple[Stretch, ...]
    objects: int | None = None
    bytes: int | None = None
    seconds: float | None = None

    @property
    def name(self) -> str:
        return f"{self.project.name}/{self.arc}"

    @property
    def lots(self) -> int:
        return sum(len(each.lots) for each in self.stretches)

    @property
    def reasons(self) -> Mapping[Why, int]:
        counts: Counter[Why] = Counter()
        for each in self.stretches:
            counts[each.why] += len(each.lots)
        return counts


@frozen(kw_only=True)
class WorkPlan:
    """Arcs one after the other, each after what it reads of; *cascade*: what comes downstream follows where it must."""

    id: str
    kind: Kind
    at: datetime
    by: str
    newest_first: bool
    cascade: bool
    stages: tuple[Stage, ...]

    @property
    def lots(self) -> int:
        return sum(stage.lots for stage in self.stages)


def estimate(lots: int, seconds: float | None, concurrency: int, rate: float | None) -> float | None:
    """Seconds that so many *lots* may take, each so many *seconds*, at most *rate* of them begun in a minute."""
    by_rate = lots * 60 / rate if rate else 0.0
    if seconds is None:
        return by_rate or None
    return max(lots * seconds / concurrency, by_rate)


def typical(seconds: Sequence[float]) -> float | None:
    """What the middle one took; None where there is none."""
    return median(seconds) if seconds else None


def scaled(sampled: Sequence[int | None], total: int) -> int | None:
    """What *total* lots come to, judged by those sampled; None where that of one is not known."""
    known = [each for each in sampled if each is not None]
    return round(sum(known) * total / len(known)) if known and len(known) == len(sampled) else None


# ---- progress --------------------------------------------------------------------------------------------------


class Came(enum.Enum):
    """What became of a planned lot."""

    DONE = "done"
    SAME = "same"  # done, to the same bytes as before
    UNCHANGED = "unchanged"  # not worked, since what it is made of came to the same
    FAILED = "failed"
    LEFT = "left"  # others are at it, its sources are not there, or retention has given it up
    PUBLISHED = "published"


AGAIN = frozenset({Came.FAILED, Came.LEFT})
"""What is tried again by whoever resumes."""


@frozen
class Ended:
    """Ranges of the lots of stage number *stage* of which the same has become."""

    stage: int
    came: Came
    lots: tuple[LotRange, ...]


def ended(came: Mapping[tuple[int, Came], Iterable[Lot]]) -> tuple[Ended, ...]:
    """Few ranges of what became of single lots."""
    return tuple(Ended(stage, how, runs(lots)) for (stage, how), lots in came.items())


def counted(progress: Iterable[Ended]) -> Mapping[int, Mapping[Came, int]]:
    """How many lots of each stage came to what."""
    progress = tuple(progress)
    counts: dict[int, Counter[Came]] = {}
    for stage in {each.stage for each in progress}:
        rest = resting(progress, stage)
        of_stage = [each for each in progress if each.stage == stage]
        counts[stage] = _once((lots, each.came) for each in of_stage if each.came not in AGAIN for lots in each.lots)
        tried = {lot: each.came for each in of_stage if each.came in AGAIN for lots in each.lots for lot in lots}
        counts[stage].update(came for lot, came in tried.items() if lot not in rest)
    return counts


def _once(came: Iterable[tuple[LotRange, Came]]) -> Counter[Came]:
    """How many lots of ranges, which are of one unit, came to what: two who work one plan may both write of a lot."""
    counts: Counter[Came] = Counter()
    following: int | None = None
    for lots, how in sorted(came, key=lambda each: ordinal(each[0].first)):
        first, last = ordinal(lots.first), ordinal(lots.last)
        first = first if following is None else max(first, following)
        if first <= last:
            counts[how] += last - first + 1
            following = last + 1
    return counts


def resting(progress: Iterable[Ended], stage: int) -> Covered:
    """The lots of the stage that need no more work: what failed, or was left, is tried again by whoever resumes."""
    return Covered(lots for each in progress if each.stage == stage and each.came not in AGAIN for lots in each.lots)


def differing(progress: Iterable[Ended], stage: int) -> tuple[LotRange, ...]:
    """The lots of the stage that came to something else than before."""
    return tuple(lots for each in progress if each.stage == stage and each.came is Came.DONE for lots in each.lots)
