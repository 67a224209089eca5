"""Which noticed files have rested long enough to be handed over; decided without touching one.

Times are nanoseconds since 1970, of the file system.
"""

from __future__ import annotations

import heapq


class Backlog:
    """Files by key, each with the change time it was last seen with."""

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        self._done: dict[str, int] = {}

    def note(self, key: str, changed: int) -> None:
        """A file was seen; one that was handed over as it is now is not waited for again."""
        if self._done.get(key) != changed:
            self._waiting[key] = changed

    def forget(self, key: str) -> None:
        """The file is gone."""
        self._waiting.pop(key, None)

    def rested(self, until: int, limit: int) -> list[str]:
        """Up to *limit* files last changed at *until* or before: first changed first, then by key."""
        ready = ((changed, key) for key, changed in self._waiting.items() if changed <= until)
        return [key for _, key in heapq.nsmallest(limit, ready)]

    def changed(self, key: str) -> int:
        """When a waiting file was last seen to change."""
        return self._waiting[key]

    def done(self, key: str) -> None:
        """A waiting file was handed over."""
        self._done[key] = self._waiting.pop(key)

    @property
    def oldest(self) -> int | None:
        """The least change time of what still waits."""
        return min(self._waiting.values(), default=None)

    def prune(self, before: int) -> None:
        """Forget what was handed over and last changed *before*: no later scan looks there."""
        self._done = {key: changed for key, changed in self._done.items() if changed >= before}
