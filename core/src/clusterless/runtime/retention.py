"""Retention: a dataset's old lots go, in two steps that lie two minutes apart.

First the horizon is moved over what is old and was consumed; then, once everybody who claims lots has surely
looked again, what lies before it is removed. A run does the second for what earlier runs have moved over.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from attrs import define, field, frozen

from clusterless.engine.retention import Neighbourhood, expired_by
from clusterless.errors import OwnershipError, WorkloadError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.horizon import Horizon
from clusterless.model.lot import Lot
from clusterless.model.manifest import UriType
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.runtime.consumption import Consumption
from clusterless.runtime.horizon import MEMORY, move_horizon, note_cleared, read_horizon, time_of
from clusterless.runtime.neighbours import read_neighbourhood
from clusterless.runtime.ownership import recorded
from clusterless.runtime.removal import Removal, readable
from clusterless.store.api import ObjectStore
from clusterless.store.manifests import Found, Manifests

WAIT = 2 * MEMORY  # from when a horizon is moved until what lies before it is removed


@frozen(kw_only=True)
class Retained:
    """What retention works on: a dataset of *project*, and the three stores of its *placement*.

    A *thorough* run looks at all that was given up, and not only at what was since: something may have come late.
    """

    project: Project
    placement: Placement
    dataset: Dataset
    age: str
    metadata: ObjectStore
    state: ObjectStore
    manifests: Manifests
    open_store: Callable[[str], ObjectStore]
    stopping: Callable[[], bool] = field(default=lambda: False)
    thorough: bool = False


@frozen(kw_only=True)
class Expired:
    """What came of a run: so many *lots* and *objects* removed, and so many objects *kept* that others list too.

    *horizon* is where it is now, *marked* whether this run moved it there; *held* says why it is not further, or
    why a lot before it is still there.
    """

    lots: int = 0
    objects: int = 0
    kept: int = 0
    horizon: Lot | None = None
    marked: bool = False
    held: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = [f"held back: {why}" for why in self.held]
        if self.marked:
            said.insert(0, f"marked lots before {self.horizon} for removal by a run two minutes later or more")
        if self.lots or self.kept:
            kept = f"; kept {_count(self.kept, 'object')} written again since" if self.kept else ""
            said.insert(0, f"removed {_count(self.lots, 'lot')} ({_count(self.objects, 'object')}){kept}")
        return "; ".join(said if self.marked or self.lots or self.kept else ["nothing new to remove", *said])


def expire(retained: Retained) -> Expired:
    """Remove what earlier runs have given up, and give up what is old and consumed now; safe to do again at any time.

    Raises:
        OwnershipError: the dataset is not the project's.
        WorkloadError: other datasets list objects at its location.
        MalformedError: a record cannot be read; nothing that it may concern was removed.
    """
    located = _owned(retained)
    around = read_neighbourhood(retained.metadata, retained.placement)
    if strangers := around.strangers(retained.dataset):
        msg = f"the objects of dataset {retained.dataset.id} lie where those of {', '.join(strangers)} do"
        raise WorkloadError(msg, hint="give each a location of its own, or remove old files by other means")
    return _Run(retained, located, around).run()


def _owned(retained: Retained) -> LocatedDataset:
    owned = recorded(retained.metadata, retained.dataset)
    if owned is None or owned.owner != retained.project.owner:
        whose = f"belongs to project {owned.owner.name}/{owned.owner.version}" if owned else "is nobody's"
        msg = f"dataset {retained.dataset.id} {whose}: project {retained.project.id} does not remove it"
        raise OwnershipError(msg, hint="declare retention in the project that writes the dataset")
    return owned.dataset


@define(eq=False)
class _Run:
    retained: Retained
    located: LocatedDataset
    around: Neighbourhood
    held: list[str] = field(factory=list)
    consumption: Consumption = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.consumption = Consumption(self.around, self.retained.state, self.manifests)

    @property
    def dataset(self) -> Dataset:
        return self.retained.dataset

    @property
    def manifests(self) -> Manifests:
        return self.retained.manifests

    def run(self) -> Expired:
        store = self.manifests.store
        now, horizon = time_of(store, self.dataset), read_horizon(store, self.dataset)
        removal = self._remove(horizon, now)
        moved = self._move(horizon, expired_by(self.retained.age, now))
        return Expired(
            lots=removal.lots,
            objects=removal.removed,
            kept=removal.kept,
            horizon=moved or horizon.lot,
            marked=moved is not None,
            held=tuple(self.held),
        )

    # ---- what was given up ----

    def _remove(self, horizon: Horizon, now: datetime) -> Removal:
        removal = Removal(self.dataset, self.manifests, self._objects())
        upto = horizon.known_by(now - WAIT)
        if upto is None:
            return removal
        going, staying = self._given_up(None if self.retained.thorough else horizon.cleared, upto)
        left = {found[0].lot for found in going}
        for lot in removal.remove(going):
            left.discard(lot)
            if self.retained.stopping():
                break
        note_cleared(self.manifests.store, self.dataset, _first([upto, *left, *staying]), horizon)
        return removal

    def _objects(self) -> ObjectStore | None:
        if not self.located.path_uri or self.around.is_made_of_others(self.dataset):
            return None
        return self.retained.open_store(self.located.path_uri)

    def _given_up(self, first: Lot | None, upto: Lot) -> tuple[list[Sequence[Found]], list[Lot]]:
        """The lots to remove, each by its readable manifests, and those that have to stay."""
        going: list[Sequence[Found]] = []
        staying: list[Lot] = []
        for revisions in self.manifests.revisions(self.dataset, first):
            lot, found = revisions[0].lot, readable(revisions)
            if lot.start >= upto.start:
                break
            if found and (why := self._stays(found)):
                self.held.append(why)
                staying.append(lot)
            elif found:
                going.append(found)
        return going, staying

    def _stays(self, found: Sequence[Found]) -> str:
        lot, revision = found[-1].lot, found[-1].revision
        if any(self.manifests.read(each).uri_type is not UriType.IDENTIFIER for each in found):
            return f"lot {lot} lists folders, not objects"
        return self.consumption.holds(self.dataset, lot, revision, given_up=True)

    # ---- what is given up now ----

    def _move(self, horizon: Horizon, expired: datetime) -> Lot | None:
        """Move the horizon as far as it goes; gives where it is then, if it went."""
        moved = self._move_to(horizon, expired)
        if moved:
            move_horizon(self.manifests.store, self.dataset, moved)
        return moved

    def _move_to(self, horizon: Horizon, expired: datetime) -> Lot | None:
        last = None
        for lot, revision in self._old(horizon.lot, expired):
            if self.retained.stopping():
                break
            if why := self.consumption.holds(self.dataset, lot, revision):
                self.held.append(why)
                break
            last = lot
        moved = self.consumption.whole(self.dataset, last.next) if last else None
        return None if moved and horizon.lot and moved.start <= horizon.lot.start else moved

    def _old(self, horizon: Lot | None, expired: datetime) -> Iterator[tuple[Lot, int]]:
        """The lots from the *horizon* on that ended by *expired*, each with its newest revision, in order.

        What a writer has begun is among them: it comes to be a lot of the dataset yet.
        """
        after = horizon.previous if horizon else None
        there = ((found.lot, found.revision) for found in self.manifests.lots(self.dataset, after))
        begun = ((lot, 0) for lot in self.consumption.begun(self.dataset, after))
        merged = heapq.merge(there, begun, key=lambda each: str(each[0]))
        for lot, group in groupby(merged, lambda each: each[0]):
            if lot.end > expired:
                return
            yield lot, max(revision for _, revision in group)


def _first(lots: Sequence[Lot]) -> Lot:
    return min(lots, key=lambda lot: lot.start)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
