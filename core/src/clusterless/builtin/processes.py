"""Processes that work a lot: watched, held to their limits, and ended with all that they started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import IO

from clusterless.errors import WorkloadError
from clusterless.model.limits import Limits
from clusterless.runtime.output import GRACE, Output, await_end

_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
_MARGIN = 7.0  # seconds more than the grace, in which a supervisor surely ends
_MB = 1024 * 1024


class Supervised:
    """A process that runs *command* in *folder*, without a shell, in the care of a supervisor (``supervisor.py``).

    It is the leader of its own process group. The supervisor ends with it, and with all that it started, those too
    that left its group; and it ends them when this process dies. *output* is a file descriptor, as is *passed*, which
    the command gets under the same number. One that does several jobs *limits_cpu* by itself, for each.

    Raises:
        WorkloadError: it cannot be started at all; that there is no such program, `problem` says.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: int,
        limits: Limits,
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        passed: int = -1,
        limits_cpu: bool = False,
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._said = b""
        self._lifeline, theirs = socket.socketpair()
        with theirs:
            cpu = 0 if limits_cpu else limits.cpu_sec or 0
            told = _arguments(theirs.fileno(), passed, limits, cpu, environment)
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", _SUPERVISOR, *told, *command],
                    cwd=folder,
                    env=environment,
                    stdin=stdin,
                    stdout=output,
                    stderr=output,
                    pass_fds=[theirs.fileno(), *([passed] if passed >= 0 else [])],
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                self._lifeline.close()
                raise _not_started(str(error), folder) from error

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def watch(self) -> Callable[[float], bool]:
        """Waits up to so many seconds, and tells whether it has ended: without the ever longer naps of `Popen.wait`."""
        ended = Event()

        def wait() -> None:
            self._process.wait()
            ended.set()

        Thread(target=wait, daemon=True).start()
        return ended.wait

    def problem(self) -> WorkloadError | None:
        """Why it ended, unless it exited with 0; once it has."""
        words = self._words()
        if "failed" in words:
            return _not_started(words["failed"], self._folder)
        if "over" in words:
            return _over(words["over"], self._limits)
        code = self._process.returncode
        if code == -signal.SIGXCPU and self._limits.cpu_sec:
            return _over("cpu", self._limits)
        if code:
            return WorkloadError(f"was killed by signal {-code}" if code < 0 else f"exited with {code}")
        return None

    def end(self, output: Output | None = None) -> None:
        """End it, and whatever it left running: asked first, then made to.

        Those it started are given the rest of the grace; what they print until then is in *output*.
        """
        if self._process.poll() is None:
            self._signal(self._process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE + _MARGIN)
            if output:
                output.settle(0)
        if self._process.poll() is None:  # somebody keeps the supervisor from its work
            self._signal(int(self._words().get("began", self._process.pid)), signal.SIGKILL)
            self._signal(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._words()
        self._lifeline.close()

    def _words(self) -> dict[str, str]:
        """What the supervisor has said, the last of each kind."""
        with suppress(OSError):  # there is no more, or it is closed
            self._lifeline.setblocking(False)
            while part := self._lifeline.recv(4096):
                self._said += part
        lines = (line.partition(" ") for line in self._said.decode(errors="replace").split("\n"))
        return {kind: rest for kind, _, rest in lines if kind}

    @staticmethod
    def _signal(group: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _arguments(lifeline: int, passed: int, limits: Limits, cpu: int, environment: Mapping[str, str]) -> list[str]:
    memory = (limits.memory_size_mb or 0) * _MB
    numbers = (lifeline, passed, int(GRACE), memory, cpu, limits.processes)
    return [*map(str, numbers), environment.get("LC_CTYPE", "")]


def _not_started(problem: str, folder: Path) -> WorkloadError:
    hint = f"a relative path is meant from {folder}; is the file there and executable?"
    return WorkloadError(f"cannot be started: {problem}", hint=hint)


def _over(limit: str, limits: Limits) -> WorkloadError:
    taken, key = {
        "memory": (f"more memory than {limits.memory_size_mb} MB", "memorySizeMB"),
        "cpu": (f"more than {limits.cpu_sec} s of a processor", "cpuSec"),
        "processes": (f"more processes at a time than {limits.processes}", "processes"),
    }[limit]
    return WorkloadError(f"was ended: it took {taken}", hint=f"raise '{key}' of 'limits' if it needs more")


def run_command(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    output: Output,
    limits: Limits,
    timeout: float,
    stopping: Callable[[], bool],
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> None:
    """Run *command* in *folder*, without a shell, and end all that it started; what it prints goes to *output*.

    Raises:
        WorkloadError: it could not be started, exited otherwise than with 0, ran too long, took more than it may,
            or was stopped.
    """
    try:
        process = Supervised(
            command, folder=folder, environment=environment, output=output.fd, limits=limits, stdin=stdin
        )
        try:
            await_end(process.watch(), timeout, stopping)
        finally:
            process.end(output)
        problem = process.problem()
    except WorkloadError as error:
        problem = error
    if problem:
        raise WorkloadError(f"{command[0]} {problem}{output.tail()}", hint=problem.hint)
