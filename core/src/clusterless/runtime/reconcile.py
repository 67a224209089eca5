"""Reconciling: events are hints, so what is owed is found by listing what is there."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby

from attrs import frozen

from clusterless.engine.sources import may_change_after
from clusterless.errors import InvalidValueError
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot
from clusterless.runtime.arc import RunningArc
from clusterless.store.ledger import Picture, picture


@frozen
class _Seen:
    lot: Lot
    revisions: int = 0  # the newest of any source
    sources: int = 0
    picture: Picture = Picture()


def unsettled(arc: RunningArc, after: Lot | None = None) -> Iterator[Lot]:
    """The lots after *after* that an event may be due for, oldest first; those surely at rest are left out.

    One listing of each source and one of the arc's state, in step: memory does not grow with history.
    """
    floor = _floor(arc, after)
    rest = not may_change_after(arc.arc)
    for seen in _seen(arc, floor):
        is_settled = seen.picture.final is ArcState.COMPLETE and seen.revisions == 0 and rest
        if seen.sources and not is_settled:
            yield seen.lot


def _floor(arc: RunningArc, after: Lot | None) -> Lot | None:
    lots = [lot for lot in (*arc.started.values(), after) if lot]
    return max(lots, default=None)


def _seen(arc: RunningArc, floor: Lot | None) -> Iterator[_Seen]:
    sources = [_source_lots(arc, role, floor) for role, source in arc.arc.sources.items() if source.subscribe]
    merged = heapq.merge(*sources, pictures(arc, floor), key=lambda seen: str(seen.lot))
    for _, group in groupby(merged, lambda seen: str(seen.lot)):
        parts = list(group)
        yield _Seen(
            parts[0].lot,
            max(part.revisions for part in parts),
            sum(part.sources for part in parts),
            max((part.picture for part in parts), key=lambda each: each.last),
        )


def _source_lots(arc: RunningArc, role: str, floor: Lot | None) -> Iterator[_Seen]:
    side = arc.sources[role]
    for found in side.manifests.lots(side.dataset, floor):
        yield _Seen(found.lot, found.revision, 1)


def pictures(arc: RunningArc, floor: Lot | None) -> Iterator[_Seen]:
    """What the arc's state shows of each lot after *floor*, by one listing."""
    prefix = f"{arc.keys.path}lot="
    after = f"{prefix}{floor}0" if floor else ""  # "0" follows "/": nothing of that lot itself
    infos = arc.state.list(prefix, after)
    names = (info.key.removeprefix(prefix).partition("/") for info in infos)
    for text, group in groupby(names, lambda name: name[0]):
        with suppress(InvalidValueError):  # somebody else's object
            yield _Seen(Lot.parse(text), picture=picture(name[2] for name in group))
