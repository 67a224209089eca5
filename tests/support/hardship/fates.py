"""In the process under test: every request to a store or a queue is counted, and one of them is its undoing."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable
from typing import TypeVar

from attrs import Factory, define, field, frozen

from clusterless.errors import StoreUnavailableError

T = TypeVar("T")

VARIABLE = "CLS_FATE"
_NAMES = (
    (re.compile(r"\d+-\d+-[0-9a-f]{16}"), "ATTEMPT"),
    (re.compile(r"\d{15}-[0-9a-f]{16}"), "MESSAGE"),
    (re.compile(r"[0-9a-f]{16}"), "ID"),
    (re.compile(r"\d{8}(P1D|PT\w+?)\d{3}"), "LOT"),
    (re.compile(r"\d{8}T\d\d"), "HOUR"),
)


@frozen(kw_only=True)
class Fate:
    """What befalls a process *before* or after its request number *at* (from 1; 0: nothing).

    *what*: it is ``killed`` or ``stopped`` (by itself, with SIGKILL or SIGSTOP: nothing else of it runs on), or the
    answer is ``lost``. *journal* is the file in which each request is written down as it is made.
    """

    at: int = 0
    before: bool = True
    what: str = "killed"
    journal: str = ""

    def variable(self) -> dict[str, str]:
        """As the process is told."""
        told = {"at": self.at, "before": self.before, "what": self.what, "journal": self.journal}
        return {VARIABLE: json.dumps(told)}


@define
class Requests:
    """The requests of this process, whichever thread makes them, one number after the other."""

    fate: Fate = Factory(Fate)
    made: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)
    _journal: int = -1

    def arm(self) -> None:
        """Read the fate of this process, which was forked just now, and begin to count."""
        self._lock = threading.Lock()
        self.made = 0
        self.fate = Fate(**json.loads(os.environ.get(VARIABLE, "{}")))
        if self.fate.journal:
            self._journal = os.open(self.fate.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        """Make the request by calling *ask*.

        Raises:
            StoreUnavailableError: its answer is lost, on purpose.
        """
        with self._lock:
            self.made += 1
            number = self.made
        if self._journal >= 0:
            os.write(self._journal, f"{number} {method} {key}\n".encode())
        if number != self.fate.at:
            return ask()
        if self.fate.before:
            self._meet(method, key)
        try:
            return ask()
        finally:
            if not self.fate.before:
                self._meet(method, key)

    def _meet(self, method: str, key: str) -> None:
        if self._journal >= 0:
            os.write(self._journal, f"{self.fate.what}\n".encode())
        if self.fate.what == "lost":
            msg = f"{method} {key} got no answer (on purpose)"
            raise StoreUnavailableError(msg)
        os.kill(os.getpid(), signal.SIGKILL if self.fate.what == "killed" else signal.SIGSTOP)


def kind(line: str) -> str:
    """A line of a journal without what differs from run to run."""
    told = line.partition(" ")[2]
    for pattern, name in _NAMES:
        told = pattern.sub(name, told)
    return told


REQUESTS = Requests()
