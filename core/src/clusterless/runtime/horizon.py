"""A dataset's horizon: marks beside its manifests, each created once, so that it only ever moves forward."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import define, field

from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import Dataset
from clusterless.model.horizon import Horizon, last_of
from clusterless.model.lot import Lot
from clusterless.store.api import ObjectStore
from clusterless.store.retrying import create_once

MEMORY = timedelta(minutes=1)  # the longest that anybody goes without looking again
_BEFORE, _CLEARED = "before", "cleared"


def read_horizon(manifests: ObjectStore, dataset: Dataset) -> Horizon:
    """By one list."""
    marks: dict[Lot, datetime] = {}
    cleared: list[Lot] = []
    for info in manifests.list(layout.horizon(dataset)):
        names = layout.segments(info.key)
        with suppress(InvalidValueError):  # somebody else's object
            if _BEFORE in names:
                marks[Lot.parse(names[_BEFORE])] = info.time
            elif _CLEARED in names:
                cleared.append(Lot.parse(names[_CLEARED]))
    return Horizon(marks=marks, cleared=last_of(cleared))


def move_horizon(manifests: ObjectStore, dataset: Dataset, lot: Lot) -> None:
    """Have nothing before *lot* claimed any more, as soon as everybody has looked again."""
    create_once(manifests, _mark(dataset, _BEFORE, lot), b"")


def note_cleared(manifests: ObjectStore, dataset: Dataset, lot: Lot, known: Horizon) -> None:
    """Say that all before *lot* is removed, and forget the marks of *known* that no longer matter."""
    if known.cleared and known.cleared.start >= lot.start:
        return
    create_once(manifests, _mark(dataset, _CLEARED, lot), b"")
    for mark in known.marks:
        if mark.start < lot.start:
            manifests.delete(_mark(dataset, _BEFORE, mark))
    if known.cleared:
        manifests.delete(_mark(dataset, _CLEARED, known.cleared))


def time_of(manifests: ObjectStore, dataset: Dataset) -> datetime:
    """The time by which the store dates its objects: what is written now has it."""
    key = layout.horizon(dataset, "looked")
    manifests.put(key, b"")
    return manifests.head(key).time


def _mark(dataset: Dataset, kind: str, lot: Lot) -> str:
    return layout.horizon(dataset, f"{kind}={lot}")


@define(eq=False)
class KnownHorizon:
    """A dataset's horizon as one process knows it: at most a minute old, by the process's own measure of a minute."""

    manifests: ObjectStore
    dataset: Dataset
    _known: Horizon = field(factory=Horizon, init=False)
    _asked: datetime | None = field(default=None, init=False)

    def __call__(self) -> Horizon:
        now = self.manifests.now()
        if self._asked is None or not timedelta() <= now - self._asked < MEMORY:
            self._known = read_horizon(self.manifests, self.dataset)
            self._asked = now  # of before it was asked: the answer may be as old
        return self._known


Look = Callable[[], Horizon]


def nothing_hidden() -> Horizon:
    """The horizon of what is kept forever."""
    return Horizon()
