"""Processes that work a lot: watched, and ended with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from clusterless.errors import WorkloadError
from clusterless.runtime.output import GRACE, Output, await_end


def run_command(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    output: Output,
    timeout: float,
    stopping: Callable[[], bool],
) -> None:
    """Run *command* in *folder*, without a shell, and end all that it started; what it prints goes to *output*.

    Raises:
        WorkloadError: it could not be started, exited otherwise than with 0, ran too long, or was stopped.
    """
    process = _start(command, folder, environment, output)
    try:
        await_end(_watch(process), timeout, stopping)
        problem = _problem(process.returncode)
    except WorkloadError as error:
        problem = error
    finally:
        end_group(process, output)
    if problem:
        raise WorkloadError(f"{command[0]} {problem}{output.tail()}", hint=problem.hint)


def _start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], output: Output
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output.fd,
            stderr=output.fd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        msg = f"{command[0]} cannot be started: {error}"
        hint = f"a relative path is meant from {folder}; is the file there and executable?"
        raise WorkloadError(msg, hint=hint) from error


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


def end_group(process: subprocess.Popen[bytes], output: Output | None = None) -> None:
    """End *process*, the leader of its group, and whatever it left running: asked first, then made to.

    Those it started are given the rest of the grace, for as long as they hold *output*.
    """
    if process.poll() is None:
        deadline = monotonic() + GRACE
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        if output:
            output.settle(max(deadline - monotonic(), 0))
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # macOS answers EPERM for a group that has only a zombie left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
