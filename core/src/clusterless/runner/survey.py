"""Passes over what is owed, and whether the last one found all at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from clusterless.model.lot import Lot
from clusterless.runner.lots import interleave
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.reconcile import unsettled


class Survey:
    """One pass after another; *changes* counts whatever may make something owed."""

    def __init__(self, arcs: Sequence[RunningArc], changes: Callable[[], int]) -> None:
        self._arcs = arcs
        self._changes = changes
        self.begin()

    def begin(self) -> None:
        self._begun = monotonic()
        self._mark = self._changes()
        self._owed: Iterator[tuple[RunningArc, Lot]] | None = interleave(*((arc, unsettled(arc)) for arc in self._arcs))

    @property
    def age(self) -> float:
        """Seconds since the pass was begun."""
        return monotonic() - self._begun

    @property
    def ended(self) -> bool:
        return self._owed is None

    @property
    def found_rest(self) -> bool:
        """Whether the pass has ended, and nothing changed since it was begun."""
        return self.ended and self._mark == self._changes()

    def next(self) -> tuple[RunningArc, Lot] | None:
        """The next lot that an event may be due for; None at the end of the pass.

        Raises:
            ClsError: a listing failed; the pass has to be begun again.
        """
        if self._owed is None:
            return None
        found = next(self._owed, None)
        if found is None:
            self._owed = None
        return found
