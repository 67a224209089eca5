"""``cls:core:execArc``: a command for each lot, under the workload contract."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj

from clusterless.builtin.arcs import ExecArc
from clusterless.builtin.processes import Output, run_command
from clusterless.builtin.staged import failed, succeeded
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.provider import Script, SinkLot, Surroundings, Work, WorkResult
from clusterless.runtime import contract
from clusterless.store.manifests import encode


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
        with _as_files(work.sinks, self._surroundings.scratch) as partials, Output(work.output) as output:
            try:
                run_command(
                    self._arguments(work, partials),
                    folder=self._surroundings.base,
                    environment=self._environment(work),
                    output=output,
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
            command=self._arguments(work, {}),
            notes=[f"declared: {json.dumps(settings.command, ensure_ascii=False)}"],
        )

    def close(self) -> None:
        """Nothing is held between lots."""

    def _arguments(self, work: Work, partials: Mapping[str, Sequence[str]]) -> list[str]:
        context = contract.context(work, partials)
        try:
            return contract.substitute(self._arc.workload.command, context, contract.execution(work, context))
        except InvalidValueError as error:
            raise WorkloadError(error.problem, hint=error.hint) from error

    def _environment(self, work: Work) -> dict[str, str]:
        settings = self._arc.workload
        return {
            **contract.inherited(os.environ),
            **settings.environment,
            **contract.variables(self._arc, work, settings.workload_props),
        }


@contextmanager
def _as_files(sinks: Mapping[str, SinkLot], scratch: Path) -> Iterator[dict[str, list[str]]]:
    """The manifests of earlier attempts as files, for they may be nowhere else but in a ledger's entry."""
    if not any(sink.earlier for sink in sinks.values()):
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="earlier-", dir=scratch) as folder:
        yield {role: _write(sink, Path(folder) / role) for role, sink in sinks.items() if sink.earlier}


def _write(sink: SinkLot, folder: Path) -> list[str]:
    uris = []
    for number, manifest in enumerate(sink.earlier):
        file = folder / str(number) / "manifest.json"
        file.parent.mkdir(parents=True)
        with encode(manifest).open() as source, file.open("wb") as target:
            copyfileobj(source, target)
        uris.append(file.as_uri())
    return uris
