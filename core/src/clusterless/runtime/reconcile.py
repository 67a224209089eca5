"""Reconciling: events are hints, so what is owed is found by listing what is there."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from itertools import groupby
from operator import attrgetter
from time import monotonic

from attrs import Factory, frozen

from clusterless import layout
from clusterless.engine.lookback import floor
from clusterless.engine.lot_states import changed
from clusterless.engine.parts import lot_of, part_of
from clusterless.engine.sources import can_be_ready, may_change_after
from clusterless.errors import InvalidValueError, MalformedError
from clusterless.model.ledger import ArcState, Complete
from clusterless.model.lot import Lot
from clusterless.runtime.arc import RunningArc
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import Picture, picture

_LONG = 10.0  # seconds that a listing is believed while it lies still


@frozen
class Seen:
    """What listings show of a lot: the newest *revisions* of its parts, and its ledger's *picture*."""

    lot: Lot
    revisions: Mapping[str, int] = Factory(dict)
    picture: Picture = Picture()


def unsettled(arc: RunningArc, after: Lot | None = None) -> Iterator[Lot]:
    """The lots after *after* that an event may be due for, oldest first; those surely at rest are left out.

    One listing of each source and one of the arc's state, in step: memory does not grow with history. An entry
    is read only where the listings leave open which revisions it consumed. What is listed after the last lot that was
    taken is listed anew where the next is taken long after: events may have had it worked meanwhile.
    """
    listed = _unsettled(arc, after)
    while lot := next(listed, None):
        given = monotonic()
        yield lot
        if monotonic() - given > _LONG:
            listed = _unsettled(arc, lot)


def _unsettled(arc: RunningArc, after: Lot | None) -> Iterator[Lot]:
    for seen in _seen(arc, _floor(arc, after)):
        if can_be_ready(arc.arc, seen.revisions) and not _is_settled(arc, seen):
            yield seen.lot


def lately_unsettled(arc: RunningArc, look: int) -> Iterator[Lot]:
    """As `unsettled`, of the lots that look number *look* (from 1) reaches back to (`clusterless.engine.lookback`).

    Where no lot of a source was seen yet, of all: one list a source is what a look costs then as well.
    """
    seen = [side.latest.lot for side in arc.sources.values() if side.latest.lot]
    if not seen:
        return unsettled(arc)
    # Of several sources the one that is behind: a lot is worked when its last source is there.
    oldest = min(seen, key=lambda lot: lot.start)
    return unsettled(arc, lot_of(arc.arc, floor(oldest, look, arc.now())))


def _is_settled(arc: RunningArc, seen: Seen) -> bool:
    if not seen.picture.last and (arc.is_behind(seen.lot) or arc.is_held(seen.lot)):
        return True
    is_first = seen.picture.final is ArcState.COMPLETE and not any(seen.revisions.values())
    if is_first and not may_change_after(arc.arc):
        return True
    if ArcState.COMPLETE.value not in seen.picture.markers:
        return False
    ledger = arc.ledger(seen.lot)
    try:
        last = ledger.read(seen.picture.last)
    except MalformedError:
        return False  # whoever delivers it says so
    if not isinstance(last, Complete) or changed(last.sources, seen.revisions):
        return False
    return seen.picture.final is not None or ledger.is_marked(seen.picture.last, last.state)


def _floor(arc: RunningArc, after: Lot | None) -> Lot | None:
    lots = [lot for lot in (*arc.started.values(), after, arc.cleared) if lot]
    return max(lots, default=None)


def _seen(arc: RunningArc, floor: Lot | None) -> Iterator[Seen]:
    sources = [_source_lots(arc, role, floor) for role, source in arc.arc.sources.items() if source.subscribe]
    merged = heapq.merge(*sources, pictures(arc.state, arc.keys, floor), key=_order)
    for _, of_lot in groupby(merged, attrgetter("lot")):
        group = list(of_lot)
        yield Seen(
            group[0].lot,
            {part: revision for each in group for part, revision in each.revisions.items()},
            max((each.picture for each in group), key=lambda picture: picture.last),
        )


def _order(seen: Seen) -> tuple[date, str, int]:
    """Lots as their text sorts, and so their keys, which takes longer to write."""
    lot = seen.lot
    return lot.day, lot.unit.literal, lot.index


def _source_lots(arc: RunningArc, role: str, floor: Lot | None) -> Iterator[Seen]:
    side = arc.sources[role]
    if arc.arc.lot_unit and floor:
        listing = side.manifests.since(side.dataset, floor.end)
    else:
        listing = side.manifests.lots(side.dataset, floor)
    for found in listing:
        side.latest.saw(found.lot)
        yield Seen(lot_of(arc.arc, found.lot), {part_of(arc.arc, role, found.lot): found.revision})


def pictures(state: ObjectStore, keys: layout.ArcKeys, floor: Lot | None) -> Iterator[Seen]:
    """What an arc's state shows of each lot after *floor*, by one listing."""
    prefix = f"{keys.path}lot="
    after = f"{prefix}{floor}0" if floor else ""  # "0" follows "/": nothing of that lot itself
    names = (key.removeprefix(prefix).partition("/") for key in state.list_keys(prefix, after))
    for text, group in groupby(names, lambda name: name[0]):
        with suppress(InvalidValueError):  # somebody else's object
            yield Seen(Lot.parse(text), picture=picture(name[2] for name in group))
