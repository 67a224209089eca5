"""Objects in this process, gone with it."""

from __future__ import annotations

import io
from bisect import bisect_left, bisect_right, insort
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from attrs import frozen

from clusterless.errors import ObjectExistsError, ObjectMissingError
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.store.filetime import FileTime
from clusterless.store.keys import check_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime


@frozen
class _Stored:
    body: bytes
    info: ObjectInfo


class MemoryStore(ObjectStore):
    """Keeps objects in a dictionary; threads may share it. *now* gives the time of its objects."""

    def __init__(self, root: str = "memory:///", now: Callable[[], datetime] | None = None) -> None:
        self.root = root
        self._now = now or FileTime().now
        self._lock = Lock()
        self._objects: dict[str, _Stored] = {}
        self._keys: list[str] = []  # in order
        self._writes = 0

    def get(self, key: str) -> bytes:
        return self._stored(key).body

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))

    def head(self, key: str) -> ObjectInfo:
        return self._stored(key).info

    def put(self, key: str, body: Body) -> None:
        content = self._taken(key, body)
        with self._lock:
            self._write(key, content)

    def create(self, key: str, body: Body) -> None:
        content = self._taken(key, body)
        with self._lock:
            if key in self._objects:
                msg = f"{self.root}{key} exists already"
                raise ObjectExistsError(msg)
            self._write(key, content)

    def delete(self, key: str) -> None:
        check_key(self.root, key)
        with self._lock:
            if self._objects.pop(key, None):
                del self._keys[bisect_left(self._keys, key)]

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        # One key at a time, so that nothing is held and writers are not held up.
        found = self._next(prefix, after)
        while found:
            yield found
            found = self._next(prefix, found.key)

    def now(self) -> datetime:
        return self._now()

    def _next(self, prefix: str, after: str) -> ObjectInfo | None:
        with self._lock:
            position = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after))
            if position < len(self._keys) and self._keys[position].startswith(prefix):
                return self._objects[self._keys[position]].info
        return None

    def _stored(self, key: str) -> _Stored:
        check_key(self.root, key)
        try:
            return self._objects[key]
        except KeyError:
            msg = f"there is no object {self.root}{key}"
            raise ObjectMissingError(msg) from None

    def _taken(self, key: str, body: Body) -> bytes:
        check_key(self.root, key)
        return body if isinstance(body, bytes) else body.read()

    def _write(self, key: str, content: bytes) -> None:
        if key not in self._objects:
            insort(self._keys, key)
        self._writes += 1
        self._objects[key] = _Stored(content, ObjectInfo(key, len(content), str(self._writes), self._now()))


_OPENED: dict[str, MemoryStore] = {}
_OPENING = Lock()


def open_memory(root: str) -> MemoryStore:
    """The store named by *root*, such as ``memory://name/``: the same one each time in a process."""
    with _OPENING:
        return _OPENED.setdefault(root, MemoryStore(root))
