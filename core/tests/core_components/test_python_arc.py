"""``cls:core:pythonArc``, in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from threading import Timer
from time import monotonic, sleep
from typing import Any

import pytest
from attrs import evolve

from clusterless.builtin.arcs import PythonArc
from clusterless.builtin.python_arc import PythonWorkload
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import WorkResult
from clusterless.runtime.output import Output

LOT = Lot.parse("20240131PT5M287")

CODE = """
    import os, subprocess, sys, threading, time
    from pathlib import Path
    from clusterless.sdk import LotWork

    calls = 0

    def double(work: LotWork) -> None:
        for source in work.source():
            with work.sink().open(f"lot={work.lot}/{source.name}-{work.attempt}") as stream:
                stream.write(source.read() * work.props.get("times", 2))

    def whoami(work):
        global calls
        calls += 1
        work.sink().write("pid", f"{os.getpid()} {calls}".encode())

    def talk(work):
        print("said", work.attempt)
        print("written", file=sys.stderr)
        subprocess.run(["echo", "echoed"])
        work.progress(1, 3, "words")
        print("no newline", end="")

    def linger(work):
        threading.Timer(2, print, ["late"]).start()

    def fail(work):
        work.sink().write("first", b"1")
        with work.sink().open("second") as stream:
            stream.write(b"half")
            helper(work)

    def helper(work):
        raise ValueError("a bad row")

    def hang(work):
        work.sink().write("first", b"1")
        child = subprocess.Popen(["sleep", "600"])
        Path("pids").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)

    def die(work):
        print("last words", flush=True)
        os._exit(3)

    def leave(work):
        work.sink().write("first", b"1")
        sys.exit()

    def refuse(work):
        sys.exit("not today")

    def refuse_in_numbers(work):
        sys.exit(3)

    def wrong_role(work):
        work.sink("man")

    async_value = 3
"""


@pytest.fixture
def worked(bench: Any) -> Any:
    """``worked(function, **settings)`` works the lot; the workload is closed in the end."""
    workloads = []
    (bench.base / "steps.py").write_text(dedent(CODE))
    bench.fill("a", "d/b")

    def make(function: str, **settings: Any) -> PythonWorkload:
        arc = bench.declare(PythonArc, function=function if ":" in function else f"steps:{function}", **settings)
        workloads.append(PythonWorkload(arc, bench.surroundings()))
        return workloads[-1]

    def work(function: str, **settings: Any) -> WorkResult:
        return make(function, **settings).run(bench.work())

    work.make = make  # type: ignore[attr-defined]
    yield work
    for workload in workloads:
        workload.close()


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _are_gone(*pids: int) -> bool:
    deadline = monotonic() + 10
    while any(_is_running(pid) for pid in pids) and monotonic() < deadline:
        sleep(0.05)
    return not any(_is_running(pid) for pid in pids)


def _pids(bench: Any) -> list[int]:
    return [int(word) for word in (bench.base / "pids").read_text().split()]


def test_a_function_works_a_lot(bench: Any, worked: Any) -> None:
    result = worked("double", workload_props={"times": 3})
    keys = [f"lot={LOT}/a-0-1-abc", f"lot={LOT}/b-0-1-abc"]
    assert result.sinks["main"].manifest == Manifest(
        state=ManifestState.COMPLETE, lot=LOT, uris=tuple(bench.uri("sink-main") + key for key in keys)
    )
    assert bench.sink().get(keys[1]) == b"d/b" * 3
    assert result.sinks["main"].bytes == len(b"a" * 3 + b"d/b" * 3)


def test_a_function_that_writes_nothing_makes_an_empty_manifest(worked: Any) -> None:
    assert worked("talk").sinks["main"].manifest.state is ManifestState.EMPTY


def test_one_process_works_lot_after_lot(bench: Any, worked: Any) -> None:
    workload = worked.make("whoami")
    workload.run(bench.work())
    pid, _ = bench.sink().get("pid").split()
    workload.run(bench.work())
    assert bench.sink().get("pid").split() == [pid, b"2"]
    workload.close()
    assert _are_gone(int(pid))


def test_lots_are_worked_side_by_side(bench: Any, worked: Any) -> None:
    works = [evolve(bench, attempt=f"0-{number}-x").work() for number in range(4)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(worked.make("double").run, works))
    names = [next(iter(result.sinks["main"].manifest.uris))[-6:] for result in results]
    assert names == ["-0-0-x", "-0-1-x", "-0-2-x", "-0-3-x"]
    assert all((bench.base / "outputs" / f"0-{number}-x.log").exists() for number in range(4))


def test_what_is_printed_goes_to_the_attempts_output(bench: Any, worked: Any) -> None:
    workload = worked.make("talk")
    for attempt in ("0-1-a", "0-2-b"):
        bench.attempt = attempt
        workload.run(bench.work())
        assert bench.output() == (
            f'said {attempt}\nwritten\nechoed\nCLS_PROGRESS {{"done": 1, "total": 3, "message": "words"}}\nno newline'
        )


def test_nobody_holds_a_lots_output_once_it_is_worked(worked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []
    settle = Output.settle

    def settled(self: Output, _grace: float = 0) -> None:
        settle(self, 20.0)
        held.append(self._pump.is_alive())

    monkeypatch.setattr(Output, "settle", settled)
    worked("talk")
    assert held
    assert not any(held), "the commit would wait for it"


def test_what_is_printed_after_the_lot_is_nobodys(bench: Any, worked: Any) -> None:
    worked("linger")
    sleep(2.5)
    assert bench.output() == ""


def test_an_exception_comes_home_with_the_users_frames_only(worked: Any, bench: Any) -> None:
    result = worked("fail")
    problem = result.problem
    assert problem.startswith("steps:fail: ValueError: a bad row\n")
    assert 'steps.py", line' in problem
    assert "in helper" in problem
    assert problem.count("  File ") == 2
    assert "clusterless" not in problem


def test_an_exception_leaves_a_partial_manifest_of_what_was_written(worked: Any, bench: Any) -> None:
    manifest = worked("fail").sinks["main"].manifest
    assert manifest.state is ManifestState.PARTIAL
    assert manifest.uris == (f"{bench.uri('sink-main')}first",)
    assert manifest.comment == "ValueError: a bad row"
    assert [info.key for info in bench.sink().list()] == ["first"]


def test_the_process_survives_an_exception(bench: Any, worked: Any) -> None:
    workload = worked.make("wrong_role")
    problems = []
    for _ in range(2):
        with pytest.raises(WorkloadError, match=r"the arc has no sink 'man' \(it has: main\)") as raised:
            workload.run(bench.work())
        problems.append(str(raised.value))
    assert problems[0] == problems[1]


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        ("nowhere:f", "nowhere cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        ("broken:f", r"broken cannot be imported: SyntaxError(.|\n)*broken\.py"),
        ("leaving:f", "leaving cannot be imported: exited with 0"),
        ("steps:nothing", "steps has no function 'nothing'"),
        ("steps:async_value", "steps has no function 'async_value'"),
    ],
)
def test_a_function_that_is_not_there_is_named(worked: Any, bench: Any, function: str, problem: str) -> None:
    (bench.base / "broken.py").write_text("def f(:\n")
    (bench.base / "leaving.py").write_text("import sys; sys.exit(0)\n")
    with pytest.raises(WorkloadError, match=problem):
        worked(function)


@pytest.mark.parametrize("function", ["f", "a:b:c", "a b:c", "a:", "../a:f"])
def test_a_function_is_named_with_its_module(bench: Any, function: str) -> None:
    with pytest.raises(InvalidValueError, match="use 'module:function'"):
        bench.declare(PythonArc, function=function)


def test_an_arc_without_a_function_is_refused_when_declared(bench: Any) -> None:
    with pytest.raises(InvalidValueError, match="'function' is missing"):
        bench.declare(PythonArc)


def test_a_function_may_exit(worked: Any) -> None:
    assert worked("leave").sinks["main"].manifest.state is ManifestState.COMPLETE
    with pytest.raises(WorkloadError, match=r"^steps:refuse: exited: not today$"):
        worked("refuse")
    with pytest.raises(WorkloadError, match=r"^steps:refuse_in_numbers: exited with 3$"):
        worked("refuse_in_numbers")


def test_a_process_that_hangs_is_ended_with_its_group_and_replaced(bench: Any, worked: Any) -> None:
    workload = worked.make("hang", timeout_sec=3)
    result = workload.run(bench.work())
    assert "timed out after 3 s" in result.problem
    assert result.sinks["main"].manifest.uris == (f"{bench.uri('sink-main')}first",)
    assert _are_gone(*_pids(bench))
    (bench.base / "steps.py").write_text("def hang(work): pass\n")
    bench.attempt = "0-2-x"
    assert workload.run(bench.work()).sinks["main"].manifest.state is ManifestState.EMPTY


def test_a_process_is_ended_when_the_attempt_is_given_up(bench: Any, worked: Any) -> None:
    bench.stopping = (bench.base / "pids").exists
    assert "stopped" in worked("hang").problem
    assert _are_gone(*_pids(bench))


def test_a_process_that_dies_is_a_failure_and_replaced(bench: Any, worked: Any) -> None:
    workload = worked.make("die")
    for _ in range(2):
        with pytest.raises(WorkloadError, match=r"steps:die: lost its process, which exited with 3\n  \| last words"):
            workload.run(bench.work())


def test_a_process_that_died_between_lots_is_replaced(bench: Any, worked: Any) -> None:
    workload = worked.make("whoami")
    workload.run(bench.work())
    pid = int(bench.sink().get("pid").split()[0])
    os.kill(pid, signal.SIGKILL)
    workload.run(bench.work())
    assert bench.sink().get("pid").split()[1] == b"1"


def test_a_process_that_dies_before_it_begins_costs_no_attempt(bench: Any, worked: Any) -> None:
    workload = worked.make("whoami")
    workload.run(bench.work())
    pid = int(bench.sink().get("pid").split()[0])
    os.kill(pid, signal.SIGSTOP)  # to all appearance it can take a job, and it will not begin
    killer = Timer(0.5, os.kill, [pid, signal.SIGKILL])
    killer.start()
    workload.run(bench.work())
    killer.join()
    assert bench.sink().get("pid").split()[1] == b"1"


def test_processes_that_never_begin_are_a_failure(bench: Any, worked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkloadError, match="steps:whoami: lost 3 processes before any began"):
        worked("whoami")


def test_the_parents_secrets_are_not_seen(bench: Any, worked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    (bench.base / "steps.py").write_text(
        "import os\ndef f(work): work.sink().write('env', repr([*map(os.environ.get, ('SECRET', 'OWN'))]).encode())"
    )
    worked("f", environment={"OWN": "y"})
    assert bench.sink().get("env") == b"[None, 'y']"


def test_modules_are_found_in_the_declared_folders(bench: Any, worked: Any) -> None:
    (bench.base / "lib").mkdir()
    (bench.base / "lib" / "deep.py").write_text("def f(work): work.sink().write('x', b'')")
    assert worked("deep:f", python_path=("lib",)).sinks["main"].manifest.state is ManifestState.COMPLETE


def test_a_module_named_like_one_of_pythons_does_not_break_the_worker(bench: Any, worked: Any) -> None:
    for name in ("json", "queue", "select"):
        (bench.base / f"{name}.py").write_text("raise RuntimeError('mine')\n")
    assert worked("double").sinks["main"].manifest.state is ManifestState.COMPLETE


PARENT = """
    import sys
    sys.path.insert(0, {folder!r})
    from conftest import Bench
    from pathlib import Path
    from clusterless.builtin.arcs import PythonArc
    from clusterless.builtin.python_arc import PythonWorkload
    bench = Bench(Path({base!r}))
    PythonWorkload(bench.declare(PythonArc, function="steps:hang"), bench.surroundings()).run(bench.work())
"""


def test_processes_end_when_their_parent_is_killed(bench: Any, worked: Any) -> None:
    """In the middle of a lot, with what they started."""
    code = dedent(PARENT).format(folder=str(Path(__file__).parent), base=str(bench.base))
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        deadline = monotonic() + 60
        while not (bench.base / "pids").exists() and monotonic() < deadline:
            sleep(0.05)
        sleep(0.1)
        parent.kill()
    assert _are_gone(*_pids(bench))


def test_a_late_source_is_missing(bench: Any, worked: Any) -> None:
    bench.sources, bench.absent = ("main", "late"), ("late",)
    (bench.base / "steps.py").write_text(
        "def f(work): work.sink().write('x', repr([work.source(r).missing for r in ('main', 'late')]).encode())"
    )
    worked("f")
    assert bench.sink().get("x") == b"[False, True]"


def test_lots_do_not_share_a_token(bench: Any, worked: Any) -> None:
    (bench.base / "steps.py").write_text(
        "import os\ndef f(work): work.sink().write(work.attempt, (work.token + os.environ['CLS_ATTEMPT']).encode())"
    )
    workload = worked.make("f")
    for attempt in ("0-1-a", "0-2-b"):
        bench.attempt = attempt
        workload.run(evolve(bench.work(), token=f"token-{attempt}-"))
        assert bench.sink().get(attempt) == f"token-{attempt}-{attempt}".encode()
