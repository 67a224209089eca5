"""What an attempt prints, kept within bounds, and its end, waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from types import TracebackType
from typing import IO, Self

from clusterless.errors import WorkloadError

OUTPUT_LIMIT = 64 * 1024 * 1024  # bytes kept of what one attempt prints
GRACE = 3.0  # seconds between asking a process to end and ending it
PROGRESS = "CLS_PROGRESS "  # begins a line that says how far the work is
POLL = 0.2  # seconds between looks at whether to stop
_TAIL = 1200  # bytes of output that a failure shows,
_LINES = 15  # in so many lines at most
_NOTE = b"\n[clusterless: the output is longer than this; the rest was dropped]\n"


def await_end(ended: Callable[[float], bool], timeout: float, stopping: Callable[[], bool]) -> None:
    """Wait until *ended* (which waits up to the seconds it is given) says so.

    Raises:
        WorkloadError: *timeout* seconds have passed, or the attempt is to be given up.
    """
    deadline = monotonic() + timeout
    while not ended(min(POLL, max(deadline - monotonic(), 0))):
        if stopping():
            msg = "stopped, since this attempt is to be given up"
            raise WorkloadError(msg)
        if monotonic() >= deadline:
            msg = f"timed out after {timeout:g} s"
            raise WorkloadError(msg, hint="raise 'timeoutSec' if it needs longer")


class Output:
    """A file descriptor to print to, *fd*, for the time of a ``with`` block; *path* keeps what is printed.

    What comes after the first 64 MiB is read and dropped: a talkative process is neither stopped nor kept whole.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("wb")
        reader, self.fd = os.pipe()
        self._pump = Thread(target=_pump, args=(os.fdopen(reader, "rb", buffering=0), file), daemon=True)
        self._pump.start()
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle()

    def write(self, data: bytes) -> None:
        """Print *data* as if the process had, where its output comes by another way."""
        with self._lock:  # a descriptor that was closed may be somebody else's by now
            while data and self._is_open:
                data = data[os.write(self.fd, data) :]

    def note(self, text: str) -> None:
        """Print *text*."""
        self.write(text.encode(errors="replace"))

    def settle(self, grace: float = GRACE) -> None:
        """Wait until what was printed is in the file, but not long for a process that escaped with the descriptor."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                os.close(self.fd)
        self._pump.join(grace)

    def tail(self) -> str:
        """The last lines printed, on a line of their own, without those that report progress."""
        self.settle()
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL, 0))
            text = file.read().decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith(PROGRESS)]
        return "".join(f"\n  | {line}" for line in lines[-_LINES:])


def _pump(source: IO[bytes], target: IO[bytes]) -> None:
    left = OUTPUT_LIMIT
    with source, target:
        while data := source.read(64 * 1024):
            kept = data[:left] + (_NOTE if 0 < left < len(data) else b"")
            left -= min(left, len(data))
            with suppress(OSError):  # a full disk must not stop who prints
                target.write(kept)
                target.flush()
