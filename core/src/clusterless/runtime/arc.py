"""An arc as it is run: what is declared, with its stores, sources and workload at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import cached_property
from pathlib import Path

from attrs import Factory, define, field, frozen

from clusterless import layout
from clusterless.engine.lot_states import attempt_id
from clusterless.engine.parts import lot_of, part_of, role_of
from clusterless.model.arc import Arc
from clusterless.model.dataset import Dataset, LocatedDataset, Tenure
from clusterless.model.event import Event
from clusterless.model.horizon import last_of
from clusterless.model.ledger import Claim, Pin, Rollback
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.provider import Workload
from clusterless.runtime.horizon import Look, nothing_hidden
from clusterless.runtime.switches import ON, Switch
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger
from clusterless.store.manifests import Found, Manifests


@define
class Latest:
    """The newest *lot* of a source that this process has seen listed."""

    lot: Lot | None = None

    def saw(self, lot: Lot) -> None:
        newest = self.lot
        if newest is None or (newest < lot if newest.unit is lot.unit else newest.start < lot.start):
            self.lot = lot


@frozen(kw_only=True)
class SourceSide:
    """A source dataset, the manifests of the placement that it lives in, and the locations of its objects.

    *horizon* tells which of its lots retention has given up.
    """

    dataset: LocatedDataset
    manifests: Manifests
    roots: tuple[str, ...] = field(default=Factory(lambda side: (side.dataset.path_uri,), takes_self=True))
    horizon: Look = field(default=nothing_hidden)
    latest: Latest = field(factory=Latest, eq=False)


@frozen(kw_only=True)
class Writer:
    """Who writes entries: *new_id* makes up put ids and attempts, *by* is for people.

    *is_gone* tells of a claimant (its *by*) that it surely lives no more: a hint that saves waiting.
    """

    by: str
    new_id: Callable[[], str]
    is_gone: Callable[[str], bool] = field(default=lambda _: False)


Hold = Callable[[LotLedger, Claim, float], AbstractContextManager[object]]
"""Keeps a claim renewed (every third of so many seconds) while the context lasts."""


def no_hold(_ledger: LotLedger, _claim: Claim, _lease: float) -> AbstractContextManager[object]:
    return nullcontext()


@define(kw_only=True, slots=False)
class RunningArc:
    """All that working a lot of an arc needs.

    *tenure* says which lots of a sink's dataset this project may write;
    *started* holds, by subscribed role, the lot after which lots are owed (None: all); where it holds nothing, all
    are. *declaration* tells apart what the arc was declared as over time.
    """

    project: Project
    arc: Arc
    state: ObjectStore
    manifests: Manifests
    sources: Mapping[str, SourceSide]
    workload: Workload
    publish: Callable[[Event], None]
    writer: Writer
    outputs: Path
    tenure: Callable[[Dataset], Tenure] = field(default=lambda _dataset: Tenure())
    hold: Hold = field(default=no_hold)
    stopping: Callable[[], bool] = field(default=lambda: False)
    started: Mapping[str, Lot | None] = field(factory=dict)
    switch: Switch = ON
    label: str = ""
    declaration: str = ""

    @property
    def element(self) -> str:
        """What people are told of it by: *label*, else its project's name, and its own."""
        return f"{self.label or self.project.name}/{self.arc.name}"

    @cached_property
    def keys(self) -> layout.ArcKeys:
        return layout.ArcKeys(self.project, self.arc.name)

    def ledger(self, lot: Lot) -> LotLedger:
        return LotLedger(self.state, self.keys, lot)

    def now(self) -> datetime:
        return self.state.now()

    def is_owed(self, lot: Lot) -> bool:
        return all(after is None or after < lot for after in self.started.values())

    def is_behind(self, lot: Lot) -> bool:
        """Whether retention has given up some part of *lot*, which is then not claimed any more."""
        return any(side.horizon().hides(lot) for side in self.sources.values())

    def is_held(self, lot: Lot) -> bool:
        """Whether *lot* is not to be begun: the arc is off, or the lot was left out when it was turned on again."""
        return bool(self.switch.off() or self.switch.skips(lot))

    @property
    def cleared(self) -> Lot | None:
        """The last lot of which a source is surely removed, with all before it."""
        passed = (side.horizon().cleared for side in self.sources.values())
        return last_of(lot_of(self.arc, lot).previous for lot in passed if lot)

    def new_attempt(self, revision: int, number: int) -> str:
        return attempt_id(revision, number, self.writer.new_id())

    def output(self, lot: Lot, attempt: str) -> Path:
        """Where what an attempt prints is kept."""
        return self.outputs / self.arc.name / str(lot) / f"{attempt}.log"

    def find_sources(self, lot: Lot) -> dict[str, Found]:
        """The newest manifest of each of *lot*'s parts, as far as there are any: one list a source."""
        return {
            part_of(self.arc, role, each.lot): each
            for role, side in self.sources.items()
            for each in self._find(side, lot)
        }

    def _find(self, side: SourceSide, lot: Lot) -> Iterable[Found]:
        if self.arc.lot_unit:
            return side.manifests.within(side.dataset, lot)
        return filter(None, [side.manifests.newest(side.dataset, lot)])


def pins(arc: RunningArc, found: Mapping[str, Found]) -> dict[str, Pin]:
    """What a claim of the parts *found* pins."""
    return {
        part: Pin(
            dataset=arc.arc.sources[role_of(arc.arc, part)].plain,
            lot=each.lot,
            manifest=each.uri,
            state=each.state,
            revision=each.revision,
        )
        for part, each in found.items()
    }


def roll_back(arc: RunningArc, revision: int, reason: str) -> Rollback:
    """The entry after which the lot is worked anew, as *revision*."""
    return Rollback(put_id=arc.writer.new_id(), at=arc.now(), by=arc.writer.by, revision=revision, reason=reason)
