"""Announcing patiently: a notifier that fails holds up no lot, and what it was to announce is not lost.

`PatientPublisher.publish` returns when the event was announced, or is kept as a letter. Where neither could be done it
raises, the lot's entry stays unmarked, and whoever finishes the entry announces again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Lock

from attrs import evolve

from clusterless.errors import ClsError, NotifyError, NotifyRefusedError, cut
from clusterless.model.event import Event
from clusterless.model.notifier import Notifier
from clusterless.provider import Clock, Publisher
from clusterless.runtime.letters import Envelope, Letter, LetterBox
from clusterless.runtime.switches import ON, Switch

_log = logging.getLogger(__name__)

_LOOK = timedelta(seconds=60)  # between looks for letters that others, or a run before, have left
_TICK = timedelta(milliseconds=1)  # tells the names of letters apart
_LONGEST = 3600.0  # seconds that a receiver may have us wait
_OFF = "the notifier is disabled"
_SAID = 600  # characters of an error, which may be anybody's
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class PatientPublisher:
    """The publisher of a declared *notifier*; *element* names it in what is told.

    While it is off, what is to be announced is kept. What is then left out is given up: `redrive` sends it.

    After a failure it rests: what is to be announced meanwhile is kept too, so that no lot waits for a
    receiver that is down. `send_due` is called about once a second, from one thread.
    """

    def __init__(
        self,
        element: str,
        notifier: Notifier,
        publisher: Publisher,
        box: LetterBox,
        clock: Clock,
        stopping: Callable[[], bool],
        switch: Switch = ON,
    ) -> None:
        self.element = element
        self.switch = switch
        self._notifier = notifier
        self._publisher = publisher
        self._box = box
        self._clock = clock
        self._stopping = stopping
        self._lock = Lock()
        self._failures = 0  # in a row
        self._sending = self._is_off = False
        self._rests_until = self._last_due = self._next_look = _LONG_AGO

    def publish(self, event: Event) -> None:
        """Announce the event, or keep it.

        Raises:
            ClsError: the store did not take the letter either.
        """
        if not self._notifier.hears(event):
            return
        now = self._clock.now()
        if self.switch.off():
            self._keep(Letter(event=event, attempts=0, first_failure=now, last_error=_OFF), now)
            return
        if now < self._rests_until:
            waiting = Letter(event=event, attempts=0, first_failure=now, last_error="an earlier event failed")
            self._keep(waiting, self._rests_until)
            return
        tries, error = self._try(event)
        if error:
            self._failed(Letter(event=event, attempts=tries, first_failure=now, last_error=_said(error)), error, tries)

    def send_due(self) -> None:
        """Announce the letters that are due, in order, up to the first failure.

        Raises:
            ClsError: the store cannot be asked; what is left is sent another time.
        """
        now = self._clock.now()
        if now < max(self._next_look, self._rests_until):
            return
        self._is_off = bool(self.switch.off())
        if self._is_off:
            return
        self._sending = True
        self._next_look = now + _LOOK
        try:
            self._send_until(now)
        finally:
            self._sending = False

    @property
    def quiet(self) -> bool:
        """Whether nothing is due, as far as is known without asking."""
        if self._sending:
            return False
        return self._is_off or self._clock.now() < max(self._next_look, self._rests_until)

    def _send_until(self, now: datetime) -> None:
        for envelope in self._box.pending():
            if envelope.due > now or self._stopping():
                self._look_by(envelope.due)
                return
            if not self._send(envelope, now):
                self._look_by(self._rests_until)
                return

    def redrive(self) -> Iterator[tuple[Letter, Exception | None]]:
        """Announce the dead letters, up to a failure that the next would meet too; each with what went wrong."""
        for envelope in self._box.dead():
            letter = self._box.read(envelope.key)
            if letter is None:
                continue
            error = self._once(letter.event)
            if error is None:
                self._box.remove(envelope.key)
            else:
                self._box.replace(envelope.key, _tried(letter, error))
            yield letter, error
            if error and not isinstance(error, NotifyRefusedError):
                return

    def _try(self, event: Event) -> tuple[int, Exception | None]:
        """How often it was tried, and what went wrong in the end."""
        retry = self._notifier.retry
        for attempt in range(1, retry.attempts + 1):
            error = self._once(event)
            pause = retry.pause(attempt)
            if error is None or isinstance(error, NotifyRefusedError) or _after(error) > pause:
                break
            if attempt == retry.attempts or self._stopping():
                break
            self._clock.sleep(pause)
        return attempt, error

    def _once(self, event: Event) -> Exception | None:
        try:
            self._publisher.publish(event)
        except Exception as error:  # noqa: BLE001  whatever a plugin raises, the lot is committed
            return error
        self._failures, self._rests_until = 0, _LONG_AGO
        return None

    def _send(self, envelope: Envelope, now: datetime) -> bool:
        """Whether to go on with the next."""
        taken = self._box.take(envelope, now)
        if taken is None:
            return True
        held, letter = taken
        if self.switch.skips(letter.event.lot):
            self._box.bury(letter, now)
            self._box.remove(held)
            return True
        error = self._once(letter.event)
        if error:
            self._failed(_tried(letter, error), error, 1)
        self._box.remove(held)
        return error is None or isinstance(error, NotifyRefusedError)

    def _failed(self, letter: Letter, error: Exception, tries: int) -> None:
        now, event = self._clock.now(), letter.event
        told = f"{self.element}: {event.dataset.id} {event.lot} was not announced"
        if isinstance(error, NotifyRefusedError):
            self._box.bury(letter, now)
            _log.error("%s, and is not tried again: %s; 'cls redrive' sends it once that is mended", told, _said(error))
            return
        self._failures += tries
        self._rests_until = now + self._pause(self._failures, error)
        if now - letter.first_failure >= timedelta(seconds=self._notifier.give_up_sec):
            self._box.bury(letter, now)
            _log.error("%s for so long that it is given up: %s; 'cls redrive' sends it", told, _said(error))
            return
        due = now + self._pause(letter.attempts, error)
        self._keep(letter, due)
        _log.warning("%s, and is tried again in %g s: %s", told, round((due - now).total_seconds(), 1), _said(error))

    def _pause(self, failures: int, error: Exception) -> timedelta:
        return timedelta(seconds=max(self._notifier.retry.pause(failures), min(_after(error), _LONGEST)))

    def _keep(self, letter: Letter, due: datetime) -> None:
        with self._lock:
            # Kept in the order in which they came, also where a whole hour of them waits for one moment.
            due = self._last_due = max(due, self._last_due + _TICK) if due <= self._rests_until else due
        self._box.keep(letter, due)
        self._look_by(due)

    def _look_by(self, moment: datetime) -> None:
        with self._lock:
            self._next_look = min(self._next_look, moment)


def _tried(letter: Letter, error: Exception) -> Letter:
    return evolve(letter, attempts=letter.attempts + 1, last_error=_said(error))


def _after(error: Exception) -> float:
    return error.after if isinstance(error, NotifyError) else 0


def _said(error: Exception) -> str:
    text = str(error) if isinstance(error, ClsError) else f"{type(error).__name__}: {error}"
    return cut(text, _SAID)
