"""The run itself: boundaries book in threads of their own, this one delivers and reconciles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic

from attrs import define, field, frozen

from clusterless.plugins import Plugins
from clusterless.provider import Subscription
from clusterless.runner.beginning import begun
from clusterless.runner.booking import Booking
from clusterless.runner.happenings import Happening, Trouble
from clusterless.runner.joining import Absent, Joining, open_reached
from clusterless.runner.listening import Listening
from clusterless.runner.lots import Lots
from clusterless.runner.opening import Opened, Workbench
from clusterless.runner.patience import let_be
from clusterless.runner.printing import Printing
from clusterless.runner.survey import Survey
from clusterless.runner.switching import Switchboard
from clusterless.runner.ticking import Ticking
from clusterless.runtime.announcing import PatientPublisher
from clusterless.runtime.arc import RunningArc, Writer
from clusterless.runtime.clock import SystemClock, identity, is_gone, random_id
from clusterless.runtime.renewal import Renewals
from clusterless.runtime.site import Awaited, Site
from clusterless.runtime.sweep import sweep

_RECONCILE = 60.0  # seconds between passes over what is owed
_TICK = 0.2  # seconds that nothing is looked at, unless something wakes us
_PATIENCE = 5.0  # seconds after trouble
_BEGINNING = 1.0  # seconds that boundaries are given to learn of their last seal
_RENEW = 1.0  # seconds between looks at the claims that are held
_LETTERS = 1.0  # seconds between looks at what is to be announced again
_MESSAGES = 64  # asked of a subscription at once


@frozen(kw_only=True)
class Options:
    """How to run: until *stop* is set, or, with *until_idle*, until all is at rest.

    *workloads* names the container engine that works arcs of a container kind; none: each by its own component.
    With *logs*, each line that lots print is told.
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
    wake = threading.Event()
    renewals = Renewals()
    clock = SystemClock()
    bench = Workbench(
        plugins=plugins,
        clock=clock,
        writer=Writer(by=identity(), new_id=random_id, is_gone=is_gone),
        hold=renewals.hold,
        stopping=stop.is_set,
        published=wake.set,
        scratch=options.scratch,
        engine=plugins.engine(options.workloads) if options.workloads else None,
    )
    found = begun(partial(open_reached, sites, awaited, bench), stop)
    if found is None:
        return Ended(idle=False, worked=0, set_aside=())
    opened, absent = found
    with opened.closing:
        return _Run(opened, absent, options, bench, tell, stop, wake, renewals).until_the_end()


@define(eq=False)
class _Run:
    opened: Opened
    absent: Sequence[Absent]
    options: Options
    bench: Workbench
    tell: Callable[[Happening], None]
    stop: threading.Event
    wake: threading.Event
    renewals: Renewals
    printing: Printing = field(init=False)
    lots: Lots = field(init=False)
    bookings: list[Booking] = field(factory=list, init=False)
    tickings: list[Ticking] = field(factory=list, init=False)
    listenings: list[Listening] = field(factory=list, init=False)
    joinings: list[Joining] = field(init=False)
    threads: list[threading.Thread] = field(factory=list, init=False)  # none of which ends by itself
    survey: Survey = field(init=False)
    switchboard: Switchboard = field(init=False)
    deaf: dict[str, float] = field(factory=dict)  # arcs whose subscription gave trouble, until when it is let be
    blind: float = 0  # until when what is owed is not looked for, since that gave trouble
    over: threading.Event = field(factory=threading.Event)

    def __attrs_post_init__(self) -> None:
        self.printing = Printing(self.tell, lines=self.options.logs)
        followed = self.printing.followed
        self.lots = Lots(
            self.options.concurrency,
            self.tell,
            self.wake.set,
            await_others=self.options.until_idle,
            followed=followed,
        )
        self.switchboard = Switchboard(self.opened.switches, self.tell)
        self.survey = Survey([arc for arc, _ in self.opened.arcs], self._changes)
        self.joinings = [Joining(each, self.tell, self.stop) for each in self.absent]

    def until_the_end(self) -> Ended:
        for name, target in (("renewals", self._renew), ("printing", partial(self.printing.run, self.over))):
            self.threads.append(threading.Thread(target=target, name=name, daemon=True))
            self.threads[-1].start()
        self._begin(self.opened)
        for joining in self.joinings:
            joining.start()
        for booking in self.bookings:
            booking.begun.wait(_BEGINNING)  # what it finds sealed is no news, for which all would be looked over again
        self.survey.begin()
        idle = False
        try:
            while not self.stop.is_set() and not idle:
                self._refuse_dead()
                self._join()
                moved = self._turn()
                idle = not moved and self.options.until_idle and self._is_idle()
                if not moved and not idle:
                    self._rest()
        finally:
            self.stop.set()
            self.lots.close()
            self.over.set()
            for thread in (*self.threads, *self.joinings):
                thread.join()
            for joining in self.joinings:
                joining.close()
        if idle:
            self._sweep()
        absent = tuple(joining.label for joining in self.joinings)
        return Ended(idle=idle, worked=self.lots.worked, set_aside=self._set_aside, absent=absent)

    def _begin(self, opened: Opened) -> None:
        """Start the threads of what was *opened*."""
        bookings = [
            Booking(boundary, self.tell, self.stop, seal_open=self.options.seal_open) for boundary in opened.boundaries
        ]
        followed = self.printing.followed
        tickings = [Ticking(each, self.tell, self.stop, self._ran, followed) for each in opened.activities]
        listenings = [
            Listening(each, self.tell, self.stop, self._changes, self.wake.set, whole=self.options.until_idle)
            for each in opened.distant
        ]
        notifying = [threading.Thread(target=self._notify, args=[each], daemon=True) for each in opened.notifiers]
        self.bookings += bookings
        self.tickings += tickings
        self.listenings += listenings
        begun = [*bookings, *tickings, *listenings, *notifying]
        for thread in begun:
            thread.start()
        self.threads += begun

    def _join(self) -> None:
        """Take up the projects whose placement answers by now."""
        for joining in list(self.joinings):
            if opened := joining.take():
                self.joinings.remove(joining)
                self.opened.add(opened)
                self._begin(opened)
                self.survey = Survey([arc for arc, _ in self.opened.arcs], self._changes)

    def _refuse_dead(self) -> None:
        """End where one is gone that was not told to: nobody would do its work, and the run never be idle."""
        for thread in self.threads:
            if not thread.is_alive() and not self.stop.is_set():
                msg = f"the thread of {thread.name} ended by itself"
                raise RuntimeError(msg)

    def _turn(self) -> bool:
        """Settle, start what is due, heard of or owed; whether any of it happened."""
        before = self.lots.started, self.lots.settled
        if self.switchboard.look():
            self.survey.begin()
        self.lots.collect()
        self.lots.start_due()
        self.opened.arcs.rotate()  # no arc is always heard last
        for arc, subscription in self.opened.arcs:
            self._hear(arc, subscription)
        for each in self.listenings:
            self._take(each)
        self._look()
        return before != (self.lots.started, self.lots.settled)

    def _hear(self, arc: RunningArc, subscription: Subscription) -> None:
        name, began = arc.element, monotonic()
        if not self.lots.free or monotonic() < self.deaf.get(name, 0):
            return
        try:
            for message in subscription.receive(min(self.lots.free, _MESSAGES)):
                self.lots.start(arc, message.event.lot, message)
        except Exception as error:  # noqa: BLE001  what is owed is found without events too
            self.deaf[name] = let_be(began, _PATIENCE)
            self.tell(Trouble(element=name, error=error))

    def _take(self, listening: Listening) -> None:
        if listening.arc:
            for lot, message in listening.take(self.lots.free):
                self.lots.start(listening.arc, lot, message)

    def _look(self) -> None:
        began = monotonic()
        if began < self.blind:
            return
        if self.survey.ended and self.survey.age > _RECONCILE:
            self.survey.begin_next()
        try:
            while self.lots.free and (owed := self.survey.next()):
                self.lots.start(*owed)
        except Exception as error:  # noqa: BLE001  a listing failed: look again, later
            self.tell(Trouble(element="reconcile", error=error))
            self.survey.begin_again()
            self.blind = let_be(began, _PATIENCE)

    def _rest(self) -> None:
        due = self.lots.next_due()
        self.wake.wait(_TICK if due is None else min(_TICK, due))
        self.wake.clear()

    def _is_idle(self) -> bool:
        """Whether all is at rest: known only from a pass during which nothing changed."""
        if self.lots.busy or self.lots.awaited or not all(booking.quiet for booking in self.bookings):
            return False
        if not all(ticking.quiet for ticking in self.tickings):
            return False
        if not all(notifier.quiet for notifier in self.opened.notifiers):
            return False
        if loud := [each for each in self.listenings if not each.quiet]:
            for each in loud:
                each.look_again()
            return False
        if self.survey.found_rest:
            return True
        if self.survey.ended:
            self.survey.begin()
        return False

    @property
    def _set_aside(self) -> tuple[str, ...]:
        boundaries = (booking.element for booking in self.bookings if booking.unreadable or booking.is_stuck)
        activities = (ticking.element for ticking in self.tickings if ticking.unreadable)
        unheard = (listening.element for listening in self.listenings if listening.is_stuck)
        return (*self.lots.set_aside.values(), *boundaries, *activities, *unheard)

    def _changes(self) -> int:
        lots = self.lots.worked + self.lots.finished + self.lots.postponed
        lots += self.switchboard.changes
        return lots + sum(booking.seals for booking in self.bookings) + sum(each.runs for each in self.tickings)

    def _ran(self) -> None:
        """What an activity did may be news to any boundary: none is quiet before it has looked again."""
        for booking in self.bookings:
            booking.look_again()
        self.wake.set()

    def _renew(self) -> None:
        """Until the last lot is let go, which may be long after the run was told to stop."""
        before = monotonic()
        while not self.over.wait(_RENEW):
            now = monotonic()
            self.renewals.passed(now - before)
            before = now

    def _notify(self, notifier: PatientPublisher) -> None:
        """Announce what is due of what could not be announced before."""
        while not self.stop.is_set():
            try:
                notifier.send_due()
            except Exception as error:  # noqa: BLE001  the letters are kept, and looked for again
                self.tell(Trouble(element=notifier.element, error=error))
            self.stop.wait(_LETTERS)

    def _sweep(self) -> None:
        distant = (listening.arc for listening in self.listenings if listening.arc)
        for arc in (*(arc for arc, _ in self.opened.arcs), *distant):
            try:
                sweep(arc, self.bench.plugins.open_store)
            except Exception as error:  # noqa: BLE001  what is left is swept the next time
                self.tell(Trouble(element=arc.element, error=error))
