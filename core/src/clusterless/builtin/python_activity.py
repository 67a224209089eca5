"""``cls:core:pythonActivity``: a function on a clock, each time in a new process."""

from __future__ import annotations

import os

from clusterless.builtin.activities import PythonActivity
from clusterless.builtin.python_worker import PythonWorker, answered
from clusterless.errors import WorkloadError
from clusterless.provider import Occasion, Surroundings
from clusterless.runtime import contract
from clusterless.runtime.output import Output


class CallFunction:
    """Calls the function; no process is kept for the next time, which may be a day away."""

    def __init__(self, activity: PythonActivity, surroundings: Surroundings) -> None:
        self._activity = activity
        self._base = surroundings.base

    def run(self, occasion: Occasion) -> str:
        """Call the function; the text that it returns, if it is one.

        Raises:
            WorkloadError: it could not be imported, raised (its traceback is in the message), ran too
                long, was stopped, or its process died.
        """
        settings = self._activity.workload
        job = {
            "work": "activity",
            "function": settings.function,
            "path": [os.path.normpath(self._base / folder) for folder in settings.python_path],
            "cpu": settings.limits.cpu_sec,
            "environment": contract.occasion_variables(occasion, settings.workload_props),
        }
        environment = {**contract.inherited(os.environ), **settings.environment}
        with Output(occasion.output) as output:
            try:
                answer = answered(
                    lambda: PythonWorker(self._base, environment, output, settings.limits),
                    PythonWorker.end,
                    job,
                    output,
                    self._activity.timeout_sec,
                    occasion.stopping,
                )
            except WorkloadError as error:
                raise WorkloadError(f"{settings.function}: {error}{output.tail()}", hint=error.hint) from error
        if "problem" in answer:
            raise WorkloadError(f"{settings.function}: {answer['problem']}")
        return str(answer["note"])

    def close(self) -> None:
        """Nothing is held between runs."""
