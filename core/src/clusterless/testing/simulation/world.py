"""A small pipeline: two boundaries, a copy, a join, an arc after it, and a rollup of its lots into larger ones.

Processes that come and go work it.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from attrs import define, evolve, field, frozen

from clusterless import layout
from clusterless.errors import WorkloadError
from clusterless.model.arc import Arc, Retry, Wait
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import Booking, EventArrival, IngressBoundary, LotSource
from clusterless.model.dataset import OnRevision, SinkDataset, SourceDataset, Tenure
from clusterless.model.event import Event
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.project import Project
from clusterless.provider import SinkResult, Work, WorkResult
from clusterless.runtime.arc import RunningArc, SourceSide, Writer
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.horizon import KnownHorizon, nothing_hidden
from clusterless.runtime.ownership import Ownership, own
from clusterless.runtime.renewal import Renewals
from clusterless.runtime.start import started
from clusterless.runtime.switches import ON, KnownSwitches, Switch
from clusterless.store.api import ObjectStore
from clusterless.store.manifests import Manifests, encode
from clusterless.store.memory import MemoryStore
from clusterless.store.retrying import RetryingStore
from clusterless.testing.simulation.laws import Laws, WatchedStore
from clusterless.testing.simulation.queues import NoticeSource, Queue
from clusterless.testing.simulation.scheduler import START, Scheduler
from clusterless.testing.simulation.stores import Faults, SimulatedStore

PROJECT = Project(name="sim", version="1")
NEXT_PROJECT = Project(name="sim", version="2")
UNIT = LotUnit.SIXTIETHS
ROLLED = LotUnit.TWELFTHS
LEASE = 40.0
SINKS = "sinks/"
STORES = ("state", "manifest", "data", "metadata")


@frozen(kw_only=True)
class SimulatedBoundary(IngressBoundary):
    lot_source: LotSource = LotSource.EVENT_TIME

    @property
    def booking(self) -> Booking:
        return Booking(
            unit=self.lot_unit,
            arrival=self.event_arrival,
            grace=self.grace_sec,
            lot_source=self.lot_source,
            key_regex=r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)T(?P<hour>\d\d)(?P<minute>\d\d)",
        )


@frozen(kw_only=True)
class SimulatedRollup(Arc):
    @property
    def lot_unit(self) -> LotUnit:
        return ROLLED


def _sink(name: str) -> SinkDataset:
    return SinkDataset(name=name, version="1", path_uri=f"memory:///{SINKS}{name}/")


def _boundary(name: str, dataset: SinkDataset, lot_source: LotSource) -> SimulatedBoundary:
    return SimulatedBoundary(
        type="sim:core:boundary",
        name=name,
        dataset=dataset,
        lot_unit=UNIT,
        event_arrival=EventArrival.FREQUENT,
        grace_sec=10,
        lot_source=lot_source,
    )


def _arc(name: str, *sources: str, wait: Wait = Wait(), kind: type[Arc] = Arc) -> Arc:
    return kind(
        type="sim:core:arc",
        name=name,
        sources={
            each: SourceDataset(name=each, version="1", start="all", on_revision=OnRevision.RERUN) for each in sources
        },
        sinks={"main": _sink(f"{name}-out")},
        lease_sec=LEASE,
        retry=Retry(attempts=1000, backoff_sec=0.5),
        wait=wait,
    )


HAND_OVER = Lot.containing(START + timedelta(minutes=4), UNIT)
FORMER = _boundary("a", _sink("a"), LotSource.EVENT_TIME)
LATTER = _boundary("a2", evolve(_sink("a"), take_over=str(HAND_OVER)), LotSource.EVENT_TIME)
BOUNDARIES = (FORMER, LATTER, _boundary("b", _sink("b"), LotSource.KEY_TIMESTAMP_REGEX))
"""The second takes the dataset of the first over; both hear of all that arrives."""
ARCS = (
    _arc("copy", "a"),
    _arc("join", "copy-out", "b", wait=Wait(deadline_sec=90)),
    _arc("last", "join-out"),
    _arc("rollup", "last-out", wait=Wait(deadline_sec=60), kind=SimulatedRollup),
)


RETAINED = (FORMER.dataset, ARCS[0].sinks["main"], ARCS[2].sinks["main"])
"""The datasets whose old lots are removed, in plays with retention."""


class Watch(Protocol):
    """Is told when work is begun, and when it has ended."""

    def begins(self, work: Work) -> None: ...

    def ends(self, work: Work) -> None: ...


@define(eq=False)
class World:
    """All that outlives a process: the stores, the queues, the laws."""

    seed: int
    faults: Faults
    loses: float = 0.1  # of events
    scheduler: Scheduler = field(init=False)
    laws: Laws = field(factory=Laws)
    stores: dict[str, ObjectStore] = field(init=False)
    notices: dict[str, Queue[Arrival]] = field(init=False)
    events: dict[str, Queue[Event]] = field(init=False)
    arrived: Counter[bytes] = field(factory=Counter)
    ids: int = 0
    is_calm: bool = False  # faults are over
    gone: set[str] = field(factory=set)  # URIs of objects that retention has removed
    watch: Watch | None = None
    removes: bool = False  # what is old
    switches: bool = False  # things are turned off and on

    def __attrs_post_init__(self) -> None:
        self.scheduler = Scheduler(random.Random(self.seed))
        memory = {name: MemoryStore("memory:///", self.scheduler.now) for name in STORES}
        self.stores = {
            "state": WatchedStore(memory["state"], self.laws.state_written),
            "manifest": WatchedStore(memory["manifest"], self.laws.manifest_written),
            "data": memory["data"],
            "metadata": memory["metadata"],
        }
        own(self.stores["metadata"], PROJECT, FORMER.dataset)
        own(self.stores["metadata"], NEXT_PROJECT, LATTER.dataset)
        self.notices = {boundary.name: Queue(self.scheduler) for boundary in BOUNDARIES}
        self.events = {arc.name: Queue(self.scheduler, loses=self.loses) for arc in ARCS}
        for boundary in BOUNDARIES:
            self.laws.boundaries[boundary.name] = layout.dataset_path(boundary.dataset)
        for arc in ARCS:
            self.laws.sinks[arc.name] = {role: layout.dataset_path(sink) for role, sink in arc.sinks.items()}
            self.laws.arcs[arc.name] = arc

    def store(self, name: str) -> ObjectStore:
        """The store as a process sees it."""
        seen = SimulatedStore(self.stores[name], self.scheduler, self.faults)
        return RetryingStore(seen, self.scheduler.pause, attempts=3, jitter=self.scheduler.random.random)

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:016x}"

    def publish(self, event: Event) -> None:
        self.scheduler.pause()
        self.laws.published(event)
        for arc in ARCS:
            if any(source.id == event.dataset.id for source in arc.sources.values()):
                self.events[arc.name].send(event)

    def arrive(self, dataset: str, key: str, body: bytes) -> None:
        """An object arrives, and is noticed, perhaps twice and late."""
        store = self.stores["data"]
        store.put(key, body)
        self.arrived[body] += 1
        info = store.head(key)
        arrival = Arrival(layout.uri(store.root, key), info.etag, info.size, self.scheduler.now())
        for declared in BOUNDARIES:
            if declared.dataset.name == dataset:
                self.notices[declared.name].send(arrival)

    # ---- a process's own view ----

    def boundary(self, declared: SimulatedBoundary, writer: Writer) -> RunningBoundary:
        project = NEXT_PROJECT if declared is LATTER else PROJECT
        ownership = Ownership(self.store("metadata"), project)
        return RunningBoundary(
            project=project,
            tenure=ownership.tenure if declared.dataset.name == "a" else lambda _: Tenure(),
            boundary=declared,
            state=self.store("state"),
            manifests=Manifests(self.store("manifest")),
            source=NoticeSource(self.notices[declared.name], self.scheduler.pause),
            publish=self.publish,
            writer=writer,
            switch=self._switch(declared.name, project),
        )

    def arc(self, declared: Arc, writer: Writer, renewals: Renewals) -> RunningArc:
        manifests = Manifests(self.store("manifest"))
        running = RunningArc(
            project=PROJECT,
            arc=declared,
            state=self.store("state"),
            manifests=manifests,
            sources={role: self._side(role, manifests) for role in declared.sources},
            workload=SimulatedWorkload(self, self.store("data"), self.store("manifest"), renewals),
            publish=self.publish,
            writer=writer,
            outputs=Path("output"),
            hold=renewals.hold,
            switch=self._switch(declared.name, PROJECT),
        )
        running.started = started(running)
        return running

    def _switch(self, element: str, project: Project) -> Switch:
        return Switch(element, KnownSwitches(self.store("state"), project)) if self.switches else ON

    def _side(self, role: str, manifests: Manifests) -> SourceSide:
        horizon = KnownHorizon(manifests.store, _sink(role)) if self.removes else nothing_hidden
        return SourceSide(dataset=_sink(role), manifests=manifests, horizon=horizon)


@define(eq=False)
class SimulatedWorkload:
    """Copies every source object below the attempt's own name; fails, falls short and hangs now and then."""

    world: World
    data: ObjectStore
    staging: ObjectStore
    renewals: Renewals

    def run(self, work: Work) -> WorkResult:
        if self.world.watch is None:
            return self._run(work)
        self.world.watch.begins(work)
        try:
            return self._run(work)
        finally:
            self.world.watch.ends(work)

    def _run(self, work: Work) -> WorkResult:
        chance = self.world.scheduler.random
        earlier = [uri for sink in work.sinks.values() for manifest in sink.earlier for uri in manifest.uris]
        uris: list[str] = []
        trouble = chance.choices(("none", "hangs", "fails", "falls short"), weights=(90, 3, 3, 3))[0]
        if self.world.is_calm:
            trouble = "none"
        if trouble == "hangs":
            self.world.scheduler.pause(LEASE * 2)  # without a sign of life
        for source in work.sources.values():
            for uri in source.read().uris:
                uris.append(self._copied(work, uri, earlier))
                self._live()
                if trouble == "falls short":
                    break
        if trouble == "fails":
            raise WorkloadError("it fails")
        state = ManifestState.PARTIAL if trouble == "falls short" and uris else _state(uris)
        manifest = Manifest(state=state, lot=work.lot, uris=tuple(uris))
        if chance.random() < 0.3:
            self._stage(work, manifest)
            return WorkResult(sinks={role: SinkResult(manifest=each) for role, each in work.collect().items()})
        return WorkResult(sinks={"main": SinkResult(manifest=manifest)})

    def close(self) -> None:
        """Nothing is held."""

    def _copied(self, work: Work, uri: str, earlier: list[str]) -> str:
        name = uri.rpartition("/")[2]
        if done := [each for each in earlier if each.endswith(f"/{name}")]:
            return done[0]
        key = f"{SINKS}{work.arc}-out/{work.lot}/{work.attempt}/{name}"
        self.data.copy(key, self.data, layout.key(self.data.root, uri))
        return layout.uri(self.data.root, key)

    def _live(self) -> None:
        before = self.world.scheduler.time
        self.world.scheduler.pause(self.world.scheduler.random.uniform(0, 3))
        self.renewals.passed(self.world.scheduler.time - before)

    def _stage(self, work: Work, manifest: Manifest) -> None:
        uri = work.sinks["main"].staging.replace("{lot}", str(work.lot)).replace("{state}", manifest.state.value)
        self.staging.put(layout.key(self.staging.root, uri), encode(manifest).inline or b"")


def _state(uris: list[str]) -> ManifestState:
    return ManifestState.COMPLETE if uris else ManifestState.EMPTY
