"""How trouble that comes again is borne: longer each time, and told once where time does not mend it."""

from __future__ import annotations

from time import monotonic

from attrs import define, field

from clusterless.errors import ClsError

_TRIES = 3  # in a row, after which what time does not mend is left for someone to look at
_LONGEST = 60.0  # seconds
_RARELY = 10  # times as long as trouble has taken is let be what gave it, where all wait for it
_LET_BE = 300.0  # seconds at most


@define
class Patience:
    """With one thing, from the first trouble in a row on; *first* is how many seconds to wait after that."""

    first: float
    is_news: bool = field(default=True, init=False)
    _failures: int = field(default=0, init=False)
    _lasting: int = field(default=0, init=False)
    _told: set[str] = field(factory=set, init=False)

    def lost(self, error: BaseException) -> float:
        """How many seconds to wait after *error*, which *is_news* unless it lasts and was told."""
        seconds = min(self.first * 2.0**self._failures, _LONGEST)
        self._failures = min(self._failures + 1, 10)
        self._lasting = self._lasting + 1 if lasts(error) else 0
        self.is_news = not (lasts(error) and repr(error) in self._told)
        self._told.add(repr(error))
        return seconds

    @property
    def is_over(self) -> bool:
        """Whether someone must look: it came again and again, and waiting did not help."""
        return self._lasting >= _TRIES


def lasts(error: BaseException) -> bool:
    """Whether time alone does not mend it: an answer that is no, or a mistake; not where there was no answer."""
    if isinstance(error, ClsError):
        return not error.retryable
    return not isinstance(error, ConnectionError | TimeoutError)


def let_be(began: float, least: float) -> float:
    """Until when to let be what all wait for, since it gave trouble after it *began*: *least* seconds, or longer.

    One that does not even fail for a minute would hold up all others otherwise. Times are those of `monotonic`.
    """
    now = monotonic()
    return now + max(least, min((now - began) * _RARELY, _LET_BE))
