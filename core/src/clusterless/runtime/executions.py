"""Lots worked by executions of a job that a service keeps: begun, waited for, and ended."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from clusterless.errors import ClsError, StoreUnavailableError, WorkloadError
from clusterless.provider import Clock, Work, WorkResult
from clusterless.runtime.staged import failed, succeeded

_log = logging.getLogger(__name__)

TRIES = 4  # to begin, and of each look
PAUSE = 2.0  # seconds before it is asked again, and between looks
_GRACE = 120.0  # seconds that an execution may wait for a place beyond its own time

T = TypeVar("T")


class Executions(ABC):
    """The `Workload` of a job that is executed once a lot; any number of lots may be worked at a time.

    A provider's says how an execution is begun, looked at and stopped; one that takes longer than *timeout* seconds is.
    """

    def __init__(self, timeout: int, clock: Clock) -> None:
        self._timeout = timeout
        self._clock = clock

    def run(self, work: Work) -> WorkResult:
        """Execute the job, and wait until it has ended.

        Raises:
            WorkloadError: it could not be begun, failed, ran too long, was stopped, or left no good manifest, and
                nothing partial.
        """
        try:
            self._wait(self.begin(work), work)
        except WorkloadError as error:
            return failed(work, error)
        except ClsError as error:
            raise WorkloadError(error.problem, hint=error.hint) from error
        return succeeded(work)

    def close(self) -> None:  # noqa: B027 -- what each does that has no client of its own
        """Nothing is held between lots."""

    def patiently(self, ask: Callable[[], T], passing: tuple[type[ClsError], ...] = (StoreUnavailableError,)) -> T:
        """What *ask* gives, asked again where one of *passing* was raised."""
        for turn in range(TRIES - 1):
            try:
                return ask()
            except passing as error:
                _log.info("%s", error)
                self._clock.sleep(PAUSE * 2**turn)
        return ask()

    def _wait(self, execution: str, work: Work) -> None:
        limit = monotonic() + self._timeout + _GRACE
        while not self.has_succeeded(execution):
            if work.stopping() or monotonic() > limit:
                self._give_up(execution)
                msg = f"{execution} was stopped: it was to be given up, or took too long"
                raise WorkloadError(msg)
            self._clock.sleep(PAUSE)

    def _give_up(self, execution: str) -> None:
        try:
            self.stop(execution)
        except ClsError as error:
            _log.warning("%s may go on: %s", execution, error)

    # ---- what the service is asked ----

    @abstractmethod
    def begin(self, work: Work) -> str:
        """The name of an execution for this attempt; never a second one."""

    @abstractmethod
    def has_succeeded(self, execution: str) -> bool:
        """Whether it has ended well; no, while it goes on.

        Raises:
            WorkloadError: it failed.
        """

    @abstractmethod
    def stop(self, execution: str) -> None:
        """Have it end."""
