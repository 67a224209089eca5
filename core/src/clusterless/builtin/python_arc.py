"""``cls:core:pythonArc``: a function for each lot, in processes that are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Lock
from typing import Any

from clusterless.builtin.arcs import PythonArc
from clusterless.builtin.python_worker import PythonWorker, answered
from clusterless.errors import WorkloadError
from clusterless.provider import Script, Surroundings, Work, WorkResult
from clusterless.runtime import contract
from clusterless.runtime.output import Output
from clusterless.runtime.staged import failed, succeeded

_KEPT = os.cpu_count() or 1  # idle processes; more are started when more lots are worked at a time


class PythonWorkload:
    """Calls the function in as many processes as lots are worked at a time, and keeps some for the next."""

    def __init__(self, arc: PythonArc, surroundings: Surroundings) -> None:
        self._arc = arc
        self._base: Path = surroundings.base
        self._idle: list[PythonWorker] = []
        self._lock = Lock()
        self._is_closed = False

    def run(self, work: Work) -> WorkResult:
        """Call the function.

        Raises:
            WorkloadError: it could not be imported, raised (its traceback is in the message), ran too
                long, was stopped, or its process died; and it left nothing partial.
        """
        name = self._arc.workload.function
        with Output(work.output) as output:
            try:
                answer = self._call(work, output)
            except WorkloadError as error:
                return failed(work, WorkloadError(f"{name}: {error}{output.tail()}", hint=error.hint))
        if "problem" in answer:
            return failed(work, WorkloadError(f"{name}: {answer['problem']}"))
        return succeeded(work, answer["sizes"])

    def script(self, work: Work) -> Script:
        """The function, called by the SDK's own command."""
        settings = self._arc.workload
        path = os.pathsep.join(os.path.normpath(self._base / folder) for folder in settings.python_path)
        variables = contract.variables(self._arc, work, settings.workload_props)
        return Script(
            folder=self._base,
            variables={"PYTHONPATH": path, **settings.environment, **variables},
            command=[sys.executable, "-m", "clusterless.sdk", settings.function],
            notes=[f"declared: {settings.function}"],
        )

    def close(self) -> None:
        """End the processes that wait for work."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def _call(self, work: Work, output: Output) -> dict[str, Any]:
        return answered(
            lambda: self._take(output),
            self._give_back,
            self._job(work),
            output,
            self._arc.workload.timeout_sec,
            work.stopping,
        )

    def _job(self, work: Work) -> dict[str, Any]:
        settings = self._arc.workload
        return {
            "work": "lot",
            "function": settings.function,
            "path": [os.path.normpath(self._base / folder) for folder in settings.python_path],
            "cpu": settings.limits.cpu_sec,
            "environment": contract.variables(self._arc, work, settings.workload_props),
        }

    def _take(self, output: Output) -> PythonWorker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive():
                    return worker
                worker.end()
        environment = {**contract.inherited(os.environ), **self._arc.workload.environment}
        return PythonWorker(self._base, environment, output, self._arc.workload.limits)

    def _give_back(self, worker: PythonWorker) -> None:
        with self._lock:
            if worker.is_alive() and len(self._idle) < _KEPT and not self._is_closed:
                self._idle.append(worker)
                return
        worker.end()
