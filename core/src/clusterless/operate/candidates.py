"""The lots that an arc could work, and how each stands: by listings, and by entries where these leave it open."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import compress, groupby, islice
from operator import itemgetter

from attrs import Factory, define, evolve, frozen

from clusterless.engine.lot_states import changed
from clusterless.engine.parts import lot_of, part_of
from clusterless.engine.plan import Covered, Standing, in_unit
from clusterless.engine.ranges import LotRange
from clusterless.engine.sources import can_be_ready, may_change_after
from clusterless.errors import MalformedError
from clusterless.model.ledger import ArcState, Claim, Complete, Failed
from clusterless.model.lot import Lot
from clusterless.operate.ahead import ahead, at_a_time
from clusterless.operate.landscape import ArcView, DatasetView, Landscape
from clusterless.operate.listing import Names, list_texts, lot_named
from clusterless.operate.source_lots import SourceLots
from clusterless.runtime.clock import is_gone
from clusterless.store.ledger import LotLedger, Picture, picture

_AT_ONCE = 512  # lots whose entries are read together
_NOTHING = Picture()
_Part = tuple[str, str, int, Picture]  # of a lot, by its text: a part and its revision; no part where it was begun


@frozen
class Seen:
    """A lot in the listings: the newest *revisions* of its parts, and its ledger's *picture*."""

    lot: Lot
    revisions: Mapping[str, int] = Factory(dict)
    picture: Picture = _NOTHING


@define
class Candidates:
    """Asks about *arc*; lots of *coming* (by role) count as there: an earlier stage is to make them.

    Whether complete lots are stale is told where it is asked for, since it takes reading; and with a *declaration*
    which of them were made by another.
    """

    landscape: Landscape
    arc: ArcView
    coming: Mapping[str, Sequence[LotRange]] = Factory(dict)
    stale: bool = False
    declaration: str = ""
    sources: SourceLots = Factory(SourceLots)

    def span(self, now: datetime) -> LotRange | None:
        """From the first lot that a source has to the one that is open *now*; None where there is none."""
        unit = self.arc.unit
        if unit is None:
            return None
        first = [side.manifests.lots(side.dataset) for _, side in self._sources()]
        firsts = [found.lot.start for listing in first for found in islice(listing, 1)]
        firsts += [lots.first.start for ranges in self.coming.values() for lots in ranges]
        if not firsts:
            return None
        last = Lot.containing(now, unit)
        return LotRange(min(Lot.containing(min(firsts), unit), last), last)

    def standings(self, wanted: LotRange) -> Iterator[Standing]:
        """The lots of *wanted* whose sources are there, in order."""
        seen = (each for each in self.seen(wanted) if can_be_ready(self.arc.arc, each.revisions))
        most = at_a_time(self.arc.state)
        while chunk := list(islice(seen, _AT_ONCE)):
            is_open = [self._is_open(each) for each in chunk]
            read = ahead((partial(self._read, each) for each in compress(chunk, is_open)), most)
            for each, must_read in zip(chunk, is_open, strict=True):
                yield next(read) if must_read else _standing(each, each.picture.final)

    def seen(self, wanted: LotRange) -> Iterator[Seen]:
        """The lots of *wanted* that a source has, or that were begun, in order."""
        sides = [self._source_lots(role, side, wanted) for role, side in self._sources()]
        coming = [self._coming_lots(role, ranges, wanted) for role, ranges in self.coming.items()]
        worked = ((text, "", 0, _picture(names)) for text, names in self._worked(wanted))
        # In order, what was begun is first of a lot, and what is to come, of revision 0, before what is there already.
        for text, of_lot in groupby(heapq.merge(worked, *coming, *sides), itemgetter(0)):
            group = list(of_lot)
            lot = lot_named(text)
            if lot in wanted:
                yield Seen(lot, {part: revision for _, part, revision, _ in group if part}, group[0][3])

    def following(self) -> Iterator[Standing]:
        """The lots that are made of what is coming, and that were begun, in order."""
        unit = self.arc.unit
        ranges = [in_unit(lots, unit) for each in self.coming.values() for lots in each] if unit else []
        if not ranges:
            return
        touched = Covered(ranges)
        wanted = LotRange(min(each.first for each in ranges), max(each.last for each in ranges))
        yield from (standing for standing in self.worked(wanted) if standing.lot in touched)

    def worked(self, wanted: LotRange) -> Iterator[Standing]:
        """The lots of *wanted* that were begun, in order, whether their sources are there or not."""
        for text, names in self._worked(wanted):
            seen = Seen(lot_named(text), picture=_picture(names))
            if seen.picture.last:
                yield _standing(seen, seen.picture.final) if seen.picture.final else self._read(seen)

    # ---- listing ----

    def _sources(self) -> Iterator[tuple[str, DatasetView]]:
        for role, source in self.arc.arc.sources.items():
            view = self.landscape.datasets.get(self.arc.sources[role])
            if view and source.subscribe:
                yield role, view

    def _source_lots(self, role: str, side: DatasetView, wanted: LotRange) -> Iterator[_Part]:
        return (self._part(role, text, revision) for text, revision in self.sources.committed(side, wanted))

    def _coming_lots(self, role: str, ranges: Iterable[LotRange], wanted: LotRange) -> Iterator[_Part]:
        lots = (lot for each in ranges for lot in each if lot_of(self.arc.arc, lot) in wanted)
        return (self._part(role, str(lot), 0) for lot in lots)

    def _part(self, role: str, text: str, revision: int) -> _Part:
        if self.arc.arc.lot_unit is None:
            return text, role, revision, _NOTHING
        lot = lot_named(text)
        return str(lot_of(self.arc.arc, lot)), part_of(self.arc.arc, role, lot), revision, _NOTHING

    def _worked(self, wanted: LotRange) -> Iterator[tuple[str, Names]]:
        return list_texts(self.arc.state, self.arc.keys.path, wanted)

    # ---- reading ----

    def _is_open(self, seen: Seen) -> bool:
        """Whether the listings do not tell all that is asked."""
        if not seen.picture.last:
            return False
        if seen.picture.final is not ArcState.COMPLETE:
            return not seen.picture.final
        return self.stale and bool(self.declaration or any(seen.revisions.values()) or may_change_after(self.arc.arc))

    def _read(self, seen: Seen) -> Standing:
        ledger, number = self.arc.ledger(seen.lot), seen.picture.last
        standing = _standing(seen, ArcState.RUNNING)
        try:
            last = ledger.read(number)
            if isinstance(last, Complete):
                claim = ledger.read(number - 1) if self.declaration else None
                known = claim.declaration if isinstance(claim, Claim) else None
                return evolve(
                    standing,
                    state=last.state,
                    newer=bool(changed(last.sources, seen.revisions)),
                    changed=bool(known and known != self.declaration),
                )
            if isinstance(last, Failed):
                return evolve(standing, state=last.state)
            running = isinstance(last, Claim) and not is_over(ledger, last)
            return standing if running else evolve(standing, state=None)
        except MalformedError:
            return standing  # left alone: whoever delivers it says so


def _standing(seen: Seen, state: ArcState | None) -> Standing:
    return Standing(lot=seen.lot, state=state, number=seen.picture.last)


def is_over(ledger: LotLedger, claim: Claim) -> bool:
    """Whether whoever made the *claim* is gone, as far as one can know."""
    renewed = ledger.renewed(claim.attempt)
    return is_gone(claim.by) or max(claim.expires, renewed or claim.expires) <= ledger.store.now()


@lru_cache(maxsize=1024)  # most lots look alike
def _picture(names: tuple[str, ...]) -> Picture:
    return picture(names)
