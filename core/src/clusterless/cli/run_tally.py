"""What a run has done so far, counted from what it tells."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from time import monotonic

from attrs import define, field

from clusterless.cli.words import some
from clusterless.engine.moments import dated
from clusterless.model.arc import Arc
from clusterless.model.barrier import Barrier
from clusterless.model.element import Element
from clusterless.runner.happenings import (
    Booked,
    Happening,
    LeftAlone,
    Progressed,
    Ran,
    SealedLots,
    Started,
    Switched,
    Trouble,
    Waits,
    Worked,
)
from clusterless.runtime.site import Site, labels

_PACE = 5.0  # seconds between two words of how far a lot is
GOOD = ("complete", "empty", "done", "released")


@define
class Row:
    """One boundary or arc."""

    kind: str
    counts: Counter[str] = field(factory=Counter)
    working: set[str] = field(factory=set)
    progress: tuple[str, str] = ("", "")  # of the lot that last said how far it is, in words
    said: dict[str, float] = field(factory=dict)  # lot → when its progress was last news
    failed: dict[str, str] = field(factory=dict)  # lot → state, while it has no result
    last: str = ""
    trouble: str = ""
    off: str = ""
    dataset: str = ""
    arc: str = ""
    stale: set[str] = field(factory=set)  # lots whose result is of an older source
    strays: tuple[str, ...] = ()
    waits: str = ""

    def ended(self, lot: str) -> None:
        """It is not worked any more."""
        self.working.discard(lot)
        self.said.pop(lot, None)
        if self.progress[0] == lot:
            self.progress = ("", "")

    @property
    def newest(self) -> str:
        """The lot that something was last heard of, and how far it is where it says so; how many are worked on."""
        busy = f" (+{len(self.working)})" if self.working else ""
        return (" ".join(self.progress).strip() or self.last) + busy

    @property
    def notes(self) -> list[str]:
        """What is to be known of it besides its counts."""
        more = ", …" if self.counts["unbooked"] > len(self.strays) else ""
        named = f"in no lot: {', '.join(self.strays)}{more} ('cls audit {self.dataset}' lists them)"
        older = f"{some(len(self.stale), 'stale lot')}, since a source is newer ('cls replay {self.arc} --which stale')"
        notes = (self.off, self.waits, named if self.strays else "", older if self.stale else "")
        return [note for note in notes if note]


class Tally:
    """Rows by ``project/name`` (as `labels` spells projects), in the order of the files; fed from many threads."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self.rows: dict[str, Row] = {}
        self._lock = threading.Lock()
        self._unworked: set[tuple[str, str]] = set()
        self._lacking: dict[tuple[str, str], str] = {}  # until when a lot waits for its sources
        for site, name in zip(sites, labels(sites), strict=True):
            self.rows |= {
                f"{name}/{each.name}": Row("boundary", dataset=each.dataset.id) for _, each in site.deployable.ingress
            }
            self.rows |= {
                f"{name}/{each.arc.name}": Row(_kind(each.element), arc=each.arc.name)
                for each in site.deployable.consumers
            }
            self.rows |= {f"{name}/{each.name}": Row("activity") for each in site.deployable.activities}

    @property
    def unworked(self) -> list[str]:
        """The lots that came to no success, as ``project/arc lot``."""
        return sorted(" ".join(key) for key in self._unworked)

    @property
    def lacking(self) -> list[str]:
        """The lots that go on waiting for their sources, and until when, in words; the first to be worked first."""
        waiting = sorted((datetime.fromisoformat(until), *key) for key, until in self._lacking.items())
        return [f"{element} {lot} waits for its sources until {dated(at)}" for at, element, lot in waiting]

    def add(self, happening: Happening) -> bool:
        """Count it; false where all of it was told before, or something like it a moment ago."""
        with self._lock:
            row = self.rows.setdefault(happening.element, Row("other"))
            match happening:
                case Booked():
                    row.counts += Counter(arrivals=happening.arrivals, unbooked=happening.unbooked)
                    row.strays = row.strays or happening.strays
                case Waits():
                    row.waits = waits_for(happening)
                case SealedLots():
                    self._sealed(row, happening)
                case Started():
                    row.working.add(happening.lot)
                    self._lacking.pop((happening.element, happening.lot), None)
                case Progressed():
                    return self._progressed(row, happening)
                case Worked() | Ran():
                    self._worked(row, happening)
                case LeftAlone():
                    row.ended(happening.lot)
                    return self._rests(row, happening)
                case Switched():
                    row.off = "" if happening.on else off_since(happening)
                case Trouble():
                    row.ended(happening.lot)
                    row.trouble = str(happening.error).partition("\n")[0]
        return True

    def _rests(self, row: Row, left: LeftAlone) -> bool:
        key = (left.element, left.lot)
        if left.until:
            self._lacking[key] = left.until
        if left.stale:
            row.stale.add(left.lot)
        if not left.failed:
            return True
        row.trouble = row.trouble or left.why
        is_news = key not in self._unworked
        self._unworked.add(key)
        return is_news

    def _progressed(self, row: Row, progressed: Progressed) -> bool:
        row.progress = (progressed.lot, so_far(progressed))
        is_due = monotonic() - row.said.get(progressed.lot, -_PACE) >= _PACE
        if is_due:
            row.said[progressed.lot] = monotonic()
        return is_due

    def _sealed(self, row: Row, sealed: SealedLots) -> None:
        row.counts += Counter(
            complete=sealed.lots - sealed.empty, empty=sealed.empty, objects=sealed.objects, late=sealed.late
        )
        row.last = sealed.last or row.last
        row.waits = ""
        row.trouble = ""

    def _worked(self, row: Row, worked: Worked | Ran) -> None:
        row.ended(worked.lot)
        row.stale.discard(worked.lot)
        row.last = worked.lot
        key = (worked.element, worked.lot)
        if before := row.failed.pop(worked.lot, ""):
            row.counts[before] -= 1  # a lot is counted once, however often it is tried
        objects = (worked.objects or 0) if isinstance(worked, Worked) else 0
        row.counts += Counter({worked.state: 1, "objects": objects})
        if worked.state in GOOD:
            self._unworked.discard(key)
            row.trouble = ""
        else:
            row.failed[worked.lot] = worked.state
            row.trouble = worked.error.partition("\n")[0]
            self._unworked.add(key)


def so_far(progressed: Progressed) -> str:
    """In words: how much of it is done, and the message."""
    total, done = progressed.total, progressed.done
    share = f"{done / total:.0%}" if total and total > 0 else f"{done:,g}"
    return f"{share}: {progressed.message}" if progressed.message else share


def waits_for(waits: Waits) -> str:
    """In words: which lot what arrived waits for, and when that is sealed."""
    return f"what arrived waits for lot {waits.lot}, sealed at {dated(datetime.fromisoformat(waits.at))}"


def off_since(switched: Switched) -> str:
    """In words: since when something is off, by whom, and why."""
    since = dated(datetime.fromisoformat(switched.since))
    return f"disabled since {since} by {switched.by}" + (f": {switched.why}" if switched.why else "")


def _kind(element: Element) -> str:
    return "arc" if isinstance(element, Arc) else "barrier" if isinstance(element, Barrier) else "boundary"
