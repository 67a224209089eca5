"""One schedule: feed, work, kill, and at the end hold what there is against what arrived."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from attrs import define, field

from clusterless.errors import ClsError
from clusterless.model.lot import Lot
from clusterless.runtime.arc import RunningArc, Writer
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.delivery import deliver
from clusterless.runtime.intake import Intake
from clusterless.runtime.reconcile import unsettled
from clusterless.runtime.renewal import Renewals
from clusterless.runtime.replay import roll_back_lot
from clusterless.runtime.seal import seal_next
from clusterless.runtime.sweep import sweep
from clusterless.store.api import ObjectStore
from clusterless.testing.simulation.judgement import Judgement, last_lot
from clusterless.testing.simulation.laws import BrokenLawError
from clusterless.testing.simulation.rooted import Rooted
from clusterless.testing.simulation.scheduler import MOST_SKEW, START
from clusterless.testing.simulation.stores import Faults
from clusterless.testing.simulation.world import ARCS, BOUNDARIES, SINKS, World


@define(eq=False)
class Process:
    """One `cls run`: everything it does for every boundary and arc, a step at a time, in any order."""

    world: World
    name: str
    boundaries: list[RunningBoundary] = field(init=False)
    arcs: list[RunningArc] = field(init=False)

    def run(self) -> None:
        while True:
            try:
                self._open()
                while True:
                    self._step()
            except ClsError as error:
                self.world.scheduler.note(f"{self.name}: {error}")
                self.world.scheduler.pause(1)

    def _open(self) -> None:
        writer = Writer(by=self.name, new_id=self.world.new_id)
        self.boundaries = [self.world.boundary(each, writer) for each in BOUNDARIES]
        self.arcs = [self.world.arc(each, writer, Renewals()) for each in ARCS]

    def _step(self) -> None:
        chance = self.world.scheduler.random
        boundary, arc = chance.choice(self.boundaries), chance.choice(self.arcs)
        steps: list[Callable[[], object]] = [
            lambda: Intake(boundary).take(1),
            lambda: seal_next(boundary),
            lambda: self._hear(arc),
            lambda: self._hear(arc),
            lambda: self._reconcile(arc),
            lambda: sweep(arc, lambda uri: below(self.world, uri)),
        ]
        step = chance.choices(steps, weights=(6, 4, 6, 6, 1, 0.3))[0]
        step()
        self.world.scheduler.pause(chance.uniform(0, 2))

    def _hear(self, arc: RunningArc) -> None:
        for message in self.world.events[arc.arc.name].receive(1):
            delivered = deliver(arc, message.body.lot)
            if delivered.seconds is None:
                self.world.events[arc.arc.name].acknowledge([message])
            else:
                message.due = self.world.scheduler.time + delivered.seconds

    def _reconcile(self, arc: RunningArc) -> None:
        for lot in unsettled(arc):
            deliver(arc, lot)


def below(world: World, uri: str) -> ObjectStore:
    """The data store rooted at *uri*, as a process sees it."""
    return Rooted(world.store("data"), uri)


@define(eq=False)
class Play:
    """A schedule from a seed: the same seed gives the same log."""

    seed: int
    faults: Faults = field(factory=Faults)
    arrivals: int = 24
    workers: int = 3
    world: World = field(init=False)
    requests: dict[str, int] = field(factory=dict)  # by process, until all was at rest

    def __attrs_post_init__(self) -> None:
        self.world = World(self.seed, self.faults)

    def run(self) -> list[str]:
        """Play it to the end; gives the log.

        Raises:
            BrokenLawError: a law does not hold; the message ends with how to play it again.
        """
        try:
            self._play()
        except AssertionError as error:
            tail = "\n".join(self.world.scheduler.log[-30:])
            raise BrokenLawError(f"seed {self.seed}: {error}\n{tail}") from error
        return self.world.scheduler.log

    def _play(self) -> None:
        scheduler = self.world.scheduler
        for number in range(self.workers):
            self._hire(f"worker-{number}")
        feeder = scheduler.spawn("feeder", self._feed)
        names = self.workers
        while feeder.greenlet is not None and not feeder.greenlet.dead:
            scheduler.step()
            while len(scheduler.actors) < self.workers + 1:  # one has died
                self._hire(f"worker-{names}")
                names += 1
        self._calm()
        self._hire("last")
        judgement = self._until_rest()
        self.requests = {actor.name: actor.requests for actor in scheduler.actors}
        for actor in scheduler.actors:
            scheduler.kill(actor)
        while scheduler.step():
            pass
        judgement.all_is_well()

    def _hire(self, name: str) -> None:
        skew = self.world.scheduler.random.uniform(-MOST_SKEW, MOST_SKEW)
        self.world.scheduler.spawn(name, Process(self.world, name).run, skew)

    def _feed(self) -> None:
        """Arrivals and, now and then, a replay."""
        world, chance = self.world, self.world.scheduler.random
        for number in range(self.arrivals):
            body = f"object {number}".encode()
            if chance.random() < 0.5:
                world.arrive("a", f"{SINKS}a/{number}", body)
            else:
                late = chance.choice((0, 0, 0, 60, 120))
                moment = max(world.scheduler.now() - timedelta(seconds=late), START)
                world.arrive("b", f"{SINKS}b/{moment:%Y-%m-%dT%H%M}-{number}", body)
            if chance.random() < 0.1:
                self._replay()
            world.scheduler.pause(chance.uniform(0, 30))

    def _replay(self) -> None:
        world = self.world
        arc = world.arc(world.scheduler.random.choice(ARCS), Writer(by="feeder", new_id=world.new_id), Renewals())
        try:
            lots = [found.lot for found in arc.manifests.lots(arc.arc.sinks["main"])]
            if lots:
                roll_back_lot(arc, world.scheduler.random.choice(lots), "a replay")
        except ClsError as error:
            world.scheduler.note(f"feeder: {error}")

    def _calm(self) -> None:
        faults = self.world.faults
        faults.before = faults.lost = faults.kill = faults.stall = 0
        self.world.is_calm = True

    def _judge(self, last: Lot) -> Judgement:
        return Judgement(self.world, last)

    def _until_rest(self) -> Judgement:
        """Go on until every lot that something can have arrived in is at rest.

        Raises:
            BrokenLawError: that takes more than an hour.
        """
        scheduler, judgement = self.world.scheduler, self._judge(last_lot(self.world))
        end = scheduler.time + 3600
        while scheduler.time < end:
            resting = scheduler.time + 120
            while scheduler.time < resting:
                scheduler.step()
            if judgement.is_at_rest():
                return judgement
        judgement.all_is_well()
        return judgement
