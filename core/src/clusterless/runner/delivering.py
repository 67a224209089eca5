"""The thread of one placement's arcs: hear of lots, look for what is owed, have them worked, again and again.

Each placement has its own, with its own look at switches and its own lots at once; and so have the arcs that read
from others, by which these are. So one that neither answers nor refuses holds up nobody who asks it for nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from clusterless.provider import Subscription
from clusterless.runner.happenings import Happening, Trouble
from clusterless.runner.listening import Listening
from clusterless.runner.lots import Followed, Lots
from clusterless.runner.opening import Opened
from clusterless.runner.patience import let_be
from clusterless.runner.survey import Survey
from clusterless.runner.switching import Switchboard
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.switches import Switch

_RECONCILE = 60.0  # seconds between passes over what is owed
_TICK = 0.2  # seconds that nothing is looked at, unless something wakes us
_FAIR = 5.0  # seconds after which what is owed comes before what is heard: a busy queue takes all places
_PATIENCE = 5.0  # seconds after trouble
_MESSAGES = 64  # asked of a subscription at once


class Delivering(threading.Thread):
    """Works the lots of arcs that ask the same placements until *stop* is set; then what is under way is ended.

    *changes* counts, for the whole run, whatever may make something owed; *at_rest* says whether nobody else has
    anything in hand. *rested*, if the run is to end then, is called whenever all is found at rest here:
    since so many changes as `rests_since` tells.
    """

    def __init__(
        self,
        placements: str,
        concurrency: int,
        tell: Callable[[Happening], None],
        stop: threading.Event,
        followed: Followed,
        *,
        changes: Callable[[], int],
        at_rest: Callable[[], bool],
        rested: Callable[[], None] | None,
    ) -> None:
        super().__init__(name=f"lots of {placements}", daemon=True)
        self._tell = tell
        self._stop_asked = stop
        self._changes = changes
        self._at_rest = at_rest
        self._rested = rested
        self.wake = threading.Event()
        self.lots = Lots(concurrency, tell, self.wake.set, await_others=rested is not None, followed=followed)
        self._joining: deque[Callable[[], None]] = deque()  # what is to be taken up before the next turn
        self._arcs: deque[tuple[RunningArc, Subscription]] = deque()
        self._listenings: list[Listening] = []
        self._switches: dict[str, Switch] = {}
        self._switchboard = Switchboard(self._switches, tell)
        self._survey = Survey([], changes)
        self._deaf: dict[str, float] = {}  # arcs whose subscription gave trouble, until when it is let be
        self._blind = 0.0  # until when what is owed is not looked for, since that gave trouble
        self._looked = monotonic()  # when there was a place for what is owed
        self._is_busy = True
        self.rests_since: int | None = None
        self.error: Exception | None = None  # that no run should meet

    @property
    def changes(self) -> int:
        """How often something happened here that may make something owed, here or elsewhere."""
        return self.lots.worked + self.lots.finished + self.lots.postponed + self._switchboard.changes

    @property
    def is_busy(self) -> bool:
        """Whether lots are at work, or will be due, or something was not taken up yet."""
        return bool(self._joining) or self._is_busy  # in this order: what is no longer in the queue has made it busy

    def add(self, opened: Opened) -> None:
        """Have those arcs of a project besides that read from its own placement."""
        self._joining.append(lambda: self._survey_besides(opened))
        self.wake.set()

    def listen(self, listening: Listening) -> None:
        """Have the arc besides that is listened for elsewhere."""
        self._joining.append(lambda: self._listenings.append(listening))
        self.wake.set()

    def run(self) -> None:
        try:
            self._deliver()
        except Exception as error:  # noqa: BLE001  whoever runs us ends, and says so
            self.error = error

    def _deliver(self) -> None:
        try:
            while not self._stop_asked.is_set():
                self._join()
                moved = self._turn()
                self._is_busy = moved or self.lots.busy or self.lots.awaited
                if self._rested:
                    self._note_rest(self._rested)
                if not moved:
                    self._pause()
        finally:
            self.lots.close()

    def _join(self) -> None:
        while self._joining:
            self._is_busy, self.rests_since = True, None  # before it is taken: it is never at rest in between
            self._joining.popleft()()

    def _survey_besides(self, opened: Opened) -> None:
        self._arcs += opened.arcs
        self._switches |= opened.switches
        self._survey = Survey([arc for arc, _ in self._arcs], self._changes)

    def _turn(self) -> bool:
        """Settle, start what is due, heard of or owed; whether any of it happened."""
        before = self.lots.started, self.lots.settled
        if self._switchboard.look():
            self._survey.begin()
        self.lots.collect()
        self.lots.start_due()
        if monotonic() - self._looked > _FAIR:
            self._look()
        self._arcs.rotate()  # no arc is always heard last
        for arc, subscription in self._arcs:
            self._hear(arc, subscription)
        for each in self._listenings:
            self._take(each)
        self._look()
        return before != (self.lots.started, self.lots.settled)

    def _hear(self, arc: RunningArc, subscription: Subscription) -> None:
        name, began = arc.element, monotonic()
        if not self.lots.free or monotonic() < self._deaf.get(name, 0):
            return
        try:
            for message in subscription.receive(min(self.lots.free, _MESSAGES)):
                self.lots.start(arc, message.event.lot, message)
        except Exception as error:  # noqa: BLE001  what is owed is found without events too
            self._deaf[name] = let_be(began, _PATIENCE)
            self._tell(Trouble(element=name, error=error))

    def _take(self, listening: Listening) -> None:
        if listening.arc:
            for lot, message in listening.take(self.lots.free):
                self.lots.start(listening.arc, lot, message)

    def _look(self) -> None:
        began = monotonic()
        if began < self._blind:
            return
        if self.lots.free:
            self._looked = began
        if self._survey.ended and self._survey.age > _RECONCILE:
            self._survey.begin_next()
        try:
            while self.lots.free and (owed := self._survey.next()):
                self.lots.start(*owed)
        except Exception as error:  # noqa: BLE001  a listing failed: look again, later
            self._tell(Trouble(element="reconcile", error=error))
            self._survey.begin_again()
            self._blind = let_be(began, _PATIENCE)

    def _note_rest(self, rested: Callable[[], None]) -> None:
        """All is at rest here where a pass found nothing during which nothing changed anywhere."""
        self.rests_since = None
        if self.is_busy or not self._at_rest():
            return
        if loud := [each for each in self._listenings if not each.quiet]:
            for each in loud:
                each.look_again()
        elif self._survey.found_rest:
            self.rests_since = self._survey.mark
            rested()
        elif self._survey.ended:
            self._survey.begin()

    def _pause(self) -> None:
        due = self.lots.next_due()
        self.wake.wait(_TICK if due is None else min(_TICK, due))
        self.wake.clear()
