"""The lots that an arc could work, and how each stands: by listings, and by entries where these leave it open."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import compress, groupby, islice

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
from clusterless.operate.listing import Listed, list_lots
from clusterless.operate.recorded import shown_of
from clusterless.runtime.clock import is_gone
from clusterless.store.ledger import LotLedger, Picture, picture

_AT_ONCE = 512  # lots whose entries are read together


@frozen
class Seen:
    """A lot in the listings: the newest *revisions* of its parts, and its ledger's *picture*."""

    lot: Lot
    revisions: Mapping[str, int] = Factory(dict)
    picture: Picture = Picture()


@define
class Candidates:
    """Asks about *arc*; lots of *coming* (by role) count as there: an earlier stage is to make them.

    With a *declaration*, the claims of completed lots are read, to tell which were made by another.
    """

    landscape: Landscape
    arc: ArcView
    coming: Mapping[str, Sequence[LotRange]] = Factory(dict)
    declaration: str = ""

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
        listed = (Seen(each.lot, picture=_picture(each.names)) for each in self._worked(wanted))
        # What is to come is first, so that what is there already counts.
        merged = heapq.merge(*coming, *sides, listed, key=lambda seen: str(seen.lot))
        for _, of_lot in groupby(merged, lambda seen: seen.lot):
            group = list(of_lot)
            if group[0].lot in wanted:
                revisions = {part: revision for each in group for part, revision in each.revisions.items()}
                yield Seen(group[0].lot, revisions, max((each.picture for each in group), key=lambda seen: seen.last))

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
        for each in self._worked(wanted):
            seen = Seen(each.lot, picture=_picture(each.names))
            if seen.picture.last:
                yield _standing(seen, seen.picture.final) if seen.picture.final else self._read(seen)

    # ---- listing ----

    def _sources(self) -> Iterator[tuple[str, DatasetView]]:
        for role, source in self.arc.arc.sources.items():
            view = self.landscape.datasets.get(self.arc.sources[role])
            if view and source.subscribe:
                yield role, view

    def _source_lots(self, role: str, side: DatasetView, wanted: LotRange) -> Iterator[Seen]:
        unit = side.unit or wanted.first.unit
        for each in list_lots(side.manifests.store, side.path, in_unit(wanted, unit)):
            revision = newest_revision(each.names)
            if revision is not None:
                yield self._part(role, each.lot, revision)

    def _coming_lots(self, role: str, ranges: Iterable[LotRange], wanted: LotRange) -> Iterator[Seen]:
        return (self._part(role, lot, 0) for lots in ranges for lot in lots if lot_of(self.arc.arc, lot) in wanted)

    def _part(self, role: str, lot: Lot, revision: int) -> Seen:
        return Seen(lot_of(self.arc.arc, lot), {part_of(self.arc.arc, role, lot): revision})

    def _worked(self, wanted: LotRange) -> Iterator[Listed]:
        return list_lots(self.arc.state, self.arc.keys.path, wanted)

    # ---- reading ----

    def _is_open(self, seen: Seen) -> bool:
        """Whether the listings do not tell all that is asked."""
        if not seen.picture.last:
            return False
        if seen.picture.final is not ArcState.COMPLETE:
            return not seen.picture.final
        return bool(self.declaration or any(seen.revisions.values()) or may_change_after(self.arc.arc))

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


def newest_revision(names: tuple[str, ...]) -> int | None:
    """The newest readable revision among the manifests *names* of a lot; None where there is none."""
    shown = shown_of(names)
    return shown.revision if shown and shown.state.is_readable else None
