"""Whether a lot's sources are there, as its arc's `wait` says."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from attrs import frozen

from clusterless.model.arc import Arc, WaitFor


@frozen
class Readiness:
    """*ready* to be worked; else, where there is a deadline, ready *at* that time."""

    ready: bool
    at: datetime | None = None


def readiness(arc: Arc, present: Collection[str], first: datetime | None, now: datetime) -> Readiness:
    """Judge by the subscribed roles that are *present*, the *first* of which was committed then."""
    subscribed = {role for role, source in arc.sources.items() if source.subscribe}
    there = subscribed & set(present)
    if not there:
        return Readiness(ready=False)
    if len(there) >= arc.wait.needed(len(subscribed)):
        return Readiness(ready=True)
    if arc.wait.deadline_sec is None or first is None:
        return Readiness(ready=False)
    at = first + timedelta(seconds=arc.wait.deadline_sec)
    return Readiness(ready=now >= at, at=at)


def least_sources(arc: Arc) -> int:
    """How many of its sources must be there before a lot can ever be worked."""
    subscribed = sum(source.subscribe for source in arc.sources.values())
    return 1 if arc.wait.deadline_sec is not None else max(arc.wait.needed(subscribed), 1)


def may_change_after(arc: Arc) -> bool:
    """Whether a lot may be worked before all its sources are there."""
    return arc.wait.for_ is WaitFor.AT_LEAST or arc.wait.deadline_sec is not None
