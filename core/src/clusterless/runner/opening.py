"""From a site to what runs there: stores opened, resources made, arcs and boundaries at hand."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path

from attrs import Factory, define, evolve, frozen

from clusterless.errors import ClsError, StoreUnavailableError
from clusterless.model.activity import Activity
from clusterless.model.arc import Arc
from clusterless.model.boundary import IngressBoundary
from clusterless.model.element import Element
from clusterless.model.event import Event
from clusterless.model.project import Consumer
from clusterless.plugins import Plugins
from clusterless.provider import (
    ArcComponent,
    BarrierComponent,
    BoundaryComponent,
    Clock,
    ContainerEngine,
    EgressComponent,
    Publisher,
    StoreRoots,
    Subscription,
    Surroundings,
    Workload,
)
from clusterless.runner.hearing import open_queue
from clusterless.runner.listening import Distant, Reached, try_to_reach
from clusterless.runner.notifying import open_notifier
from clusterless.runner.ticking import open_activity
from clusterless.runtime.activity import RunningActivity
from clusterless.runtime.announcing import PatientPublisher
from clusterless.runtime.arc import Hold, RunningArc, SourceSide, Writer
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.declaration import digest
from clusterless.runtime.horizon import KnownHorizon
from clusterless.runtime.ownership import Ownership
from clusterless.runtime.register import register
from clusterless.runtime.site import Audible, Site, labels
from clusterless.runtime.start import started
from clusterless.runtime.switches import KnownSwitches, Switch
from clusterless.store.manifests import Manifests

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Workbench:
    """What all sites of one placement share; *published* is called after each event.

    With an *engine*, arcs that are worked in containers are worked by it.
    """

    plugins: Plugins
    clock: Clock
    writer: Writer
    hold: Hold
    stopping: Callable[[], bool]
    published: Callable[[], None]
    scratch: Path
    engine: ContainerEngine | None = None


@define
class Opened:
    """A project, in the *placement* that has those *stores*; *closing* gives everything back.

    The *distant* arcs have sources in other placements.
    """

    placement: str
    stores: StoreRoots
    boundaries: list[RunningBoundary] = Factory(list)
    activities: list[RunningActivity] = Factory(list)
    arcs: list[tuple[RunningArc, Subscription]] = Factory(list)
    distant: list[Distant] = Factory(list)
    notifiers: list[PatientPublisher] = Factory(list)
    switches: dict[str, Switch] = Factory(dict)  # by what people are told of their elements by
    closing: ExitStack = Factory(ExitStack)


BenchOf = Callable[[Site], Workbench]


def open_sites(sites: Sequence[Site], bench_of: BenchOf) -> list[Opened]:
    """Make ready to run; every arc's start is resolved before any boundary books.

    Raises:
        ClsError: something declared cannot be had; what was opened is closed.
    """
    benches = [bench_of(site) for site in sites]
    for site, bench in zip(sites, benches, strict=True):
        register(bench.plugins.open_store(site.roots.metadata), site.deployable)
    opened = list[Opened]()
    with ExitStack() as stack:
        for site, label, bench in zip(sites, labels(sites), benches, strict=True):
            opened.append(_open(site, label, bench))
            stack.push(opened[-1].closing)
        stack.pop_all()
    return opened


def open_site(site: Site, label: str, bench_of: BenchOf) -> Opened:
    """As `open_sites`, for one that people are told of by *label*."""
    bench = bench_of(site)
    register(bench.plugins.open_store(site.roots.metadata), site.deployable)
    return _open(site, label, bench)


def _open(site: Site, label: str, bench: Workbench) -> Opened:
    opened = Opened(site.deployable.placement.id, site.roots)
    with ExitStack() as stack:
        _Opening(site, label, bench, opened, stack).run()
        opened.closing = stack.pop_all()
    return opened


def open_arcs(site: Site, label: str, bench: Workbench, names: Collection[str], stack: ExitStack) -> list[RunningArc]:
    """Those of the arcs of *site* that have one of *names*, to work lots that are asked for, whatever their start.

    They hear of nothing; *stack* gives them back. Their starts are resolved: what comes from now on is owed.

    Raises:
        ClsError: something declared cannot be had.
    """
    register(bench.plugins.open_store(site.roots.metadata), site.deployable)
    opening = _Opening(site, label, bench, Opened(site.deployable.placement.id, site.roots), stack)
    publish = partial(_publish, opening.publishers(), bench.published)
    wanted = [each for each in site.deployable.consumers if not each.element.exclude and each.arc.name in names]
    arcs = [opening.arc(consumer, publish) for consumer in wanted]
    for arc in arcs:
        started(arc)
    return arcs


@define(slots=False)
class _Opening:
    site: Site
    label: str
    bench: Workbench
    opened: Opened
    stack: ExitStack

    def run(self) -> None:
        publish = partial(_publish, self.publishers(), self.bench.published)
        for index, resource in enumerate(self.site.deployable.resources):
            if not resource.exclude:
                with self._declared(f".resources[{index}]"):
                    self.bench.plugins.resources()[resource.type].load()(resource, self.surroundings)
        for consumer in self.site.deployable.consumers:
            if not consumer.element.exclude:
                with self._declared(consumer.path):
                    self._consumer(consumer, publish)
        for path, boundary in self.site.deployable.ingress:
            if not boundary.exclude:
                with self._declared(path):
                    self._boundary(boundary, publish)
        for index, activity in enumerate(self.site.deployable.activities):
            if not activity.exclude:
                with self._declared(f".activities[{index}]"):
                    self._activity(activity)

    @contextmanager
    def _declared(self, path: str) -> Iterator[None]:
        """Whatever cannot be had in the block is told with where it is declared."""
        try:
            yield
        except ClsError as error:
            raise error.located(f"{self.site.file}: {self.site.at}{path}") from error

    @cached_property
    def _ownership(self) -> Ownership:
        return Ownership(self.bench.plugins.open_store(self.site.roots.metadata), self.site.deployable.project)

    @cached_property
    def _switches(self) -> KnownSwitches:
        """One a project: all its elements know by the same look."""
        return KnownSwitches(self.bench.plugins.open_store(self.site.roots.arc_state), self.site.deployable.project)

    def _switch(self, element: str) -> Switch:
        switch = Switch(element, self._switches)
        self.opened.switches[f"{self.label}/{element}"] = switch
        return switch

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(
            project=self.site.deployable.project,
            placement=self.site.deployable.placement,
            roots=self.site.roots,
            open_store=self.bench.plugins.open_store,
            clock=self.bench.clock,
            base=self.site.base,
            scratch=self.bench.scratch,
            resources=self.site.deployable.resources,
            variables=self.bench.plugins.variables,
        )

    def publishers(self) -> list[Publisher]:
        plugins, surroundings = self.bench.plugins, self.surroundings
        with self._declared(".placement"):
            own = plugins.provider(self.site.deployable.placement.provider).publisher(surroundings)
        patient = []
        for index, notifier in enumerate(self.site.deployable.notifiers):
            if not notifier.exclude:
                with self._declared(f".notifiers[{index}]"):
                    stopping, switch = self.bench.stopping, self._switch(notifier.name)
                    patient.append(open_notifier(notifier, plugins, surroundings, stopping, self.label, switch))
        self.opened.notifiers += patient
        return [own, *patient]

    def arc(self, consumer: Consumer, publish: Callable[[Event], None]) -> RunningArc:
        project, arc = self.site.deployable.project, consumer.arc
        workload = self._workload(consumer.element)
        self.stack.callback(workload.close)
        return RunningArc(
            project=project,
            arc=arc,
            state=self.bench.plugins.open_store(self.site.roots.arc_state),
            manifests=Manifests(self.bench.plugins.open_store(self.site.roots.manifest)),
            sources={role: self._source(arc, role) for role in arc.sources},
            workload=workload,
            publish=publish,
            writer=self.bench.writer,
            tenure=self._ownership.tenure,
            outputs=self.bench.scratch / project.name / project.version,
            hold=self.bench.hold,
            stopping=self.bench.stopping,
            label=self.label,
            declaration=digest(consumer.element),
        )

    def _workload(self, element: Element) -> Workload:
        component, engine = self.bench.plugins.component(element.type), self.bench.engine
        assert isinstance(component, ArcComponent | BarrierComponent | EgressComponent)
        if engine and isinstance(component, ArcComponent) and component.container:
            assert isinstance(element, Arc)
            return engine.load()(element, component.container(element), self.surroundings)
        return component.load()(element, self.surroundings)

    def _consumer(self, consumer: Consumer, publish: Callable[[Event], None]) -> None:
        if self.site.is_distant(consumer.arc):
            self._distant(consumer.arc.name, publish)
        else:
            self._subscribed(self.arc(consumer, publish))

    def _subscribed(self, running: RunningArc) -> None:
        running.started = started(running)
        running.switch = self._switch(running.arc.name)  # what somebody asks for by name is worked all the same
        (own,) = self.site.audible(running.arc)
        self.opened.arcs.append((running, self._queue(running.arc, own)))

    def _distant(self, arc: str, publish: Callable[[Event], None]) -> None:
        """An arc that hears of lots elsewhere: at once, or when the placements that it reads from answer."""
        switch = self._switch(arc)

        def reach(stack: ExitStack) -> Reached:
            site = self.site.found(arc)
            opening = evolve(self, site=site, stack=stack)
            consumer = next(each for each in site.deployable.consumers if each.arc.name == arc)
            running = opening.arc(consumer, publish)
            running.started, running.switch = started(running), switch
            queues = [opening.heard(consumer.arc, each) for each in site.audible(consumer.arc)]
            return Reached(arc=running, queues=[each for each in queues if each], heard=all(queues))

        distant = Distant(f"{self.label}/{arc}", reach, self.site.elsewhere(arc))
        self.stack.callback(distant.close)
        if self.site.knows(arc):  # else whoever listens tries again, and nobody waits here
            try_to_reach(distant)
        self.opened.distant.append(distant)

    def heard(self, arc: Arc, audible: Audible) -> Subscription | None:
        """The queue of what is announced there; None elsewhere where we may not listen, or nobody announces."""
        try:
            return self._queue(arc, audible)
        except ClsError as error:
            if audible.placement == self.site.deployable.placement:
                raise
            where = f"{self.label}/{arc.name} hears of no lots in {audible.placement.id}, and looks at its manifests"
            _log.info("%s: %s", where, error)
            return None

    def _queue(self, arc: Arc, audible: Audible) -> Subscription:
        label = f"{self.label}/{arc.name}"
        queue = open_queue(self.site, arc, audible, self.bench.plugins, self.surroundings, noticed=label)
        self.stack.callback(queue.close)
        return queue

    def _source(self, arc: Arc, role: str) -> SourceSide:
        resolved = self.site.sources.get((arc.name, role))
        if resolved is None:
            placement = arc.sources[role].placement
            msg = f"{self.label}/{arc.name}: the placement {placement.id if placement else ''} cannot be reached"
            raise StoreUnavailableError(msg, hint=f"its source '{role}' is there: try again when it answers")
        manifests = Manifests(self.bench.plugins.open_store(resolved.stores.manifest))
        horizon = KnownHorizon(manifests.store, resolved.dataset)
        return SourceSide(dataset=resolved.dataset, manifests=manifests, roots=resolved.roots, horizon=horizon)

    def _boundary(self, boundary: IngressBoundary, publish: Callable[[Event], None]) -> None:
        component = self.bench.plugins.component(boundary.type)
        assert isinstance(component, BoundaryComponent)
        source = component.load()(boundary, self.surroundings)
        self.stack.callback(source.close)
        running = RunningBoundary(
            project=self.site.deployable.project,
            boundary=boundary,
            state=self.bench.plugins.open_store(self.site.roots.arc_state),
            manifests=Manifests(self.bench.plugins.open_store(self.site.roots.manifest)),
            source=source,
            publish=publish,
            writer=self.bench.writer,
            tenure=self._ownership.tenure,
            switch=self._switch(boundary.name),
            label=self.label,
        )
        self.opened.boundaries.append(running)

    def _activity(self, activity: Activity) -> None:
        bench = self.bench
        running = open_activity(activity, bench.plugins, self.surroundings, bench.writer, bench.stopping)
        running.label = self.label
        running.switch = self._switch(activity.name)
        self.stack.callback(running.runnable.close)
        self.opened.activities.append(running)


def _publish(publishers: Sequence[Publisher], published: Callable[[], None], event: Event) -> None:
    for publisher in publishers:
        publisher.publish(event)
    published()
