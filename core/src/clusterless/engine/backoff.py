"""Waiting longer each time: the pauses, and how many tries they leave room for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, takewhile


def pauses(first: float, *, factor: float = 2, longest: float = float("inf")) -> Iterator[float]:
    """The seconds to wait after each try, without end; *factor* 1 waits the same each time."""
    pause = first
    while True:
        yield min(pause, longest)
        pause = min(pause * factor, longest)  # capped here too: it would grow to infinity


def tries_within(seconds: float, pauses: Iterable[float]) -> int:
    """How many tries begin before *seconds* have passed; the first begins at once.

    *pauses* are positive.
    """
    return 1 + sum(1 for _ in takewhile(lambda begun: begun < seconds, accumulate(pauses)))
