"""``cls:core:execNotifier``: a command for each event."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from clusterless import codec
from clusterless.builtin.notifiers import ExecNotifier
from clusterless.builtin.processes import end_group
from clusterless.errors import NotifyError, WorkloadError
from clusterless.model.event import Event
from clusterless.provider import Surroundings
from clusterless.runtime import contract
from clusterless.runtime.output import Output, await_end


class ExecPublisher:
    """Starts one process an event; threads may share it."""

    def __init__(self, notifier: ExecNotifier, surroundings: Surroundings) -> None:
        self._notifier = notifier
        self._surroundings = surroundings

    def publish(self, event: Event) -> None:
        """Run the command.

        Raises:
            NotifyError: it could not be started, exited otherwise than with 0, or ran too long.
        """
        self._surroundings.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="notify-", dir=self._surroundings.scratch) as folder:
            told = Path(folder) / "event.json"
            told.write_bytes(codec.record_bytes(event))
            with told.open("rb") as stdin, Output(Path(folder) / "output.log") as output:
                self._run(event, stdin, output)

    def _run(self, event: Event, stdin: IO[bytes], output: Output) -> None:
        process = self._start(event, stdin, output)
        try:
            await_end(lambda seconds: _ended(process, seconds), self._notifier.timeout_sec, lambda: False)
            problem, hint = _problem(process.returncode), ""
        except WorkloadError as error:
            problem, hint = error.problem, error.hint
        finally:
            end_group(process, output)
        if problem:
            msg = f"{self._notifier.command[0]} {problem}{output.tail()}"
            raise NotifyError(msg, hint=hint)

    def _start(self, event: Event, stdin: IO[bytes], output: Output) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                contract.substitute(self._notifier.command, codec.to_json(event), {}),
                cwd=self._surroundings.base,
                env={**contract.inherited(os.environ), **self._notifier.environment, **_variables(event)},
                stdin=stdin,
                stdout=output.fd,
                stderr=output.fd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            msg = f"{self._notifier.command[0]} cannot be started: {error}"
            hint = f"a relative path is meant from {self._surroundings.base}; is the file there and executable?"
            raise NotifyError(msg, hint=hint) from error


def _variables(event: Event) -> dict[str, str]:
    return {
        "CLS_DATASET": event.dataset.id,
        "CLS_LOT": str(event.lot),
        "CLS_MANIFEST": event.manifest,
        "CLS_REVISION": str(event.revision),
        "CLS_IDEMPOTENCY_KEY": f"{event.dataset.id}/{event.lot}/{event.revision}",
    }


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _problem(code: int) -> str:
    if code == 0:
        return ""
    return f"was killed by signal {-code}" if code < 0 else f"exited with {code}"
