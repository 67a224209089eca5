"""Arcs with sources in other placements: each is listened for in a thread of its own.

What cannot be reached, or is slow to answer, so holds up nobody else. Events are hints here too: the manifests are
looked at as well, often where nobody announces them to us. How far back a look reaches is decided in
`clusterless.engine.lookback`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from time import monotonic

from attrs import define, field, frozen

from clusterless.errors import ClsError
from clusterless.model.lot import Lot
from clusterless.provider import Delivery, Subscription
from clusterless.runner.happenings import Happening, Trouble
from clusterless.runner.patience import Patience
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.reconcile import lately_unsettled, unsettled

_TICK = 0.5  # seconds between looks into the queues
_UNHEARD = 10.0  # seconds between looks at manifests that nobody announces to us
_HEARD = 60.0  # and at those of which events come
_PATIENCE = 5.0  # seconds after the first trouble
_DEAF = 60.0  # seconds that a queue which gave trouble is let be
_MESSAGES = 64  # asked of a queue at once, and held for the run

Found = tuple[Lot, Delivery | None]


@frozen(kw_only=True)
class Reached:
    """An arc whose sources could be reached, and the *queues* that it hears by; *heard*: of all its sources."""

    arc: RunningArc
    queues: Sequence[Subscription]
    heard: bool


@define(eq=False)
class Distant:
    """An arc with sources *elsewhere*, in those placements.

    *open* may be called until it answers; *closing* gives back what it has opened.
    """

    element: str
    open: Callable[[ExitStack], Reached]
    elsewhere: frozenset[str]
    reached: Reached | None = None
    closing: ExitStack = field(factory=ExitStack)

    def reach(self) -> Reached:
        """Open it, once.

        Raises:
            ClsError: a placement cannot be reached, or something declared cannot be had.
        """
        if self.reached is None:
            with ExitStack() as stack:
                self.reached = self.open(stack)
                self.closing = stack.pop_all()
        return self.reached

    def close(self) -> None:
        self.closing.close()


class Listening(threading.Thread):
    """Hears of lots for one arc, and looks for them, until *stop* is set; who runs them takes them by `take`.

    *changes* counts whatever may make something owed. *whole*: every look is at all lots, so that it tells whether
    all is at rest. *is_stuck*: trouble came again and again that time does not mend; it is still tried.
    """

    def __init__(
        self,
        distant: Distant,
        tell: Callable[[Happening], None],
        stop: threading.Event,
        changes: Callable[[], int],
        wake: Callable[[], None],
        *,
        whole: bool,
    ) -> None:
        super().__init__(name=f"sources of {distant.element}", daemon=True)
        self._distant = distant
        self._tell = tell
        self._stop_asked = stop
        self._changes = changes
        self._wake = wake
        self._whole = whole
        self._found: deque[Found] = deque()
        self._patience = Patience(_PATIENCE)
        self._looks = 0  # that came to an end
        self._mark: int | None = None  # the changes when the last of these began
        self._due = 0.0
        self._deaf: dict[int, float] = {}  # queues by their number, until when
        self.element = distant.element
        self.is_stuck = False

    @property
    def arc(self) -> RunningArc | None:
        """None as long as its sources could not be reached."""
        return self._distant.reached.arc if self._distant.reached else None

    @property
    def quiet(self) -> bool:
        """Whether all is at rest, as far as can be told: known from a look during which nothing changed."""
        return self.is_stuck or (not self._found and self._mark == self._changes())

    def look_again(self) -> None:
        self._due = 0.0

    def take(self, most: int) -> Iterator[Found]:
        """Up to so many lots that were heard of or found, oldest first."""
        for _ in range(min(most, len(self._found))):
            yield self._found.popleft()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            try:
                self._turn(self._distant.reach())
            except Exception as error:  # noqa: BLE001  one arc's trouble is not the others'
                self._bear(error)
            else:
                self.is_stuck = False
                self._patience = Patience(_PATIENCE)
                self._stop_asked.wait(_TICK)

    def _turn(self, reached: Reached) -> None:
        for number, queue in enumerate(reached.queues):
            self._hear(number, queue)
        if monotonic() >= self._due:
            hears = reached.heard and not self._deaf
            self._due = monotonic() + (_HEARD if hears else _UNHEARD)
            self._look(reached.arc)

    def _hear(self, number: int, queue: Subscription) -> None:
        room = _MESSAGES - len(self._found)
        if room <= 0 or monotonic() < self._deaf.get(number, 0):
            return
        self._deaf.pop(number, None)
        try:
            for message in queue.receive(room):
                self._put(message.event.lot, message)
        except Exception as error:  # noqa: BLE001  what is owed is found without events too
            self._deaf[number] = monotonic() + _DEAF
            self._tell(Trouble(element=self.element, error=error))

    def _look(self, arc: RunningArc) -> None:
        mark = self._changes()
        for lot in unsettled(arc) if self._whole or not self._looks else lately_unsettled(arc, self._looks):
            self._put(lot, None)
            if self._stop_asked.is_set():
                return
        self._looks, self._mark = self._looks + 1, mark

    def _put(self, lot: Lot, message: Delivery | None) -> None:
        while len(self._found) >= _MESSAGES and not self._stop_asked.wait(_TICK / 10):
            pass  # a lot that is found again is the same lot: none is found before there is room
        self._found.append((lot, message))
        self._wake()

    def _bear(self, error: Exception) -> None:
        seconds = self._patience.lost(error)
        if self._patience.is_news:
            self._tell(Trouble(element=self.element, error=error))
        self.is_stuck = self._patience.is_over
        self._due = 0.0
        self._stop_asked.wait(seconds)


def try_to_reach(distant: Distant) -> None:
    """Open it now if it can be reached; where there is no answer, it is tried again while the run goes on.

    Raises:
        ClsError: something declared cannot be had.
    """
    try:
        distant.reach()
    except ClsError as error:
        if not error.retryable:
            raise
