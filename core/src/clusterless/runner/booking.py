"""One boundary's thread: take what arrives, seal what is due, again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from clusterless.errors import MalformedError
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.model.seal import Seal
from clusterless.runner.happenings import Ahead, Booked, Happening, SealedLots, Trouble, Waits
from clusterless.runner.patience import Patience
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.intake import Intake, Taken
from clusterless.runtime.seal import finish_last, seal_next

_WAIT = 0.25  # seconds that a source is listened to before seals are looked after
_PATIENCE = 2.0  # seconds after the first trouble


class Booking(threading.Thread):
    """Books until *stop* is set; *quiet* says that all that has arrived is in a sealed lot, as far as that can be.

    *unreadable* are the records that could not be read: a batch was set aside; behind a seal nothing goes on.
    *is_stuck*: trouble came again and again that time does not mend; it is still tried, and not waited for.
    """

    def __init__(
        self,
        boundary: RunningBoundary,
        tell: Callable[[Happening], None],
        stop: threading.Event,
        *,
        seal_open: bool,
    ) -> None:
        super().__init__(name=f"boundary {boundary.boundary.name}", daemon=True)
        self._boundary = boundary
        self._tell = tell
        self._stop_asked = stop
        self._seal_open = seal_open
        self.element = boundary.element
        self._is_quiet = False
        self._turns = self._turns_owed = 0
        self._ahead = 0
        self._due: tuple[Lot, datetime] | None = None
        self.unreadable: set[str] = set()
        self.is_stuck = False
        self._patience = Patience(_PATIENCE)
        self.begun = threading.Event()  # it knows of the seals that were there

    @property
    def quiet(self) -> bool:
        return self._is_quiet and self._turns >= self._turns_owed

    def look_again(self) -> None:
        """Be not quiet before the source was asked anew: a turn may be under way that asked before."""
        self._turns_owed = self._turns + 2

    @property
    def seals(self) -> int:
        """How many are known to be finished, by whomever."""
        return self._boundary.last

    def run(self) -> None:
        intake = Intake(self._boundary)
        while not self._stop_asked.is_set():
            try:
                self._turn(intake)
            except MalformedError as error:
                self._set_aside(error)
            except Exception as error:  # noqa: BLE001  one boundary's trouble is not the others'
                self._bear(error)
            else:
                self.is_stuck = False
                self._patience = Patience(_PATIENCE)

    def _bear(self, error: Exception) -> None:
        seconds = self._patience.lost(error)
        if self._patience.is_news:
            self._tell(Trouble(element=self.element, error=error))
        self._turns += 1
        self.is_stuck = self._is_quiet = self._patience.is_over
        self._stop_asked.wait(seconds)

    def _set_aside(self, error: MalformedError) -> None:
        """Go on at once the first time: what is in the way again is not mended by waiting."""
        self._turns += 1
        self._is_quiet = error.source in self.unreadable
        if self._is_quiet:
            self._stop_asked.wait(_PATIENCE)
            return
        self.unreadable.add(error.source)
        self._tell(Trouble(element=self.element, error=error))

    def _turn(self, intake: Intake) -> None:
        if not self._boundary.last:
            finish_last(self._boundary)  # from it a source learns from when on to look
        self.begun.set()
        taken = intake.take(_WAIT)
        if taken.booked or taken.unbooked:
            self._is_quiet = False
            booked = Booked(element=self.element, arrivals=taken.booked, unbooked=taken.unbooked, strays=taken.strays)
            self._tell(booked)
        if not taken.backlog:
            self._seal(taken)
        self._turns += 1

    def _seal(self, taken: Taken) -> None:
        while not self._stop_asked.is_set():
            # What is about to arrive belongs into the open lot as well.
            sealed = seal_next(self._boundary, seal_open=self._seal_open and not taken.unsettled)
            if sealed.seal:
                self._tell(_told(self.element, sealed.seal))
                self._due = None
            elif not sealed.lost:
                if sealed.ahead > self._ahead:
                    self._tell(Ahead(element=self.element, batches=sealed.ahead))
                self._ahead = sealed.ahead
                if sealed.due and sealed.due != self._due:
                    self._tell(Waits(element=self.element, lot=str(sealed.due[0]), at=sealed.due[1].isoformat()))
                self._due = sealed.due
                self._is_quiet = not (sealed.waiting or taken.booked or taken.unsettled)
                return


def _told(element: str, seal: Seal) -> SealedLots:
    return SealedLots(
        element=element,
        lots=len(seal.lots),
        empty=sum(lot.state is ManifestState.EMPTY for lot in seal.lots),
        objects=sum(lot.objects for lot in seal.lots),
        late=sum(lot.late for lot in seal.lots),
        first=str(min((lot.lot for lot in seal.lots), default="")),
        last=str(max((lot.lot for lot in seal.lots), default="")),
    )
