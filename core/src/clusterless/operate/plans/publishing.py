"""Deliveries are put for whoever runs an arc elsewhere, instead of working its lots here."""

from __future__ import annotations

from functools import cached_property

from attrs import define, evolve, field

from clusterless.engine.plan import Why, replaces
from clusterless.engine.switches import Switches
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.operate.landscape import ArcView
from clusterless.provider import Provider, Publisher, Surroundings
from clusterless.runner.opening import Workbench
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.replay import ask_for, roll_back_once
from clusterless.runtime.site import subscriber
from clusterless.runtime.start import started
from clusterless.runtime.switches import read_switches


@define(eq=False, slots=False)
class Publishing:
    """Announces source lots again, as if they had just been committed, after their ledgers say that they are wanted."""

    view: ArcView
    arc: RunningArc
    bench: Workbench
    reason: str
    _there: RunningArc = field(init=False)  # the arc as it is run elsewhere, which has a start

    def __attrs_post_init__(self) -> None:
        heard = [source.plain for _, source in self.view.reader.subscribed]
        name = subscriber(self.view.project, self.view.arc)
        self._there = evolve(self.arc, started=started(self.arc))
        # There must be a queue, or else nobody would hear.
        self._provider.subscription(self._surroundings, name, heard).close()

    @property
    def _provider(self) -> Provider:
        return self.bench.plugins.provider(self.view.placement.provider)

    def send(self, lot: Lot, why: Why) -> bool:
        """Have the lot worked elsewhere; False where no source of it is there."""
        found = self.arc.find_sources(lot)
        role, _ = self.view.reader.subscribed[0]
        parts = [part for part in found if part == role or part.startswith(f"{role}/")]
        if not parts:
            return False
        is_rolled_back = roll_back_once(self.arc, lot, self.reason, lambda state: replaces(why, state))
        if not is_rolled_back and not self._is_worked_unasked(lot):
            ask_for(self.arc, lot, self.reason)
        one = found[parts[0]]
        event = Event(dataset=self.arc.sources[role].dataset, lot=one.lot, manifest=one.uri, revision=one.revision)
        self._publisher.publish(event)
        return True

    def _is_worked_unasked(self, lot: Lot) -> bool:
        """Whether it is worked there once it is heard of, though nobody has begun it: it may have been left out."""
        return self._there.is_owed(lot) and not self._switches.skips(self.arc.arc.name, lot)

    @cached_property
    def _switches(self) -> Switches:
        return read_switches(self.arc.state, self.view.project)

    @cached_property
    def _publisher(self) -> Publisher:
        """That of the arc's own placement: it hears there, and those who only read elsewhere announce nothing there."""
        return self._provider.publisher(self._surroundings)

    @cached_property
    def _surroundings(self) -> Surroundings:
        placement = self.view.placement
        return Surroundings(
            project=self.view.project,
            placement=placement,
            roots=self.view.placed.roots[placement],
            open_store=self.bench.plugins.open_store,
            clock=self.bench.clock,
            base=self.view.placed.base,
            scratch=self.bench.scratch,
        )
