"""``cls:core:execNotifier``: a command for each event."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

from clusterless import codec
from clusterless.builtin.notifiers import ExecNotifier
from clusterless.builtin.processes import run_command
from clusterless.errors import NotifyError, WorkloadError
from clusterless.model.event import Event
from clusterless.provider import Surroundings
from clusterless.runtime import contract
from clusterless.runtime.output import Output


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
        notifier = self._notifier
        try:
            run_command(
                contract.substitute(notifier.command, codec.to_json(event), {}),
                folder=self._surroundings.base,
                environment={**contract.inherited(os.environ), **notifier.environment, **_variables(event)},
                output=output,
                limits=notifier.limits,
                timeout=notifier.timeout_sec,
                stopping=lambda: False,
                stdin=stdin,
            )
        except WorkloadError as error:
            raise NotifyError(error.problem, hint=error.hint) from error


def _variables(event: Event) -> dict[str, str]:
    return {
        "CLS_DATASET": event.dataset.id,
        "CLS_LOT": str(event.lot),
        "CLS_MANIFEST": event.manifest,
        "CLS_REVISION": str(event.revision),
        "CLS_IDEMPOTENCY_KEY": f"{event.dataset.id}/{event.lot}/{event.revision}",
    }
