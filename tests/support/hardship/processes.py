"""From the test: `cls` started as processes of their own, at the cost of a fork."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

SUPPORT = Path(__file__).parents[1]
PATIENCE = 120.0  # seconds until a `cls` counts as hung
_POINT = "[clusterless]\nhardship = hardship.plugin\n"
_METADATA = "Metadata-Version: 2.1\nName: cls-hardship\nVersion: 1\n"


class HungError(AssertionError):
    """A process did not come to its end."""


@frozen
class Ended:
    """A `cls` that has ended: its exit *code*, negative for a signal, and what it *said*."""

    code: int
    said: str

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


@define
class Started:
    """A `cls` that was started; the leader of a process group."""

    pid: int
    output: Path
    _zygote: Zygote
    _watch: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._watch = os.pidfd_open(self.pid)

    def has_ended(self, seconds: float = 0.0) -> bool:
        return bool(select.select([self._watch], [], [], seconds)[0])

    def wait(self, seconds: float = PATIENCE) -> Ended:
        """Its end.

        Raises:
            HungError: it does not come.
        """
        if not self.has_ended(seconds):
            self.kill()
            self._zygote.reap(self.pid)
            msg = f"{self.pid} did not end within {seconds:.0f} s:\n{self.output.read_text()[-3000:]}"
            raise HungError(msg)
        code = self._zygote.reap(self.pid)
        os.close(self._watch)
        return Ended(code, self.output.read_text("utf-8", "replace"))

    def is_stopped(self) -> bool:
        """Whether it was stopped by SIGSTOP, as a whole."""
        with suppress(FileNotFoundError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """It, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


@define
class Zygote:
    """What forks; asked by one thread at a time."""

    _process: subprocess.Popen[str]
    _folder: Path
    _lock: threading.Lock = field(factory=threading.Lock)
    _count: int = 0

    def start(self, folder: Path, *calls: Sequence[str], variables: Mapping[str, str] | None = None) -> Started:
        """`cls` in *folder*, with the arguments of each of *calls* one after the other."""
        self._count += 1
        output = self._folder / f"{self._count}.txt"
        output.touch()
        told = {"folder": str(folder), "variables": dict(variables or {}), "output": str(output), "calls": calls}
        return Started(self._ask({"start": told})["pid"], output, self)

    def run(
        self,
        folder: Path,
        *calls: Sequence[str],
        variables: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> Ended:
        started = self.start(folder, *calls, variables=variables)
        ended = started.wait(patience)
        started.output.unlink()
        return ended

    def reap(self, pid: int) -> int:
        return int(self._ask({"reap": pid})["status"])

    def _ask(self, question: object) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, (self._folder / "zygote.txt").read_text()
        return dict(json.loads(answer))


@contextmanager
def zygote(folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Zygote]:
    """A zygote with these *variables* that keeps what its children print in *folder*, ended with the block."""
    info = folder / "cls_hardship-1.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(_POINT)
    (info / "METADATA").write_text(_METADATA)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLS_", "PYTHONDONTWRITE"))}
    with (folder / "zygote.txt").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "hardship.zygote"],
            env={
                **kept,
                "CLS_DISABLE_PLUGINS": "local,aws,azure,docker,gcp",
                "PYTHONPATH": os.pathsep.join(
                    filter(None, [str(SUPPORT), str(folder), os.environ.get("PYTHONPATH", "")])
                ),
                "PYTHONHASHSEED": "0",
                **(variables or {}),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    try:
        yield Zygote(process, folder)
    finally:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
