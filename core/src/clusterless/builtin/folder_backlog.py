"""Which noticed files have rested long enough to be handed over; decided without touching one.

Times are nanoseconds since 1970, of the file system.
"""

from __future__ import annotations

import heapq


class Backlog:
    """Files by key, each with the change time it was last seen with."""

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        self._done: dict[str, tuple[int, int]] = {}  # with when it was handed over

    def note(self, key: str, changed: int) -> None:
        """A file was seen; one that was handed over as it is now is not waited for again."""
        if self._done.get(key, (None,))[0] != changed:
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

    def done(self, key: str, now: int) -> None:
        """A waiting file was handed over."""
        self._done[key] = self._waiting.pop(key), now

    @property
    def oldest(self) -> int | None:
        """The least change time of what still waits."""
        return min(self._waiting.values(), default=None)

    def prune(self, before: int) -> None:
        """Forget what was handed over *before*: no later scan finds that, not even in a folder moved in meanwhile."""
        self._done = {key: done for key, done in self._done.items() if done[1] >= before}
