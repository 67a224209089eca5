"""``cls:core:execArc`` and ``cls:core:pythonArc`` under the contract for workloads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clusterless.builtin.arcs import ExecArc, PythonArc
from clusterless.builtin.exec_arc import ExecWorkload
from clusterless.builtin.python_arc import PythonWorkload
from clusterless.model.arc import Arc
from clusterless.provider import Workload
from clusterless.testing.workload_contract import Does, LotBench, WorkloadContract

CODE = """
import os, sys, time

def work(lot):
    if {prints!r}:
        print({prints!r}, flush=True)
    if {shows_variables}:
        for name, value in os.environ.items():
            print(f"{{name}}={{value}}")
    for role, names in {writes!r}.items():
        for name in names:
            lot.sink(role).write(name, name.encode())
    while {code} is None:
        time.sleep(600)
    if {code}:
        os._exit({code})
"""


def settings(kind: type[Arc]) -> type:
    """What the *kind* of arc declares its workload with."""
    return kind.__attrs_attrs__.workload.default.factory  # type: ignore[attr-defined, no-any-return]


def processes(bench: LotBench) -> list[str]:
    """The command lines of those whose folder is the bench's."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == bench.base and " Z " not in (process / "stat").read_text():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue  # it has ended
    return found


class TestExecArc(WorkloadContract):
    def opened(self, bench: LotBench, does: Does) -> tuple[Arc, Workload]:
        workload = settings(ExecArc)(command=("sh", "-euc", bench.as_shell(does)), timeout_sec=bench.timeout)
        arc = ExecArc(type="cls:core:execArc", workload=workload, **bench.elements)
        return arc, ExecWorkload(arc, bench.surroundings)

    def left_behind(self, bench: LotBench) -> Sequence[object]:
        return processes(bench)


class TestPythonArc(WorkloadContract):
    writes_manifests = False

    def opened(self, bench: LotBench, does: Does) -> tuple[Arc, Workload]:
        code = CODE.format(
            prints=does.prints, shows_variables=does.shows_variables, writes=dict(does.writes), code=does.code
        )
        (bench.base / "code_of_a_lot.py").write_text(code)
        workload = settings(PythonArc)(function="code_of_a_lot:work", timeout_sec=bench.timeout)
        arc = PythonArc(type="cls:core:pythonArc", workload=workload, **bench.elements)
        return arc, PythonWorkload(arc, bench.surroundings)

    def left_behind(self, bench: LotBench) -> Sequence[object]:
        return processes(bench)
