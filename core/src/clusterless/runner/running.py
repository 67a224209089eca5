"""The run itself: each boundary, activity and placement in a thread of its own; this one says when all is at rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import monotonic

from attrs import define, evolve, field, frozen

from clusterless.plugins import Plugins
from clusterless.provider import StoreRoots
from clusterless.runner.beginning import begun
from clusterless.runner.booking import Booking
from clusterless.runner.delivering import Delivering
from clusterless.runner.happenings import Happening, Trouble
from clusterless.runner.joining import Absent, Joining, open_reached
from clusterless.runner.listening import Distant, Listening
from clusterless.runner.notifying import Notifying
from clusterless.runner.opening import Opened, Workbench
from clusterless.runner.printing import Printing
from clusterless.runner.ticking import Ticking
from clusterless.runtime.arc import RunningArc, Writer, no_hold
from clusterless.runtime.clock import SystemClock, identity, is_gone, random_id
from clusterless.runtime.renewal import Renewals, renewing
from clusterless.runtime.site import Awaited, Site
from clusterless.runtime.sweep import sweep

_TICK = 0.2  # seconds between looks at whether all is at rest
_BEGINNING = 1.0  # seconds that boundaries are given to learn of their last seal


@frozen(kw_only=True)
class Options:
    """How to run: until *stop* is set, or, with *until_idle*, until all is at rest.

    *concurrency* is how many lots are worked at once, in each placement. *workloads* names the container engine that
    works arcs of a container kind; none: each by its own component. With *logs*, each line that lots print is told.
    """

    scratch: Path
    concurrency: int = 2
    until_idle: bool = False
    seal_open: bool = False
    workloads: str = ""
    logs: bool = False


@frozen(kw_only=True)
class Ended:
    """How a run ended: *idle* when all was at rest.

    What is *set_aside* cannot be worked before someone looks: ``project/arc lot``, boundaries and activities.
    *absent* are the projects whose placement has not answered until the end.
    """

    idle: bool
    worked: int
    set_aside: tuple[str, ...]
    absent: tuple[str, ...] = ()


def run(
    sites: Sequence[Site],
    plugins: Plugins,
    options: Options,
    tell: Callable[[Happening], None],
    stop: threading.Event,
    awaited: Sequence[Awaited] = (),
) -> Ended:
    """Run everything that *sites* declare; a service that asks for fewer requests is waited for.

    What is *awaited*, or does not answer as others of the *sites* do, joins them when it answers.

    Raises:
        ClsError: something declared cannot be had; nothing was begun.
    """
    ending = threading.Event()  # not *stop*, which is to be heard while the run is ended, too
    bench = Workbench(
        plugins=plugins,
        clock=SystemClock(),
        writer=Writer(by=identity(), new_id=random_id, is_gone=is_gone),
        hold=no_hold,
        stopping=ending.is_set,
        published=lambda: None,
        scratch=options.scratch,
        engine=plugins.engine(options.workloads) if options.workloads else None,
    )
    with ExitStack() as closing:
        running = _Run(bench, options, tell, stop, ending, closing)
        found = begun(partial(open_reached, sites, awaited, running.bench_of), stop)
        return running.until_the_end(*found) if found else Ended(idle=False, worked=0, set_aside=())


@define(eq=False)
class _Run:
    bench: Workbench
    options: Options
    tell: Callable[[Happening], None]
    stop: threading.Event  # asked for by whoever runs us
    ending: threading.Event  # told to all threads
    closing: ExitStack
    printing: Printing = field(init=False)
    # By the stores of their placement, and the placements that they read from besides.
    deliverings: dict[tuple[StoreRoots, frozenset[str]], Delivering] = field(factory=dict, init=False)
    renewals: dict[StoreRoots, Renewals] = field(factory=dict, init=False)
    bookings: list[Booking] = field(factory=list, init=False)
    tickings: list[Ticking] = field(factory=list, init=False)
    notifyings: list[Notifying] = field(factory=list, init=False)
    listenings: list[Listening] = field(factory=list, init=False)
    joinings: list[Joining] = field(factory=list, init=False)
    arcs: list[RunningArc] = field(factory=list, init=False)
    threads: list[threading.Thread] = field(factory=list, init=False)  # none of which ends by itself
    rested: threading.Event = field(factory=threading.Event, init=False)  # some placement was found at rest
    over: threading.Event = field(factory=threading.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.printing = Printing(self.tell, lines=self.options.logs)

    def bench_of(self, site: Site) -> Workbench:
        """That of the site's placement: it shares nothing that could hold others up."""
        delivering = self._delivering(site.deployable.placement.id, site.roots)
        return evolve(self.bench, hold=self._renewals(site.roots).hold, published=delivering.wake.set)

    def _renewals(self, stores: StoreRoots) -> Renewals:
        """Those of all claims that are kept there, until the last lot is let go: long after others are told to end."""
        new = Renewals()
        if self.renewals.setdefault(stores, new) is new:
            self.closing.enter_context(renewing(new))
        return self.renewals[stores]

    def _delivering(self, placement: str, stores: StoreRoots, elsewhere: frozenset[str] = frozenset()) -> Delivering:
        """Who works for the arcs of a placement that ask for what is *elsewhere* besides."""
        if (stores, elsewhere) not in self.deliverings:
            new = Delivering(
                ", ".join((placement, *sorted(elsewhere))),
                self.options.concurrency,
                self.tell,
                self.ending,
                self.printing.followed,
                changes=self._changes,
                at_rest=self._at_rest,
                rested=self.rested.set if self.options.until_idle else None,
            )
            self.deliverings.setdefault((stores, elsewhere), new)  # another thread may open a project there, too
        return self.deliverings[stores, elsewhere]

    def until_the_end(self, opened: Sequence[Opened], absent: Sequence[Absent]) -> Ended:
        self._start(threading.Thread(target=self.printing.run, args=[self.over], name="printing", daemon=True))
        self.joinings = [Joining(each, self.tell, self.ending) for each in absent]
        for joining in self.joinings:
            joining.start()
        idle = False
        try:
            self._begin(opened)
            while not self.stop.is_set() and not idle:
                self._refuse_dead()
                self._join()
                idle = self.options.until_idle and self._is_idle()
                if not idle:
                    self.rested.wait(_TICK)
                    self.rested.clear()
        finally:
            self._stop()
        if idle:
            self._sweep()
        worked = sum(each.lots.worked for each in self._deliverings())
        absent_still = tuple(joining.label for joining in self.joinings)
        return Ended(idle=idle, worked=worked, set_aside=self._set_aside, absent=absent_still)

    def _begin(self, opened: Sequence[Opened]) -> None:
        """Start the threads of what was *opened*; lots once boundaries know what is sealed, since that is no news."""
        followed, seal_open = self.printing.followed, self.options.seal_open
        bookings, begun = list[Booking](), list[threading.Thread]()
        for each in opened:
            self.closing.enter_context(each.closing)
            bookings += (Booking(boundary, self.tell, self.ending, seal_open=seal_open) for boundary in each.boundaries)
            tickings = [Ticking(activity, self.tell, self.ending, self._ran, followed) for activity in each.activities]
            notifyings = [Notifying(notifier, self.tell, self.ending) for notifier in each.notifiers]
            listenings = [self._listening(distant, each) for distant in each.distant]
            self._delivering(each.placement, each.stores).add(each)
            self.tickings += tickings
            self.notifyings += notifyings
            self.listenings += listenings
            self.arcs += (arc for arc, _ in each.arcs)
            begun += (*tickings, *notifyings, *listenings)
        self.bookings += bookings
        self._start(*bookings, *begun)
        deadline = monotonic() + _BEGINNING
        for booking in bookings:
            booking.begun.wait(max(deadline - monotonic(), 0))
        self._start(*(each for each in self._deliverings() if each.ident is None))

    def _listening(self, distant: Distant, opened: Opened) -> Listening:
        delivering = self._delivering(opened.placement, opened.stores, distant.elsewhere)
        wake, whole = delivering.wake.set, self.options.until_idle
        listening = Listening(distant, self.tell, self.ending, self._changes, wake, whole=whole)
        delivering.listen(listening)
        return listening

    def _start(self, *threads: threading.Thread) -> None:
        for thread in threads:
            thread.start()
        self.threads += threads

    def _stop(self) -> None:
        """Have all threads end: those who work lots first, whom the others may still serve."""
        self.ending.set()
        for delivering in self._deliverings():
            delivering.wake.set()
        for delivering in self._begun():
            delivering.join()
        self.over.set()
        for thread in (*self.threads, *self.joinings):
            thread.join()
        for joining in self.joinings:
            joining.close()

    def _join(self) -> None:
        """Take up the projects whose placement answers by now."""
        for joining in list(self.joinings):
            if opened := joining.take():
                self.joinings.remove(joining)
                self._begin([opened])

    def _refuse_dead(self) -> None:
        """End where one is gone that was not told to: nobody would do its work, and the run never be idle."""
        for delivering in self._deliverings():
            if delivering.error:
                raise delivering.error
        for thread in self.threads:
            if not thread.is_alive():
                msg = f"the thread of {thread.name} ended by itself"
                raise RuntimeError(msg)

    def _is_idle(self) -> bool:
        """Whether each placement was found at rest, and nothing changed in any of them since."""
        rest_since = {each.rests_since for each in self._begun()}
        return self._at_rest() and rest_since == {self._changes()}

    def _at_rest(self) -> bool:
        """Whether nobody has anything in hand, as far as is known without looking."""
        others: Sequence[Booking | Ticking | Notifying] = (*self.bookings, *self.tickings, *self.notifyings)
        return all(each.quiet for each in others) and not any(each.is_busy for each in self._begun())

    def _deliverings(self) -> Sequence[Delivering]:
        return tuple(self.deliverings.values())

    def _begun(self) -> Sequence[Delivering]:
        """Without those of placements none of whose projects could be opened yet."""
        return [each for each in self._deliverings() if each.ident is not None]

    @property
    def _set_aside(self) -> tuple[str, ...]:
        lots = (lot for each in self._deliverings() for lot in each.lots.set_aside.values())
        boundaries = (booking.element for booking in self.bookings if booking.unreadable or booking.is_stuck)
        activities = (ticking.element for ticking in self.tickings if ticking.unreadable)
        unheard = (listening.element for listening in self.listenings if listening.is_stuck)
        return (*lots, *boundaries, *activities, *unheard)

    def _changes(self) -> int:
        """How often something happened that may make something owed."""
        counts = (*(each.changes for each in self._deliverings()), *(each.seals for each in self.bookings))
        return sum(counts) + sum(each.runs for each in self.tickings)

    def _ran(self) -> None:
        """What an activity did may be news to any boundary: none is quiet before it has looked again."""
        for booking in self.bookings:
            booking.look_again()

    def _sweep(self) -> None:
        distant = (listening.arc for listening in self.listenings if listening.arc)
        for arc in (*self.arcs, *distant):
            try:
                sweep(arc, self.bench.plugins.open_store, stopping=self.stop.is_set)
            except Exception as error:  # noqa: BLE001  what is left is swept the next time
                self.tell(Trouble(element=arc.element, error=error))
