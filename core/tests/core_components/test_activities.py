"""``cls:core:execActivity`` and ``cls:core:pythonActivity``, in real processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from time import monotonic, sleep
from typing import Any

import pytest

from clusterless.builtin.activities import CommandSettings, ExecActivity, FunctionSettings, PythonActivity
from clusterless.builtin.exec_activity import RunCommand
from clusterless.builtin.python_activity import CallFunction
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.lot import Lot, LotUnit
from clusterless.provider import Occasion
from clusterless.sdk import ActivityWork

LOT = Lot.parse("20240131PT5M287")
EVERY = {"type": "cls:core:x", "name": "chore", "interval": LotUnit.TWELFTHS}

CODE = """
    import os, subprocess, sys, time
    from pathlib import Path

    def tell(work):
        print("said", work.lot)
        work.progress(1, 2, "half")
        return f"{work.lot} {work.attempt} {work.token} {work.props['days']}"

    def nothing(work):
        return {"not": "text"}

    def leave(work):
        sys.exit()

    def refuse(work):
        sys.exit("not today")

    def fail(work):
        raise ValueError("bad")

    def hang(work):
        child = subprocess.Popen(["sleep", "600"])
        Path("pids").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)

    def die(work):
        os._exit(3)
"""


def occasion(base: Path, stopping: Callable[[], bool] = lambda: False) -> Occasion:
    token = f"demo/1/chore/{LOT}"
    output = base / "outputs" / "0-1-x.log"
    return Occasion(activity="chore", lot=LOT, attempt="0-1-x", token=token, stopping=stopping, output=output)


def run(bench: Any, *command: str, stopping: Callable[[], bool] = lambda: False, **more: Any) -> str:
    settings = CommandSettings(command=command, **more.pop("workload", {}))
    activity = ExecActivity(**EVERY, workload=settings, **more)
    return RunCommand(activity, bench.surroundings()).run(occasion(bench.base, stopping))


def call(bench: Any, function: str, stopping: Callable[[], bool] = lambda: False, **more: Any) -> str:
    (bench.base / "chores.py").write_text(dedent(CODE))
    settings = FunctionSettings(function=f"chores:{function}", workload_props={"days": 30})
    activity = PythonActivity(**EVERY, workload=settings, **more)
    doing = CallFunction(activity, bench.surroundings())
    try:
        return doing.run(occasion(bench.base, stopping))
    finally:
        doing.close()


def printed(bench: Any) -> str:
    return occasion(bench.base).output.read_text()


def are_gone(bench: Any) -> bool:
    pids = (bench.base / "pids").read_text().split()
    deadline = monotonic() + 10
    while any(_is_running(pid) for pid in pids) and monotonic() < deadline:
        sleep(0.05)
    return not any(_is_running(pid) for pid in pids)


def _is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ---- commands --------------------------------------------------------------------------------------------------


def test_a_command_is_told_what_it_is_run_for_and_sees_no_secrets(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    props = {"days": 30, "where": ["a"]}
    told = run(
        bench, sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))",
        workload={"environment": {"EXTRA": "1"}, "workload_props": props},
    )  # fmt: skip
    seen = json.loads(printed(bench))
    assert told == ""
    assert (seen["CLS_LOT"], seen["CLS_ATTEMPT"], seen["EXTRA"]) == (str(LOT), "0-1-x", "1")
    assert seen["CLS_IDEMPOTENCY_KEY"] == f"demo/1/chore/{LOT}"
    assert json.loads(seen["CLS_WORKLOAD_PROPS_JSON"]) == props
    assert "SECRET" not in seen


def test_a_command_runs_in_the_folder_of_the_project_file(bench: Any) -> None:
    run(bench, "pwd")
    assert printed(bench).strip() == str(bench.base.resolve())


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["sh", "-c", "echo last words; exit 3"], r"sh exited with 3\n  \| last words"),
        (["sh", "-c", "kill -9 $$"], "sh was killed by signal 9"),
        (["./not-there"], r"\./not-there cannot be started"),
    ],
)
def test_a_command_that_fails_says_how(bench: Any, command: list[str], problem: str) -> None:
    with pytest.raises(WorkloadError, match=problem):
        run(bench, *command)


def test_a_command_that_hangs_is_ended_with_all_that_it_started(bench: Any) -> None:
    with pytest.raises(WorkloadError, match="sh timed out after 1 s"):
        run(bench, "sh", "-c", "sleep 600 & echo $$ $! > pids; wait", timeout_sec=1)
    assert are_gone(bench)


def test_a_command_is_ended_when_the_runner_is_to_stop(bench: Any) -> None:
    with pytest.raises(WorkloadError, match="sh stopped"):
        run(bench, "sh", "-c", "echo $$ > pids; sleep 600", stopping=(bench.base / "pids").exists)
    assert are_gone(bench)


@pytest.mark.parametrize(
    ("command", "problem"), [((), "'command' is empty"), (("echo", "$.lot"), "read the variable CLS_LOT instead")]
)
def test_a_command_that_cannot_be_run_is_refused_when_declared(command: tuple[str, ...], problem: str) -> None:
    with pytest.raises(InvalidValueError, match=problem):
        ExecActivity(**EVERY, workload=CommandSettings(command=command))


# ---- functions -------------------------------------------------------------------------------------------------


def test_a_function_is_told_what_it_is_run_for_and_says_what_it_did(bench: Any) -> None:
    assert call(bench, "tell") == f"{LOT} 0-1-x demo/1/chore/{LOT} 30"
    assert printed(bench).splitlines()[0] == f"said {LOT}"
    assert "CLS_PROGRESS" in printed(bench)


@pytest.mark.parametrize("function", ["nothing", "leave"])
def test_a_function_may_return_anything_or_exit(bench: Any, function: str) -> None:
    assert call(bench, function) == ""


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        ("fail", "^chores:fail: ValueError: bad"),
        ("refuse", "^chores:refuse: exited: not today$"),
        ("die", "lost its process, which exited with 3"),
        ("absent", "chores has no function 'absent'"),
    ],
)
def test_a_function_that_fails_says_how(bench: Any, function: str, problem: str) -> None:
    with pytest.raises(WorkloadError, match=problem):
        call(bench, function)


def test_a_function_that_hangs_is_ended_with_all_that_it_started(bench: Any) -> None:
    with pytest.raises(WorkloadError, match="timed out after 3 s"):
        call(bench, "hang", timeout_sec=3)
    assert are_gone(bench)


@pytest.mark.parametrize("function", ["", "chores", "chores:", ":f", "a b:c"])
def test_a_function_is_named_with_its_module(function: str) -> None:
    with pytest.raises(InvalidValueError, match="module:function"):
        PythonActivity(**EVERY, workload=FunctionSettings(function=function))


# ---- the SDK ---------------------------------------------------------------------------------------------------

VARIABLES = {
    "CLS_LOT": str(LOT), "CLS_ATTEMPT": "0-1-x", "CLS_IDEMPOTENCY_KEY": "k", "CLS_WORKLOAD_PROPS_JSON": '{"a":1}',
}  # fmt: skip


def test_a_run_is_read_from_the_environment() -> None:
    work = ActivityWork.from_environment(VARIABLES)
    assert work == ActivityWork(lot=LOT, attempt="0-1-x", token="k", props={"a": 1})


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(WorkloadError, match=f"no {name} in the environment"):
        ActivityWork.from_environment({key: value for key, value in VARIABLES.items() if key != name})


@pytest.mark.parametrize("wrong", [{"CLS_LOT": "noon"}, {"CLS_WORKLOAD_PROPS_JSON": "{"}])
def test_a_variable_that_is_nonsense_is_an_error_of_ours(wrong: dict[str, str]) -> None:
    with pytest.raises(WorkloadError, match="do not describe an activity's run"):
        ActivityWork.from_environment({**VARIABLES, **wrong})
