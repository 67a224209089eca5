"""`cls` as people start it: real processes in a folder, and what still runs at a test's end is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

CLS = (sys.executable, "-m", "clusterless.cli")
PATIENCE = 180  # seconds until something that is awaited counts as never coming


@frozen
class Ran:
    """A `cls` that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What ``--log-format json`` said."""
        return [json.loads(line) for line in self.out.splitlines()]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == kind]


@define
class Commands:
    """Starts `cls` in the folder *path*."""

    path: Path
    started: list[subprocess.Popen[str]] = field(factory=list, kw_only=True)

    @property
    def variables(self) -> Mapping[str, str]:
        """Those that it sees."""
        return os.environ

    def start(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> subprocess.Popen[str]:
        """`cls` with these arguments, leading a process group; *env* sets variables besides, or takes them away."""
        variables = {**self.variables, **(env or {})}
        process = subprocess.Popen(
            [*CLS, *arguments],
            cwd=self.path,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        """End it and all that it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                self.kill(process)
            for stream in filter(None, (process.stdout, process.stderr)):
                stream.close()


def ended(process: subprocess.Popen[str]) -> Ran:
    """Wait for the end of *process*, and hold what it said to the rule that nobody sees a traceback."""
    out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in out + err, err
    assert "error[bug]" not in err, err
    return Ran(process.returncode, out, err)


def said(process: subprocess.Popen[str], code: int | None = 0) -> str:
    """What was said until the end of *process*, whose exit code is to be *code*."""
    ran = ended(process)
    assert code is None or ran.code == code, ran
    return ran.out + ran.err


def until(holds: Callable[[], Any], *running: subprocess.Popen[str], every: float = 0.02) -> Any:
    """Poll *every* so many seconds until *holds* gives something true, which is given back.

    No longer than those are *running* that are to bring it about: it fails with what they said.
    """
    deadline = time.monotonic() + PATIENCE
    gone = False
    while time.monotonic() < deadline:
        if found := holds():
            return found
        if gone:
            break
        gone = any(process.poll() for process in running) or bool(
            running and all(process.poll() is not None for process in running)
        )
        time.sleep(every)
    for process in running:
        process.send_signal(signal.SIGTERM)
    pytest.fail(f"it never came to that: {[process.communicate(timeout=PATIENCE) for process in running]}")
