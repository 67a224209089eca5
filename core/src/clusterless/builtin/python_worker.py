"""One process that calls functions of a user, seen from the side that started it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Pipe
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any

from clusterless.builtin.processes import Supervised
from clusterless.errors import WorkloadError
from clusterless.model.limits import Limits
from clusterless.runtime.output import Output, await_end

_TRIES = 3  # processes that are handed a job, where each dies before it begins


class PythonWorker:
    """A `clusterless.sdk.worker` in a process group of its own; it works one job at a time.

    The *limits* hold for each job.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], output: Output, limits: Limits) -> None:
        self._connection, theirs = Pipe()
        self._is_busy = False
        with theirs:
            self._process = Supervised(
                # -P: a module of the user must not take the place of one that the worker itself needs.
                [sys.executable, "-P", "-m", "clusterless.sdk.worker", str(theirs.fileno())],
                folder=folder,
                environment=environment,
                output=output.fd,
                limits=limits,
                passed=theirs.fileno(),
                limits_cpu=True,
            )

    def is_alive(self) -> bool:
        """Whether it can take a job."""
        # Of a process that has just died, the connection tells first; an idle one has nothing to say.
        return not self._is_busy and self._process.is_alive() and not self._connection.poll()

    def call(
        self, job: Mapping[str, Any], output: Output, timeout: float, stopping: Callable[[], bool]
    ) -> dict[str, Any] | None:
        """The answer to *job*; what it prints goes to *output*. None: it died before it began, and did nothing.

        Raises:
            WorkloadError: there is none, and the process has ended: it died, *timeout* seconds
                passed, or it was stopped.
        """
        self._is_busy, has_begun = True, False
        try:
            self._connection.send_bytes(json.dumps(job).encode())
            send_handle(self._connection, output.fd, 0)  # only Windows asks whose it is
            await_end(self._connection.poll, timeout, stopping)
            self._connection.recv_bytes()  # says that it has begun
            has_begun = True
            await_end(self._connection.poll, timeout, stopping)
            answer: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except WorkloadError:
            self.end(output)
            raise
        except (OSError, EOFError) as error:
            self.end(output if has_begun else None)  # else the output is the next one's
            if not has_begun:
                return None
            raise self._lost() from error
        self._is_busy = False
        return answer

    def end(self, output: Output | None = None) -> None:
        """End the process and all that it started."""
        self._process.end(output)
        self._connection.close()

    def _lost(self) -> WorkloadError:
        problem = self._process.problem() or WorkloadError("exited with 0")
        return WorkloadError(f"lost its process, which {problem}", hint=problem.hint)


def answered(
    take: Callable[[], PythonWorker],
    give_back: Callable[[PythonWorker], None],
    job: Mapping[str, Any],
    output: Output,
    timeout: float,
    stopping: Callable[[], bool],
) -> dict[str, Any]:
    """The answer to *job* by a worker that *take* gives, by another where the first died before it began.

    Raises:
        WorkloadError: there is none.
    """
    for _ in range(_TRIES):
        worker = take()
        try:
            answer = worker.call(job, output, timeout, stopping)
        finally:
            give_back(worker)
        if answer is not None:
            return answer
    msg = f"lost {_TRIES} processes before any began"
    raise WorkloadError(msg)
