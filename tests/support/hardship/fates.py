"""In the process under test: every request to a store or a queue is counted, and one of them is its undoing."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable
from typing import TypeVar

from attrs import Factory, asdict, define, field, frozen

from clusterless.errors import StoreUnavailableError

T = TypeVar("T")

VARIABLE = "CLS_FATE"
SIGNALS = {
    "killed": signal.SIGKILL,
    "stopped": signal.SIGSTOP,
    "interrupted": signal.SIGINT,
    "terminated": signal.SIGTERM,
}
MET = "met at "
"""Begins the line of a journal that repeats the request at which the process met its fate."""

_NAMES = {
    "ATTEMPT": r"\d+-\d+-[0-9a-f]{16}",
    "MESSAGE": r"\d{15}-[0-9a-f]{16}",
    "PLAN": r"\d{8}-\d{6}-[0-9a-f]{4}",
    "ID": r"[0-9a-f]{16}",
    "LOT": r"\d{8}P(?:1D|T\d+[MH])\d{3,4}",
    "HOUR": r"\d{8}T\d\d",
    "NUMBER": r"\d{9}",
}
"""What differs from run to run in the name of an object."""


@frozen(kw_only=True)
class Fate:
    """What befalls a process *before* or after its request number *at* (from 1; 0: nothing).

    Only those are counted in which the regular expression *like* finds something, as in ``create .*/seals/``.
    *what*: it is ``killed`` or ``stopped`` (by itself, with SIGKILL or SIGSTOP: nothing else of it runs on), it is
    ``interrupted`` or ``terminated`` (by SIGINT or SIGTERM, and goes on as it will), or the answer is ``lost``.
    *journal* is the file in which each request is written down as it is made.
    """

    at: int = 0
    before: bool = True
    what: str = "killed"
    like: str = ""
    journal: str = ""

    def variable(self) -> dict[str, str]:
        """As the process is told."""
        return {VARIABLE: json.dumps(asdict(self))}

    def __str__(self) -> str:
        which = f" {self.like}" if self.like else ""
        return f"{self.what} {'before' if self.before else 'after'} request {self.at}{which}" if self.at else "nothing"


@define
class Requests:
    """The requests of this process, whichever thread makes them, one number after the other."""

    fate: Fate = Factory(Fate)
    made: int = 0
    alike: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)
    _journal: int = -1

    def arm(self) -> None:
        """Read the fate of this process, which was forked just now, and begin to count."""
        self._lock = threading.Lock()
        self.made = self.alike = 0
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
            told = f"{self.made} {method} {key}"
            is_like = bool(re.search(self.fate.like, told))
            self.alike += is_like
            is_it = is_like and self.alike == self.fate.at
        if self._journal >= 0:
            os.write(self._journal, f"{told}\n".encode())
        if not is_it:
            return ask()
        if self.fate.before:
            self._meet(told)
        try:
            return ask()
        finally:
            if not self.fate.before:
                self._meet(told)

    def _meet(self, told: str) -> None:
        if self._journal >= 0:
            os.write(self._journal, f"{MET}{told}\n".encode())
        if self.fate.what == "lost":
            msg = f"{told} got no answer (on purpose)"
            raise StoreUnavailableError(msg)
        # To this very thread, which the signal then finds before it can go on.
        signal.pthread_kill(threading.get_ident(), SIGNALS[self.fate.what])


def kind(line: str) -> str:
    """A line of a journal without what differs from run to run."""
    told = line.partition(" ")[2]
    for name, pattern in _NAMES.items():
        told = re.sub(pattern, name, told)
    return told


def like(kind: str) -> str:
    """What finds the requests of that kind."""
    pattern = re.escape(kind)
    for name, differing in _NAMES.items():
        pattern = pattern.replace(name, differing)
    return f" {pattern}$"


REQUESTS = Requests()
