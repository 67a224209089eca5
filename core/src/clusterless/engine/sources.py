"""Whether a lot's sources are there, as its arc's `wait` says."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from attrs import frozen

from clusterless.engine.parts import heard, whole_roles
from clusterless.model.arc import Arc, WaitFor
from clusterless.model.lot import Lot


@frozen
class Readiness:
    """*ready* to be worked; else, where there is a deadline, ready *at* that time."""

    ready: bool
    at: datetime | None = None


def readiness(arc: Arc, present: Collection[str], since: datetime | None, now: datetime) -> Readiness:
    """Judge by the parts that are *present*; a deadline counts from *since*."""
    there = heard(arc, present)
    if _suffice(arc, there):
        return Readiness(ready=True)
    if not there or arc.wait.deadline_sec is None or since is None:
        return Readiness(ready=False)
    at = since + timedelta(seconds=arc.wait.deadline_sec)
    return Readiness(ready=now >= at, at=at)


def waits_since(arc: Arc, lot: Lot, first: datetime | None) -> datetime | None:
    """From when on a deadline for *lot* counts, the *first* of whose parts was committed then.

    Not before a lot that is made of smaller ones is over: until then more of them are to come.
    """
    return max(first, lot.end) if first and arc.lot_unit else first


def can_be_ready(arc: Arc, present: Collection[str]) -> bool:
    """Whether a lot can be worked with the parts that are *present*, now or by its deadline."""
    there = heard(arc, present)
    return _suffice(arc, there) or (bool(there) and arc.wait.deadline_sec is not None)


def may_change_after(arc: Arc) -> bool:
    """Whether a lot may be worked before all its sources are there."""
    return arc.wait.for_ is WaitFor.AT_LEAST or arc.wait.deadline_sec is not None


def _suffice(arc: Arc, there: Collection[str]) -> bool:
    subscribed = sum(source.subscribe for source in arc.sources.values())
    return bool(there) and len(whole_roles(arc, there)) >= arc.wait.needed(subscribed)
