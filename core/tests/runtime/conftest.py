"""A bench to deliver lots on: stores in memory, a clock that only the test moves, workloads that are functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

from clusterless import layout
from clusterless.model.arc import Arc
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import Booking, IngressBoundary, LotSource
from clusterless.model.dataset import SinkDataset, SourceDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.project import Project
from clusterless.provider import Arrived, SinkResult, Work, WorkResult
from clusterless.runtime.arc import RunningArc, SourceSide, Writer
from clusterless.runtime.boundary import RunningBoundary
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger
from clusterless.store.manifests import Manifests, decode, encode
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import SettableClock

LOT = Lot.parse("20240131PT5M100")
PROJECT = Project(name="demo", version="1")

Do = Callable[[Work], WorkResult]


def sink(name: str, **more: Any) -> SinkDataset:
    return SinkDataset(name=name, version="1", path_uri=f"memory:///data/{name}/", **more)


def listing(lot: Lot, *uris: str, state: ManifestState | None = None) -> Manifest:
    kept = state or (ManifestState.COMPLETE if uris else ManifestState.EMPTY)
    return Manifest(state=kept, lot=lot, uris=uris)


def done(work: Work) -> WorkResult:
    """Every sink gets one object that names the attempt."""
    return WorkResult(
        sinks={
            role: SinkResult(manifest=listing(work.lot, f"{each.dataset.path_uri}{work.attempt}/object"), bytes=6)
            for role, each in work.sinks.items()
        }
    )


@define
class Worker:
    """Does what it is told, and keeps what it was given."""

    do: Do = done
    works: list[Work] = field(factory=list)

    def run(self, work: Work) -> WorkResult:
        self.works.append(work)
        return self.do(work)

    def close(self) -> None:
        pass


@frozen(kw_only=True)
class Booker(IngressBoundary):
    """A boundary whose booking the test says."""

    how: Booking

    @property
    def booking(self) -> Booking:
        return self.how


@define
class Notices:
    """Hands over what lies in *arrivals* until it is acknowledged."""

    arrivals: list[Arrival] = field(factory=list)
    acknowledged: int = 0

    def receive(self, wait: float, since: object) -> Arrived:
        return Arrived(arrivals=list(self.arrivals), acknowledge=self._acknowledge)

    def close(self) -> None:
        pass

    def _acknowledge(self) -> None:
        self.acknowledged += len(self.arrivals)
        self.arrivals.clear()


@define(repr=False)
class Bench:
    """One arc, ``work``, that reads the datasets of *sources* and writes those of *sinks*; roles are named alike."""

    clock: SettableClock
    outputs: Path
    sources: Mapping[str, SourceDataset] = field()
    sinks: Mapping[str, SinkDataset] = field()
    state: ObjectStore = field()
    manifest: ObjectStore = field()
    worker: Worker = field(factory=Worker)
    events: list[Event] = field(factory=list)
    ids: int = 0
    running: RunningBoundary | None = None

    lot = LOT

    @sources.default
    def _one_source(self) -> dict[str, SourceDataset]:
        return {"main": SourceDataset(name="in", version="1", start="all")}

    @sinks.default
    def _one_sink(self) -> dict[str, SinkDataset]:
        return {"main": sink("out")}

    @state.default
    def _state(self) -> MemoryStore:
        return MemoryStore("memory:///state/", self.clock.now)

    @manifest.default
    def _manifest(self) -> MemoryStore:
        return MemoryStore("memory:///manifest/", self.clock.now)

    def __repr__(self) -> str:
        return "Bench"  # what its stores hold would fill pages

    sink = staticmethod(sink)
    listing = staticmethod(listing)
    done = staticmethod(done)

    def result(self, lot: Lot, *uris: str, state: ManifestState | None = None, problem: str = "") -> WorkResult:
        each = SinkResult(manifest=listing(lot, *uris, state=state))
        return WorkResult(sinks=dict.fromkeys(self.sinks, each), problem=problem)

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:016x}"

    def declare(self, **more: Any) -> Arc:
        return Arc(type="test:core:arc", name="work", sources=self.sources, sinks=self.sinks, **more)

    def arc(self, declared: Arc | None = None, **more: Any) -> RunningArc:
        """The arc as one worker runs it; call again for another worker's."""
        given = {"by": more.pop("by", "worker"), "is_gone": more.pop("is_gone", lambda _: False)}
        arc = declared or self.declare()
        return RunningArc(
            **{
                "project": PROJECT,
                "arc": arc,
                "state": self.state,
                "manifests": Manifests(self.manifest),
                "sources": {
                    role: SourceSide(dataset=sink(each.name), manifests=Manifests(self.manifest))
                    for role, each in arc.sources.items()
                },
                "workload": self.worker,
                "publish": self.events.append,
                "writer": Writer(new_id=self.new_id, **given),
                "outputs": self.outputs,
                **more,
            }
        )

    def commit(self, *uris: str, lot: Lot = LOT, role: str = "main", revision: int = 0) -> str:
        """A manifest of a source, as a boundary or another arc leaves it."""
        manifest = listing(lot, *uris)
        with encode(manifest).open() as body:
            return Manifests(self.manifest).publish(self.sources[role], lot, manifest.state, revision, body)

    def put(self, key: str, manifest: Manifest) -> None:
        with encode(manifest).open() as body:
            self.manifest.put(key, body)

    def ledger(self, lot: Lot = LOT) -> LotLedger:
        return LotLedger(self.state, layout.ArcKeys(PROJECT, "work"), lot)

    def entries(self, lot: Lot = LOT) -> list[Any]:
        ledger = self.ledger(lot)
        return [ledger.read(number) for number in ledger.look().numbers]

    def kinds(self, lot: Lot = LOT) -> str:
        return " ".join(entry.kind for entry in self.entries(lot))

    def is_marked(self, lot: Lot = LOT) -> bool:
        """Whether a marker names the last entry."""
        last = self.entries(lot)[-1]
        return self.ledger(lot).is_marked(len(self.entries(lot)), last.state)

    def published(self, role: str = "main", lot: Lot = LOT) -> Manifest | None:
        """What readers of a sink see."""
        found = Manifests(self.manifest).newest(self.sinks[role], lot)
        return decode(self.manifest, found.key) if found else None

    def booker(self, **booking: Any) -> Booker:
        how = {"unit": LotUnit.TWELFTHS, "lot_source": LotSource.EVENT_TIME, "grace": 0, **booking}
        return Booker(
            type="test:core:boundary", name="in", dataset=sink("in"), lot_unit=how["unit"], how=Booking(**how)
        )

    def boundary(self, booker: Booker | None = None, **more: Any) -> RunningBoundary:
        return RunningBoundary(
            **{
                "project": PROJECT,
                "boundary": booker or self.booker(),
                "state": self.state,
                "manifests": Manifests(self.manifest),
                "source": Notices(),
                "publish": self.events.append,
                "writer": Writer(by="worker", new_id=self.new_id),
                **more,
            }
        )

    def arrival(self, name: str, etag: str = "e", lot: Lot = LOT) -> Arrival:
        return Arrival(f"memory:///data/in/{name}", etag, 3, lot.start)


@pytest.fixture
def bench(settable_clock: SettableClock, tmp_path: Path) -> Bench:
    settable_clock.set(LOT.end)
    return Bench(settable_clock, tmp_path)
