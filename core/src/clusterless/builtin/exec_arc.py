"""``cls:core:execArc``: a command for each lot, under the workload contract."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from threading import Event, Thread

from clusterless.builtin.arcs import ExecArc
from clusterless.builtin.processes import Output, await_end, end_group
from clusterless.builtin.staged import failed, succeeded
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.provider import SinkLot, Surroundings, Work, WorkResult
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
            process = self._start(work, partials, output)
            try:
                await_end(_watch(process), self._arc.workload.timeout_sec, work.stopping)
                problem = _problem(process.returncode)
            except WorkloadError as error:
                problem = error
            finally:
                end_group(process, output)
            if problem:
                return failed(work, WorkloadError(f"{self._name} {problem}{output.tail()}", hint=problem.hint))
        return succeeded(work)

    def close(self) -> None:
        """Nothing is held between lots."""

    @property
    def _name(self) -> str:
        return self._arc.workload.command[0]

    def _start(self, work: Work, partials: Mapping[str, Sequence[str]], output: Output) -> subprocess.Popen[bytes]:
        settings = self._arc.workload
        try:
            return subprocess.Popen(
                _arguments(settings.command, work, partials),
                cwd=self._surroundings.base,
                env={
                    **contract.inherited(os.environ),
                    **settings.environment,
                    **contract.variables(self._arc, work, settings.workload_props),
                },
                stdin=subprocess.DEVNULL,
                stdout=output.fd,
                stderr=output.fd,
                start_new_session=True,
            )
        except InvalidValueError as error:
            raise WorkloadError(error.problem, hint=error.hint) from error
        except (OSError, ValueError) as error:
            msg = f"{self._name} cannot be started: {error}"
            hint = f"a relative path is meant from {self._surroundings.base}; is the file there and executable?"
            raise WorkloadError(msg, hint=hint) from error


def _arguments(command: Sequence[str], work: Work, partials: Mapping[str, Sequence[str]]) -> list[str]:
    context = contract.context(work, partials)
    return contract.substitute(command, context, contract.execution(work, context))


def _watch(process: subprocess.Popen[bytes]) -> Callable[[float], bool]:
    """Waits without the ever longer naps of `Popen.wait` with a timeout."""
    ended = Event()

    def wait() -> None:
        process.wait()
        ended.set()

    Thread(target=wait, daemon=True).start()
    return ended.wait


def _problem(code: int) -> WorkloadError | None:
    if code == 0:
        return None
    return WorkloadError(f"was killed by signal {-code}" if code < 0 else f"exited with {code}")


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
