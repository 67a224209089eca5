"""Asking again when a store did not answer, and settling whether a lost answer was a yes."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from clusterless.errors import ObjectExistsError, ObjectMissingError, StoreUnavailableError
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.store.streams import read_fully

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

T = TypeVar("T")

_CHUNK = 1 << 20

_log = logging.getLogger(__name__)


def create_once(store: ObjectStore, key: str, body: Body) -> bool:
    """Whether *key* now holds exactly *body*, whoever wrote it; false when other bytes are there.

    Raises:
        StoreUnavailableError: no answer, and nothing is there (yet): make the same call again.
    """
    again = _rewinder(body)
    try:
        store.create(key, body)
    except ObjectExistsError:
        return _holds(store, key, again())
    except StoreUnavailableError as lost:
        try:
            return _holds(store, key, again())
        except ObjectMissingError:
            raise lost from None
    return True


class RetryingStore(ObjectStore):
    """*store*, asked up to *attempts* times while it does not answer.

    It waits *first* seconds, then twice as long each time, times what *jitter* gives (0 to 1), and logs why.
    A stream that breaks while it is read is not begun again, and one that cannot seek is sent once.
    """

    def __init__(
        self,
        store: ObjectStore,
        sleep: Callable[[float], None],
        attempts: int = 5,
        first: float = 0.1,
        *,
        jitter: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self.root = store.root
        # Else both would ask again, and each for all that the other does.
        self.plain: ObjectStore = store.plain if isinstance(store, RetryingStore) else store
        self.batch = store.batch
        self._sleep = sleep
        self._attempts = attempts
        self._first = first
        self._jitter = jitter

    def get(self, key: str) -> bytes:
        return self._retried(lambda: self.plain.get(key))

    def open(self, key: str) -> BinaryIO:
        return self._retried(lambda: self.plain.open(key))

    def head(self, key: str) -> ObjectInfo:
        return self._retried(lambda: self.plain.head(key))

    def put(self, key: str, body: Body) -> None:
        again = _rewinder(body)
        self._retried(lambda: self.plain.put(key, again()))

    def create(self, key: str, body: Body) -> None:
        again = _rewinder(body)
        unanswered = False

        def attempt() -> None:
            nonlocal unanswered
            try:
                self.plain.create(key, again())
            except StoreUnavailableError:
                unanswered = True
                raise
            except ObjectExistsError:
                if not unanswered or not _holds(self.plain, key, again()):
                    raise

        self._retried(attempt)

    def delete(self, key: str) -> None:
        self._retried(lambda: self.plain.delete(key))

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        return self._gone_on_with(lambda last: self.plain.list(prefix, last), lambda info: info.key, after)

    def list_keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        return self._gone_on_with(lambda last: self.plain.list_keys(prefix, last), str, after)

    def _gone_on_with(self, ask: Callable[[str], Iterator[T]], key: Callable[[T], str], after: str) -> Iterator[T]:
        """A listing, which is asked for from the last key on where it breaks off."""
        failures = 0
        while True:
            try:
                for each in ask(after):
                    failures, after = 0, key(each)
                    yield each
            except StoreUnavailableError as error:
                failures += 1
                if failures == self._attempts:
                    raise
                self._pause(failures, error)
            else:
                return

    def now(self) -> datetime:
        return self._retried(self.plain.now)

    def together(self) -> AbstractContextManager[None]:
        return self.plain.together()

    def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
        plain = source.plain if isinstance(source, RetryingStore) else source  # which the other store may know
        self._retried(lambda: self.plain.copy(key, plain, source_key))

    def _retried(self, ask: Callable[[], T]) -> T:
        for failures in range(1, self._attempts):
            try:
                return ask()
            except StoreUnavailableError as error:
                self._pause(failures, error)
        return ask()

    def _pause(self, failures: int, error: StoreUnavailableError) -> None:
        seconds = self._first * 2 ** (failures - 1) * self._jitter()
        _log.info("%s; it is asked again in %.1f s", error, seconds)
        self._sleep(seconds)


def _rewinder(body: Body) -> Callable[[], Body]:
    """What gives *body* from where it begins now, each time it is called.

    Raises:
        StoreUnavailableError: (by what it gives) the body cannot be sent a second time.
    """
    if isinstance(body, bytes):
        return lambda: body
    start = body.tell() if body.seekable() else None
    used = False

    def again() -> Body:
        nonlocal used
        if start is not None:
            body.seek(start)
        elif used:
            msg = "the store did not answer, and the stream that was being written cannot be read a second time"
            raise StoreUnavailableError(msg)
        used = True
        return body

    return again


def _holds(store: ObjectStore, key: str, body: Body) -> bool:
    expected = io.BytesIO(body) if isinstance(body, bytes) else body
    with store.open(key) as stored:
        while True:
            ours = expected.read(_CHUNK)
            if read_fully(stored, len(ours) or 1) != ours:
                return False
            if not ours:
                return True
