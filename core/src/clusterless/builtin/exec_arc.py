"""``cls:core:execArc``: a command for each lot, under the workload contract."""

from __future__ import annotations

import json
import os

from clusterless.builtin.arcs import ExecArc
from clusterless.builtin.processes import run_command
from clusterless.errors import WorkloadError
from clusterless.provider import Script, Surroundings, Work, WorkResult
from clusterless.runtime import contract
from clusterless.runtime.output import Output
from clusterless.runtime.staged import as_files, failed, succeeded


class ExecWorkload:
    """Starts one process a lot; any number of lots may be worked at a time."""

    def __init__(self, arc: ExecArc, surroundings: Surroundings) -> None:
        self._arc = arc
        self._surroundings = surroundings

    def run(self, work: Work) -> WorkResult:
        """Run the command.

        Raises:
            WorkloadError: it could not be started, exited otherwise than with 0, ran too long, was
                stopped, or left no good manifest, and nothing partial.
        """
        with as_files(work.sinks, self._surroundings.scratch) as partials, Output(work.output) as output:
            try:
                run_command(
                    contract.arguments(self._arc.workload.command, work, partials),
                    folder=self._surroundings.base,
                    environment=self._environment(work),
                    output=output,
                    limits=self._arc.workload.limits,
                    timeout=self._arc.workload.timeout_sec,
                    stopping=work.stopping,
                )
            except WorkloadError as error:
                return failed(work, error)
        return succeeded(work)

    def script(self, work: Work) -> Script:
        """The command, with all that it selects.

        Raises:
            WorkloadError: it selects what is not there.
        """
        settings = self._arc.workload
        return Script(
            folder=self._surroundings.base,
            variables={**settings.environment, **contract.variables(self._arc, work, settings.workload_props)},
            command=contract.arguments(settings.command, work, {}),
            notes=[f"declared: {json.dumps(settings.command, ensure_ascii=False)}"],
        )

    def close(self) -> None:
        """Nothing is held between lots."""

    def _environment(self, work: Work) -> dict[str, str]:
        settings = self._arc.workload
        return {
            **contract.inherited(os.environ),
            **settings.environment,
            **contract.variables(self._arc, work, settings.workload_props),
        }
