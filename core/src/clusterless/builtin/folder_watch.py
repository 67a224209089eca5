"""A folder watched by a thread."""

from __future__ import annotations

import threading

from watchfiles import Change, watch

from clusterless.errors import StoreUnavailableError

BEAT_MS = 100
_GROUPED_MS = 200  # changes are handed on at the latest after that
_STEP_MS = 50

Changes = set[tuple[Change, str]]


class Watch:
    """Collects what changes below *folder* (a real path) until it is taken.

    The watch is up when this returns. It beats ten times a second or so, with changes or without:
    what changed before a beat began is known two beats later, unless the system dropped it.

    Raises:
        OSError: the folder cannot be watched.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._changed = threading.Condition()
        self._changes: Changes = set()
        self._beats = 0
        self._taken = 0
        self._failure: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {folder}", daemon=True)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._beats or self._failure)
            self._raise_failure()

    def take(self) -> tuple[Changes, int]:
        """The changes since the last taking, without waiting, and how many beats there were until now.

        Raises:
            OSError: the watch has ended; changes may have been missed.
        """
        with self._changed:
            self._raise_failure()
            changes, self._changes = self._changes, set()
            self._taken = self._beats
            return changes, self._beats

    def wait(self, seconds: float) -> None:
        """Wait for the next beat, at most *seconds*."""
        with self._changed:
            self._changed.wait_for(lambda: self._beats > self._taken or self._failure, seconds)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            for changes in watch(
                self._folder,
                watch_filter=None,
                debounce=_GROUPED_MS,
                step=_STEP_MS,
                rust_timeout=BEAT_MS,
                yield_on_timeout=True,
                stop_event=self._stop,
                raise_interrupt=False,
            ):
                self._beat(changes)
            self._end(StoreUnavailableError(f"the folder {self._folder} is no longer watched"))
        except Exception as exc:  # noqa: BLE001 - whatever it is, the thread that takes must hear of it
            self._end(exc)

    def _beat(self, changes: Changes) -> None:
        with self._changed:
            self._changes |= changes
            self._beats += 1
            self._changed.notify_all()

    def _end(self, failure: Exception) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
