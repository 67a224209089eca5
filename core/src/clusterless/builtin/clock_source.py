"""Where a clock's arrivals come from: nowhere."""

from __future__ import annotations

from datetime import datetime

from clusterless.builtin.clock_boundary import ClockBoundary
from clusterless.provider import Arrived, Surroundings


class ClockSource:
    """Hands over nothing; that lots come due is for whoever seals to see."""

    def __init__(self, boundary: ClockBoundary, surroundings: Surroundings) -> None:
        self._clock = surroundings.clock

    def receive(self, wait: float, since: datetime | None) -> Arrived:
        """Nothing, after *wait* seconds."""
        self._clock.sleep(wait)
        return Arrived(arrivals=())

    def close(self) -> None:
        """Nothing is held."""
