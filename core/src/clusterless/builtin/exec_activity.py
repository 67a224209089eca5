"""``cls:core:execActivity``: a command on a clock."""

from __future__ import annotations

import os

from clusterless.builtin.activities import ExecActivity
from clusterless.builtin.processes import run_command
from clusterless.provider import Occasion, Surroundings
from clusterless.runtime import contract
from clusterless.runtime.output import Output


class RunCommand:
    """Starts one process a run."""

    def __init__(self, activity: ExecActivity, surroundings: Surroundings) -> None:
        self._activity = activity
        self._base = surroundings.base

    def run(self, occasion: Occasion) -> str:
        """Run the command.

        Raises:
            WorkloadError: it could not be started, exited otherwise than with 0, ran too long, or was stopped.
        """
        settings = self._activity.workload
        environment = {
            **contract.inherited(os.environ),
            **settings.environment,
            **contract.occasion_variables(occasion, settings.workload_props),
        }
        with Output(occasion.output) as output:
            run_command(
                settings.command,
                folder=self._base,
                environment=environment,
                output=output,
                limits=settings.limits,
                timeout=self._activity.timeout_sec,
                stopping=occasion.stopping,
            )
        return ""

    def close(self) -> None:
        """Nothing is held between runs."""
