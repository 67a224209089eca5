"""Stores that fail on purpose, and stores that tell what was asked of them."""

from __future__ import annotations

import io
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from attrs import frozen

from clusterless.errors import StoreUnavailableError
from clusterless.store.api import Body, ObjectInfo, ObjectStore

if TYPE_CHECKING:
    import random
    from datetime import datetime

T = TypeVar("T")


class ObservedStore(ObjectStore):
    """*store*, each request to it going through `request`, which subclasses override.

    A list is one request for each page of a thousand keys, as services count them.
    """

    PAGE = 1000

    def __init__(self, store: ObjectStore) -> None:
        self.root = store.root
        self.store = store

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        """Make the request by calling *ask*, or fail it."""
        raise NotImplementedError

    def get(self, key: str) -> bytes:
        return self.request("get", key, lambda: self.store.get(key))

    def open(self, key: str) -> BinaryIO:
        return self.request("open", key, lambda: self.store.open(key))

    def head(self, key: str) -> ObjectInfo:
        return self.request("head", key, lambda: self.store.head(key))

    def put(self, key: str, body: Body) -> None:
        self.request("put", key, lambda: self.store.put(key, body))

    def create(self, key: str, body: Body) -> None:
        self.request("create", key, lambda: self.store.create(key, body))

    def delete(self, key: str) -> None:
        self.request("delete", key, lambda: self.store.delete(key))

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        yield from self._pages(self.store.list(prefix, after), prefix)

    def _pages(self, infos: Iterator[ObjectInfo], prefix: str) -> Iterator[ObjectInfo]:
        full = True
        while full:
            page = self.request("list", prefix, lambda: list(islice(infos, self.PAGE)))
            full = len(page) == self.PAGE
            yield from page

    def now(self) -> datetime:
        return self.store.now()

    def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
        self.request("copy", key, lambda: self.store.copy(key, source, source_key))


class CountingStore(ObservedStore):
    """Counts requests: *requests* by method, *keys* by method and key."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.requests: Counter[str] = Counter()
        self.keys: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        with self._lock:
            self.requests[method] += 1
            self.keys[method, key] += 1
        return ask()


@frozen
class Moment:
    """Before or after (*done*) the request of that *number*, which begins at 1."""

    number: int
    method: str
    key: str
    done: bool


class ScriptedStore(ObservedStore):
    """Calls *on_request* before and after each request; what it raises, the caller gets.

    Raised before, the request was not made; raised after, it was made and its
    answer lost. To crash there, raise something that nobody catches.
    """

    def __init__(self, store: ObjectStore, on_request: Callable[[Moment], None]) -> None:
        super().__init__(store)
        self.made = 0
        self._on_request = on_request
        self._lock = Lock()

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        with self._lock:
            self.made += 1
            number = self.made
        self._on_request(Moment(number, method, key, done=False))
        answer = ask()
        self._on_request(Moment(number, method, key, done=True))
        return answer


def dying_at(number: int, *, done: bool) -> Callable[[Moment], None]:
    """For a `ScriptedStore` in a process of its own, which SIGKILL ends before or after (*done*) that request."""

    def on_request(moment: Moment) -> None:
        if (moment.number, moment.done) == (number, done):
            os.kill(os.getpid(), signal.SIGKILL)

    return on_request


@frozen
class Fault:
    """What befell a request: ``passed``, ``refused`` (not made), ``lost`` (made, not answered), ``cut`` (a read, before
    its end) or ``stale`` (a listing, which tells what was there when it was begun).
    """

    number: int
    method: str
    key: str
    fate: str


class FaultyStore(ObservedStore):
    """Does not answer, by chance: *before* a request with that probability (0 to 1), and *after* it was made.

    With the probability *cut*, a stream breaks off somewhere before its end, as a connection does; with the probability
    *stale*, later pages of a listing tell nothing of what was written since its first. *pause* is called around every
    request, for delays and for turns of threads. The same seed of *random* and the same requests give the same *log*.
    """

    def __init__(
        self,
        store: ObjectStore,
        random: random.Random,
        *,
        before: float = 0.0,
        after: float = 0.0,
        cut: float = 0.0,
        stale: float = 0.0,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(store)
        self.log: list[Fault] = []
        self._random = random
        self._before = before
        self._after = after
        self._cut = cut
        self._stale = stale
        self._pause = pause
        self._lock = Lock()

    def open(self, key: str) -> BinaryIO:
        stream = super().open(key)
        with self._lock:
            if self._random.random() >= self._cut:
                return stream
            number, part = len(self.log) + 1, self._random.random()
            self.log.append(Fault(number, "open", key, "cut"))
        size = int(self.store.head(key).size * part)
        return cast("BinaryIO", io.BufferedReader(_CutStream(stream, size, _unanswered(number, "open", key))))

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        with self._lock:
            is_stale = bool(self._stale) and self._random.random() < self._stale
            if is_stale:
                self.log.append(Fault(len(self.log) + 1, "list", prefix, "stale"))
        infos = iter(list(self.store.list(prefix, after))) if is_stale else self.store.list(prefix, after)
        yield from self._pages(infos, prefix)

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        fate, number = self._draw(method, key)
        self._pause()
        if fate == "refused":
            raise _unanswered(number, method, key)
        answer = ask()
        self._pause()
        if fate == "lost":
            raise _unanswered(number, method, key)
        return answer

    def _draw(self, method: str, key: str) -> tuple[str, int]:
        with self._lock:
            before, after = self._random.random() < self._before, self._random.random() < self._after
            fate = "refused" if before else "lost" if after else "passed"
            number = len(self.log) + 1
            self.log.append(Fault(number, method, key, fate))
        return fate, number


class _CutStream(io.RawIOBase):
    """The first *left* bytes of *stream*, and then *error*."""

    def __init__(self, stream: BinaryIO, left: int, error: StoreUnavailableError) -> None:
        self._stream = stream
        self._left = left
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            raise self._error
        part = self._stream.read(min(len(buffer), self._left))
        self._left -= len(part)
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _unanswered(number: int, method: str, key: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"request {number}, {method} {key}, got no answer (on purpose)")
