"""One server process: started, waited for, and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_PATIENCE = 180.0  # seconds that a server may take to start
_GRACE = 10.0  # and to end


def free_port() -> int:
    """A port that nothing listened on just now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something listens on *port*."""
    with socket.socket() as asked:
        asked.settimeout(1)
        return asked.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def served(
    command: Sequence[str | Path], ready: Callable[[], bool], folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* in *folder* until the block ends; its output is in ``server.log`` there.

    Raises:
        RuntimeError: it ended, or was not *ready* in time; with the end of its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(variables or {})}  # what it uses is compiled once
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(process, ready, log)
        yield process
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    limit = time.monotonic() + _PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > limit:
            told = log.read_text(errors="replace")[-2000:]
            msg = f"{process.args!r} did not start:\n{told}"
            raise RuntimeError(msg)
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and what it started: its whole session's group, which is named by its pid."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(_GRACE)
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait(_GRACE)
