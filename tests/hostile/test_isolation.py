"""A workload takes no more than it may, and nothing of it is left: real processes that behave badly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from time import monotonic, sleep
from typing import Any

import pytest

from clusterless.builtin.processes import run_command
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.limits import Limits
from clusterless.runtime.output import Output

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc, which is Linux's")

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a Python text as a workload is run; gives what it printed."""

    def run(text: str, *, timeout: float = 60, stopping: Callable[[], bool] = lambda: False, **limits: Any) -> str:
        (tmp_path / "step.py").write_text(dedent(text))
        path = tmp_path / "output.log"
        with Output(path) as output:
            run_command(
                [sys.executable, "step.py"],
                folder=tmp_path,
                environment={"PATH": os.environ["PATH"]},
                output=output,
                limits=Limits(**limits),
                timeout=timeout,
                stopping=stopping,
            )
        return path.read_text()

    return run


def from_here(folder: Path) -> list[int]:
    """The processes that work in *folder*; a zombie works nowhere any more."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
        except OSError:
            continue  # it has ended
    return found


def await_none(folder: Path) -> None:
    deadline = monotonic() + 60
    while from_here(folder) and monotonic() < deadline:
        sleep(0.05)
    assert not from_here(folder)


# ---- limits ----------------------------------------------------------------------------------------------------


def test_a_process_gets_no_more_memory_than_it_may_have(run: Run) -> None:
    with pytest.raises(WorkloadError, match="MemoryError"):
        run("x = bytearray(300 * 1024 * 1024)", memory_size_mb=100)
    assert run("x = bytearray(50 * 1024 * 1024)", memory_size_mb=100) == ""


def test_several_that_each_have_little_have_too_much_together(run: Run, tmp_path: Path) -> None:
    text = """
    import os, time
    for _ in range(4):
        if not os.fork():
            x = bytearray(b"x") * (40 * 1024 * 1024)
            time.sleep(600)
    time.sleep(600)
    """
    with pytest.raises(WorkloadError, match="took more memory than 100 MB") as raised:
        run(text, memory_size_mb=100)
    assert raised.value.hint == "raise 'memorySizeMB' of 'limits' if it needs more"
    assert not from_here(tmp_path)


def test_a_process_that_counts_for_ever_is_ended(run: Run) -> None:
    with pytest.raises(WorkloadError, match="took more than 1 s of a processor") as raised:
        run("while True: pass", cpu_sec=1)
    assert raised.value.hint == "raise 'cpuSec' of 'limits' if it needs more"


def test_who_sleeps_takes_nothing_of_a_processor(run: Run) -> None:
    assert run("import time; time.sleep(1.5); print('awake')", cpu_sec=1) == "awake\n"


@pytest.mark.parametrize("leaving", ["", "os.setsid()"])
def test_a_fork_bomb_is_ended_with_every_process_of_it(run: Run, tmp_path: Path, leaving: str) -> None:
    text = f"""
    import os, time
    for _ in range(120):
        if not os.fork():
            {leaving or "pass"}
            if os.fork():
                os._exit(0)
            time.sleep(600)
    time.sleep(600)
    """
    with pytest.raises(WorkloadError, match="took more processes at a time than 30"):
        run(text, processes=30)
    assert not from_here(tmp_path)


@pytest.mark.parametrize("wrong", [{"memory_size_mb": 1}, {"cpu_sec": 0}, {"processes": 0}, {"memory_size_mb": 99.5}])
def test_a_limit_that_nothing_could_live_in_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((InvalidValueError, ValueError, TypeError)):
        Limits(**wrong)


# ---- what is left ----------------------------------------------------------------------------------------------


DAEMON = """
    import os, signal, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        time.sleep(600)
    os.wait()
    open("ready", "w").close()
"""


def test_a_daemon_does_not_outlive_its_command(run: Run, tmp_path: Path) -> None:
    run(DAEMON)
    assert (tmp_path / "ready").exists()
    assert not from_here(tmp_path)


def test_what_hangs_and_will_not_be_asked_is_ended_and_its_daemon_too(run: Run, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="stopped"):
        run(f"{dedent(DAEMON)}\ntime.sleep(600)", stopping=(tmp_path / "ready").exists)
    assert not from_here(tmp_path)


def test_what_is_stopped_by_a_signal_is_ended_too(run: Run, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="timed out"):
        run("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", timeout=1)
    assert not from_here(tmp_path)


def test_zombies_do_not_gather(run: Run) -> None:
    """Each orphan comes to the supervisor when its parent ends, and is let go of while the command goes on."""
    text = """
    import os, pathlib, time
    for _ in range(20):
        if not os.fork():
            if not os.fork():
                os._exit(0)
            os._exit(0)
        os.wait()
    parent = os.getppid()
    children = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
    for _ in range(600):
        if children.read_text().split() == [str(os.getpid())]:
            print("alone")
            break
        time.sleep(0.1)
    """
    assert run(text) == "alone\n"


HOST = """
import sys
from pathlib import Path
from clusterless.builtin.processes import run_command
from clusterless.model.limits import Limits
from clusterless.runtime.output import Output
with Output(Path("output.log")) as output:
    run_command([sys.executable, "step.py"], folder=Path.cwd(), environment={}, output=output, limits=Limits(),
        timeout=600, stopping=lambda: False)
"""


def test_a_command_ends_when_who_started_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text(f"{dedent(DAEMON)}\ntime.sleep(600)")
    host = subprocess.Popen([sys.executable, "-c", HOST], cwd=tmp_path)
    while not (tmp_path / "ready").exists():
        assert host.poll() is None
        sleep(0.05)
    host.send_signal(signal.SIGKILL)
    host.wait()
    await_none(tmp_path)


def test_a_command_ends_when_its_supervisor_is_killed(run: Run, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="was killed by signal 9"):
        run("import os, time; os.kill(os.getppid(), 9); time.sleep(600)")
    await_none(tmp_path)


# ---- what it is given ------------------------------------------------------------------------------------------


def test_it_inherits_no_descriptor_and_nothing_else_of_ours(run: Run, tmp_path: Path) -> None:
    kept = (tmp_path / "secret").open("w")
    os.set_inheritable(kept.fileno(), True)
    text = """
    import os, resource, signal
    open_ones = [n for n in range(3, 1024) if os.path.exists(f"/proc/self/fd/{n}")]
    print(open_ones, sorted(os.environ), resource.getrlimit(resource.RLIMIT_CORE), os.read(0, 1))
    ignored = int(next(line for line in open("/proc/self/status") if line.startswith("SigIgn")).split()[1], 16)
    print(sorted(s.name for s in signal.valid_signals() if ignored >> s - 1 & 1))
    """
    # Python itself ignores two, and nohup one. Two more belong to the C library, which lets nobody set them.
    ignored = sorted(s.name for s in signal.valid_signals() if signal.getsignal(s) == signal.SIG_IGN)
    with kept:
        first, second = run(text).splitlines()
    environment = sorted({"PATH", *(["LC_CTYPE"] if "LC_CTYPE" in first else [])})  # Python sets that one by itself
    assert first == f"[] {environment} (0, 0) b''"
    assert second == str(ignored)


def test_a_command_of_a_shell_sees_the_variables_it_is_given_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    with Output(path) as output:
        run_command(
            ["/usr/bin/env"],
            folder=tmp_path,
            environment={"ONE": "1"},
            output=output,
            limits=Limits(),
            timeout=60,
            stopping=lambda: False,
        )
    assert path.read_text() == "ONE=1\n"


def test_it_is_the_leader_of_its_group_and_has_no_terminal(run: Run) -> None:
    text = """
    import os
    print(os.getpgrp() == os.getpid())
    try:
        os.open("/dev/tty", os.O_RDWR)
    except OSError:
        print("no terminal")
    """
    assert run(text) == "True\nno terminal\n"
