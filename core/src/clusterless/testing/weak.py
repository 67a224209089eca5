"""Stores that are not fit to run on, each in one way: a check that passes them all checks nothing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from clusterless.errors import ObjectExistsError, ObjectMissingError
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.testing.faults import ObservedStore

if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


class WeakStore(ObservedStore):
    """*store*, all requests passed on as they are; what derives from it is weak in one way."""

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        return ask()


class Overwriting(WeakStore):
    """Creates over what is there."""

    def create(self, key: str, body: Body) -> None:
        self.store.put(key, body)


class Racing(WeakStore):
    """Looks whether something is there, and then writes: two who look at once both win. *between* is the gap."""

    def __init__(self, store: ObjectStore, between: Callable[[], None]) -> None:
        super().__init__(store)
        self._between = between

    def create(self, key: str, body: Body) -> None:
        try:
            self.store.head(key)
        except ObjectMissingError:
            self._between()
            self.store.put(key, body)
        else:
            raise ObjectExistsError(key)


class StaleReads(WeakStore):
    """Reads an object once more as it was before it was last written."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self._before: dict[str, bytes] = {}
        self._lock = Lock()

    def put(self, key: str, body: Body) -> None:
        try:
            before = self.store.get(key)
        except ObjectMissingError:
            pass
        else:
            with self._lock:
                self._before[key] = before
        self.store.put(key, body)

    def get(self, key: str) -> bytes:
        with self._lock:
            before = self._before.pop(key, None)
        return self.store.get(key) if before is None else before

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))


class StalePages(WeakStore):
    """Lists what was written only when it is asked once more."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self._written: set[str] = set()

    def put(self, key: str, body: Body) -> None:
        self.store.put(key, body)
        self._written.add(key)

    def create(self, key: str, body: Body) -> None:
        self.store.create(key, body)
        self._written.add(key)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        hidden, self._written = self._written, set()
        yield from (info for info in self.store.list(prefix, after) if info.key not in hidden)


class Truncating(WeakStore):
    """Ends a read before the object does, and says nothing of it."""

    def get(self, key: str) -> bytes:
        return self.store.get(key)[:-1]

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))


class Unordered(WeakStore):
    """Lists in some order."""

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        yield from reversed(list(self.store.list(prefix, after)))


WEAK: Mapping[str, Callable[[ObjectStore], ObjectStore]] = {
    each.__name__: each for each in (Overwriting, StaleReads, StalePages, Truncating, Unordered)
}
"""Each kind by name, to run a check of your own against: it must fail. `Racing` is made with a gap of yours."""
