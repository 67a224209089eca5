"""A process that does one job after another: ``python -m clusterless.sdk.worker FD``.

Over the connection FD come jobs, JSON and a file descriptor to print to; the word goes back that
it is begun, then an answer. When its other end is closed the process ends, with all that the function started.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from queue import SimpleQueue
from threading import Thread
from typing import Any

from clusterless.errors import WorkloadError
from clusterless.sdk.activity import ActivityWork
from clusterless.sdk.functions import Function, describe, find
from clusterless.sdk.work import LotWork, is_clean


class _StoppedError(BaseException):
    """The process was told to end."""


_NOTE = 500  # characters kept of what an activity says it did

_Job = tuple[dict[str, Any], int]


def main(descriptor: int) -> None:
    """Work what comes until the other end hangs up."""
    os.set_inheritable(descriptor, False)  # whoever holds it keeps the other end from seeing that we are gone
    connection: Connection[Any, Any] = Connection(descriptor)
    jobs: SimpleQueue[_Job] = SimpleQueue()
    signal.signal(signal.SIGTERM, _stop)
    Thread(target=_listen, args=(connection, jobs), daemon=True).start()
    while True:
        job, output = jobs.get()
        connection.send_bytes(b"begun")  # or else another process is given the job
        with _printing_to(output):
            answer = _answer(job)
        connection.send_bytes(json.dumps(answer).encode())


def _listen(connection: Connection[Any, Any], jobs: SimpleQueue[_Job]) -> None:
    # Beside the work, so that a parent that dies in the middle of it is noticed.
    try:
        while True:
            jobs.put((json.loads(connection.recv_bytes()), recv_handle(connection)))
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    os.environ.update(job["environment"])
    _allow(job["cpu"])
    sys.path[:0] = [folder for folder in job["path"] if folder not in sys.path]
    try:
        function = find(job["function"])
    except WorkloadError as error:
        return {"problem": error.problem}
    try:
        return _WORKS[job["work"]](function)
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever the user's code raises goes home as text
        return {"problem": describe(error)}


def _allow(cpu: int | None) -> None:
    """Let this process take so many seconds of a processor from now on; without limit where it is None."""
    if cpu:
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = ceil(used.ru_utime + used.ru_stime) + cpu
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _work_lot(function: Function) -> dict[str, Any]:
    with _exiting(), LotWork.from_environment() as work:
        function(work)
    return {"sizes": {role: sink.size for role, sink in work.sinks.items()}}


def _run_activity(function: Function) -> dict[str, Any]:
    said: object = None
    with _exiting():
        said = function(ActivityWork.from_environment())
    return {"note": said[:_NOTE] if isinstance(said, str) else ""}


_WORKS = {"lot": _work_lot, "activity": _run_activity}


@contextmanager
def _exiting() -> Iterator[None]:
    """A block that may end by ``sys.exit()``."""
    try:
        yield
    except SystemExit as error:
        if not is_clean(error):
            raise


@contextmanager
def _printing_to(output: int) -> Iterator[None]:
    """Standard output and error of this process, and of those it starts, go to *output*."""
    _redirect(output)
    os.close(output)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        _redirect(nowhere)
        os.close(nowhere)


def _redirect(descriptor: int) -> None:
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _stop(_number: int, _frame: object) -> None:
    # An exception, so that what was written so far is listed before the process ends.
    raise _StoppedError


if __name__ == "__main__":
    for _stream in (sys.stdout, sys.stderr):
        _stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    main(int(sys.argv[1]))
