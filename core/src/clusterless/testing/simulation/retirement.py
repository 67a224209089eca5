"""Retention in the simulation: who removes old lots, and the laws that hold for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from attrs import define, field

from clusterless import codec, layout
from clusterless.errors import ClsError
from clusterless.model.arc import Arc
from clusterless.model.dataset import Dataset, SinkDataset
from clusterless.model.horizon import Horizon
from clusterless.model.ledger import Claim, Complete
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import Work
from clusterless.runtime.horizon import MEMORY, read_horizon
from clusterless.runtime.ownership import own, recorded
from clusterless.runtime.retention import Retained, expire
from clusterless.store.api import ObjectStore
from clusterless.store.manifests import Found, Manifests
from clusterless.testing.faults import ObservedStore
from clusterless.testing.simulation.judgement import Judgement
from clusterless.testing.simulation.laws import BrokenLawError
from clusterless.testing.simulation.play import Play
from clusterless.testing.simulation.rooted import Rooted
from clusterless.testing.simulation.scheduler import MOST_SKEW
from clusterless.testing.simulation.world import ARCS, PROJECT, RETAINED, World

T = TypeVar("T")

AGE = timedelta(minutes=3)
_TURNS = 100  # of a quarter of a minute, at most, until the trouble is over
_LATE = timedelta(minutes=8)  # by when what is old enough is surely removed, in calm
_REMOVES = "retention of"
_HERE = Placement(provider="sim")


@define(eq=False)
class RetiringPlay(Play):
    """A schedule in which two processes remove what is old, as often as they like."""

    arrivals: int = 40
    workers: int = 5
    retirement: Retirement = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.retirement = self.world.watch = Retirement(self.world)
        self.world.removes = True

    def _hire(self, name: str) -> None:
        scheduler = self.world.scheduler
        removing = sum(actor.name.startswith(_REMOVES) for actor in scheduler.actors)
        if removing == 2 or name == "last":
            super()._hire(name)
        if removing < 2:
            skew = scheduler.random.uniform(-MOST_SKEW, MOST_SKEW)
            scheduler.spawn(f"{_REMOVES} {name}", lambda: retire(self.retirement, name), skew)

    def _feed(self) -> None:
        """Trouble goes on until a good part of what came has been removed in it."""
        super()._feed()
        world = self.world
        for _ in range(_TURNS):
            if len(world.gone) * 2 > self.arrivals:
                return
            world.scheduler.pause(15)

    def _judge(self, last: Lot) -> Judgement:
        return RetiringJudgement(self.world, last, self.retirement)


def retire(retirement: Retirement, name: str) -> None:
    """One process: the retention of every dataset that has some, again and again."""
    world = retirement.world
    while True:
        dataset = world.scheduler.random.choice(RETAINED)
        try:
            expired = expire(_retained(retirement, dataset))
            if expired.lots:
                world.scheduler.note(f"{name}: {dataset.id}: {expired}")
        except ClsError as error:
            world.scheduler.note(f"{name}: {error}")
        world.scheduler.pause(world.scheduler.random.uniform(5, 40))


def _reads(arc: Arc, dataset: Dataset) -> bool:
    return any(source.id == dataset.id for source in arc.sources.values())


def _retained(retirement: Retirement, dataset: SinkDataset) -> Retained:
    world = retirement.world
    metadata = world.stores["metadata"]
    owned = recorded(metadata, dataset)
    assert owned is not None
    watched = retirement.watch(world.store("data"), dataset)
    return Retained(
        project=Project(name=owned.owner.name, version=owned.owner.version),
        placement=_HERE,
        dataset=dataset,
        age=f"{int(AGE.total_seconds())}s",
        metadata=world.store("metadata"),
        state=world.store("state"),
        manifests=Manifests(world.store("manifest")),
        open_store=lambda uri: Rooted(watched, uri),
        thorough=world.scheduler.random.random() < 0.5,
    )


# ---- laws ------------------------------------------------------------------------------------------------------


@define(eq=False)
class Retirement:
    """What was removed, and what is being worked; asked before each of both."""

    world: World
    touched: set[tuple[str, Lot]] = field(factory=set)  # dataset ids and lots of which something is gone
    working: dict[str, Work] = field(factory=dict)  # by attempt

    def __attrs_post_init__(self) -> None:
        metadata = self.world.stores["metadata"]
        for dataset in RETAINED:
            if recorded(metadata, dataset) is None:
                own(metadata, PROJECT, dataset)
        for arc in ARCS:
            metadata.put(layout.arc_meta(layout.ArcKeys(PROJECT, arc.name)), codec.record_bytes(arc))

    def watch(self, data: ObjectStore, dataset: Dataset) -> ObjectStore:
        return _Watched(data, self, dataset)

    def begins(self, work: Work) -> None:
        """Nothing is worked of which something is removed, or that lies before a horizon that is known by all."""
        for source in work.sources.values():
            for lot in self._parts(work, source.dataset):
                if (source.dataset.id, lot) in self.touched:
                    raise BrokenLawError(f"{work.arc} {work.lot} is begun, and {source.dataset.id} {lot} is removed")
                horizon = read_horizon(self.world.stores["manifest"], source.dataset)
                known = horizon.known_by(self.world.scheduler.now() - MEMORY)
                if known and lot.start < known.start:
                    raise BrokenLawError(f"{work.arc} {work.lot} is begun, and lies before {known}")
        self.working[work.attempt] = work

    def ends(self, work: Work) -> None:
        self.working.pop(work.attempt, None)

    def removes(self, dataset: Dataset, uri: str) -> None:
        """An object goes only when all who read its lot have consumed it, as it is, and nobody is at it."""
        for found in self._listing(dataset, uri):
            horizon = read_horizon(self.world.stores["manifest"], dataset).lot
            if horizon is None or found.lot.start >= horizon.start:
                raise BrokenLawError(f"{uri} of {found.lot} is removed, and the horizon is {horizon}")
            for arc in ARCS:
                if _reads(arc, dataset):
                    self._consumed(arc.name, dataset, found)
                    if arc.lot_unit and Lot.containing(horizon.start, arc.lot_unit).start != horizon.start:
                        raise BrokenLawError(f"the horizon is {horizon}, within a lot of {arc.name}")
            self.touched.add((dataset.id, found.lot))
        self.world.gone.add(uri)

    def _consumed(self, arc: str, dataset: Dataset, found: Found) -> None:
        for path, entries in self.world.laws.ledgers.items():
            last = entries[-1]
            if f"arc={arc}/" not in path or not isinstance(last, Claim):
                continue
            if last.attempt in self.working and _pins(last, dataset, found):
                raise BrokenLawError(f"{dataset.id} {found.lot} is removed while {arc} works it")
        if not self.has_consumed(arc, dataset, found):
            raise BrokenLawError(f"{dataset.id} {found.lot} is removed, and {arc} has not consumed it")

    def has_consumed(self, arc: str, dataset: Dataset, found: Found) -> bool:
        ledgers = (entries for path, entries in self.world.laws.ledgers.items() if f"arc={arc}/" in path)
        done = (entry for entries in ledgers for entry in entries)
        return any(isinstance(entry, Complete) and _pins(entry, dataset, found) for entry in done)

    def _listing(self, dataset: Dataset, uri: str) -> Iterator[Found]:
        manifests = Manifests(self.world.stores["manifest"])
        for found in manifests.lots(dataset):
            if uri in manifests.read(found).uris:
                yield found

    def _parts(self, work: Work, dataset: Dataset) -> Iterator[Lot]:
        for path, entries in self.world.laws.ledgers.items():
            last = entries[-1]
            if f"arc={work.arc}/" in path and isinstance(last, Claim) and last.attempt == work.attempt:
                yield from (pin.lot for pin in last.sources.values() if pin.dataset.id == dataset.id)


def _pins(entry: Claim | Complete, dataset: Dataset, found: Found) -> bool:
    pins = entry.sources.values()
    return any(pin.dataset.id == dataset.id and pin.lot == found.lot and pin.revision >= found.revision for pin in pins)


class _Watched(ObservedStore):
    def __init__(self, store: ObjectStore, retirement: Retirement, dataset: Dataset) -> None:
        super().__init__(store)
        self._retirement = retirement
        self._dataset = dataset

    def delete(self, key: str) -> None:
        self._retirement.removes(self._dataset, layout.uri(self.root, key))
        self.store.delete(key)

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        return ask()


@define(eq=False)
class RetiringJudgement(Judgement):
    """What is old and was consumed is gone, with its objects; all else is as without retention."""

    retirement: Retirement

    def _unrest(self) -> Iterator[str]:
        yield from super()._unrest()
        if not self.world.gone:
            yield "nothing is removed yet"
        data = self.world.stores["data"]
        manifests = Manifests(self.world.stores["manifest"])
        old = self.world.scheduler.now() - AGE - _LATE
        for dataset in RETAINED:
            horizon = read_horizon(manifests.store, dataset)
            for found in manifests.lots(dataset):
                if found.lot.end <= old and found.lot <= self.last and not self._came_late(dataset, found, horizon):
                    yield f"{dataset.id} {found.lot} is still there, and the horizon is {horizon.lot}"
            for revisions in manifests.revisions(dataset):
                if any(each.state is not ManifestState.REMOVED for each in revisions):
                    continue
                for uri in (uri for each in revisions for uri in manifests.read(each).uris):
                    key = layout.key(data.root, uri)
                    if any(info.key == key for info in data.list(key)):
                        yield f"{dataset.id} {revisions[0].lot}: {uri} is still there"

    def _came_late(self, dataset: Dataset, found: Found, horizon: Horizon) -> bool:
        """Whether a revision was made when its lot was given up already, and so is never consumed."""
        readers = [arc.name for arc in ARCS if _reads(arc, dataset)]
        consumed = all(self.retirement.has_consumed(arc, dataset, found) for arc in readers)
        return horizon.hides(found.lot) and not consumed
