"""Passes over what is owed, and whether the last one found all at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from clusterless.model.lot import Lot
from clusterless.runner.lots import interleave
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.reconcile import lately_unsettled, unsettled

_RARELY = 50  # times as long as the listings of a whole pass took, until the next: a fiftieth of a process's time


class Survey:
    """One pass after another; *changes* counts whatever may make something owed.

    A *whole* pass, the first one too, lists all of history, and only such a one can tell that all is at rest. The
    longer that takes, the rarer it is done; in between it is enough to look back a while (`engine.lookback`).
    """

    def __init__(self, arcs: Sequence[RunningArc], changes: Callable[[], int]) -> None:
        self._arcs = arcs
        self._changes = changes
        self._looks = 0
        self._listed = self._begun_whole = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin a whole pass."""
        self._pass(whole=True)

    def begin_next(self) -> None:
        """Begin the pass that is due: a whole one, unless the last took too long for it to be done again already."""
        self._looks += 1
        self._pass(whole=monotonic() - self._begun_whole > self._listed * _RARELY)

    def begin_again(self) -> None:
        """Begin the pass once more that broke off."""
        self._pass(whole=self._whole)

    def _pass(self, *, whole: bool) -> None:
        self._whole = whole
        self._begun = monotonic()
        if whole:
            self._begun_whole, self._listed = self._begun, 0.0
        self.mark = self._changes()  # at its beginning
        lots = unsettled if whole else lambda arc: lately_unsettled(arc, self._looks)
        self._owed: Iterator[tuple[RunningArc, Lot]] | None = interleave(*((arc, lots(arc)) for arc in self._arcs))

    @property
    def age(self) -> float:
        """Seconds since the pass was begun."""
        return monotonic() - self._begun

    @property
    def ended(self) -> bool:
        return self._owed is None

    @property
    def found_rest(self) -> bool:
        """Whether a whole pass has ended, and nothing changed since it was begun."""
        return self._whole and self.ended and self.mark == self._changes()

    def next(self) -> tuple[RunningArc, Lot] | None:
        """The next lot that an event may be due for; None at the end of the pass.

        Raises:
            ClsError: a listing failed; the pass has to be begun again.
        """
        if self._owed is None:
            return None
        before = monotonic()
        found = next(self._owed, None)
        if self._whole:
            self._listed += monotonic() - before
        if found is None:
            self._owed = None
        return found
