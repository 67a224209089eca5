"""A process that runs a command, and ends with all that the command started: see `clusterless.builtin.processes`.

``python -I -S supervisor.py LIFELINE PASSED GRACE MEMORY CPU PROCESSES LOCALE COMMAND…``: one is started for each
command, and so imports little. LIFELINE and PASSED are file descriptors (PASSED goes to the command, -1 is none), GRACE
are seconds, MEMORY are bytes, CPU are seconds; 0 is without limit. LOCALE is the command's LC_CTYPE, if it has one.

Over the lifeline goes ``began PID`` or ``failed WHY``, and before the command is ended for what it took ``over LIMIT``,
each a line. When its other end is closed, whoever wanted the command is dead, and the command is ended.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic

_SUBREAPER, _DIE_WITH_PARENT = 36, 1  # what prctl calls PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG
_LOOK = 0.2  # seconds between looks at what the command takes
_SETTLE = 5.0  # seconds that what was killed has to be gone
_NAP = 0.01
_FAILED = 127 << 8  # as the status of a process that exited with 127
_PAGE = resource.getpagesize()


class Supervisor:
    """One command, from its start to the end of the last process that comes of it."""

    def __init__(self, lifeline: socket.socket, grace: float, memory: int, processes: int) -> None:
        self._lifeline = lifeline
        self._grace = grace
        self._memory = memory
        self._processes = processes
        self._child = 0
        self._deadline: float | None = None  # set once it is asked to end
        self._awake, waker = os.pipe()
        for end in (self._awake, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._ask())

    def run(self, command: list[str], prepare: Callable[[], None]) -> int:
        """Run *command*, whose process *prepare*s itself; the status it ended with, as `os.waitpid` has it."""
        child, problem = _start(command, prepare)
        if problem:
            self._say(f"failed {problem}")
            return _FAILED
        _print_no_more()
        self._child = child
        self._say(f"began {child}")
        while not self._has_ended():
            self._look()
            self._wait(_LOOK)
        while self._deadline and monotonic() < self._deadline and len(_descendants()) > 1:
            self._wait(_NAP)  # those it started may tidy up too
            _reap_all_but(child)
        self._end()
        return os.waitpid(child, 0)[1]

    def _say(self, word: str) -> None:
        with suppress(OSError):
            self._lifeline.send(f"{word}\n".encode(errors="replace"))

    def _has_ended(self) -> bool:
        _reap_all_but(self._child)
        # It stays a zombie until all is over: neither its number nor its group's is given to another.
        return os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _wait(self, seconds: float) -> None:
        watched = [self._awake] if self._deadline else [self._awake, self._lifeline.fileno()]
        readable = select.select(watched, [], [], seconds)[0]
        if self._awake in readable:
            os.read(self._awake, 4096)
        if self._lifeline.fileno() in readable:
            self._ask()

    def _ask(self) -> None:
        if self._child and self._deadline is None:
            self._deadline = monotonic() + self._grace
            _signal_group(self._child, signal.SIGTERM)

    def _look(self) -> None:
        taking = _descendants()
        if len(taking) > self._processes:
            self._say("over processes")
        elif self._memory and sum(map(_resident, taking)) > self._memory:
            self._say("over memory")
        elif self._deadline is None or monotonic() < self._deadline:
            return
        self._end()

    def _end(self) -> None:
        """Kill the command and what comes of it, those too that left its group or were left by their parents."""
        deadline = monotonic() + _SETTLE
        _signal_group(self._child, signal.SIGKILL)
        while (left := _descendants() - {self._child}) and monotonic() < deadline:
            for pid in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            _reap_all_but(self._child)
            self._wait(_NAP)


# ---- the command -----------------------------------------------------------------------------------------------


def _start(command: list[str], prepare: Callable[[], None]) -> tuple[int, str]:
    """The process of *command*, or why it could not be started."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setpgid(0, 0)
            prepare()
            os.execvp(command[0], command)  # noqa: S606  without a shell, which is the point
        except (OSError, ValueError) as error:
            os.write(writer, str(error).encode(errors="replace"))
        finally:
            os._exit(127)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        problem = pipe.read().decode(errors="replace")
    if problem:
        os.waitpid(child, 0)
    return child, problem


def _print_no_more() -> None:
    """Let go of the output, whose reader waits for the last who holds it: a worker has another for each job."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _prepared(memory: int, cpu: int, passed: int, control: Callable[[int, int], object]) -> None:
    """Set the limits of this process, and undo what Python has changed for itself."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    control(_DIE_WITH_PARENT, signal.SIGKILL)
    _lower(resource.RLIMIT_CORE, 0, 0)  # what it had in memory is not left on a disk
    if memory:
        _lower(resource.RLIMIT_DATA, memory, memory)
    if cpu:
        _lower(resource.RLIMIT_CPU, cpu, cpu + 1)
    if passed >= 0:
        os.set_inheritable(passed, True)


def _lower(kind: int, soft: int, hard: int) -> None:
    most = resource.getrlimit(kind)[1]
    hard = hard if most == resource.RLIM_INFINITY else min(hard, most)
    resource.setrlimit(kind, (min(soft, hard), hard))


def _control() -> Callable[[int, int], object]:
    """Linux's prctl, which nothing in Python's library nor any that is kept well gives; elsewhere, nothing."""
    if sys.platform != "linux":
        return lambda _option, _value: None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    return lambda option, value: prctl(option, ctypes.c_ulong(value), 0, 0, 0)


# ---- what comes of it ------------------------------------------------------------------------------------------


def _descendants() -> set[int]:
    """All processes that come of this one; where they cannot be known, none, and only the command's group is ended."""
    found: set[int] = set()
    below = [os.getpid()]
    while below:
        new = set(_children(below.pop())) - found
        found |= new
        below += new
    return found


def _children(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                yield from map(int, file.read().split())


def _resident(pid: int) -> int:
    """Bytes of memory that the process holds; what it shares counts for each that shares it."""
    with suppress(OSError, IndexError), open(f"/proc/{pid}/statm", "rb") as file:
        return int(file.read().split()[1]) * _PAGE
    return 0


def _reap_all_but(child: int) -> None:
    """Let go of those that have ended."""
    with suppress(ChildProcessError):
        for pid in _children(os.getpid()):
            if pid != child:
                os.waitpid(pid, os.WNOHANG)


def _signal_group(group: int, number: signal.Signals) -> None:
    # macOS answers EPERM for a group that has only a zombie left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def main(arguments: list[str]) -> None:
    """Do what the arguments say, and end as the command did."""
    numbers, locale, command = arguments[:6], arguments[6], arguments[7:]
    lifeline, passed, grace, memory, cpu, processes = map(int, numbers)
    os.set_inheritable(lifeline, False)
    if not locale:
        os.environ.pop("LC_CTYPE", None)  # Python has set it
    control = _control()
    control(_SUBREAPER, 1)  # what is left by its parent comes to this process
    with socket.socket(fileno=lifeline) as line:
        supervisor = Supervisor(line, grace, memory, processes)
        code = os.waitstatus_to_exitcode(supervisor.run(command, lambda: _prepared(memory, cpu, passed, control)))
    if code < 0:
        _lower(resource.RLIMIT_CORE, 0, 0)
        with suppress(OSError, ValueError):  # SIGKILL has no handler to put back
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
