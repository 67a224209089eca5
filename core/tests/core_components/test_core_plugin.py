"""What core's own plugin offers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from clusterless.builtin import core
from clusterless.builtin.arcs import CopyArc, ExecArc, PythonArc
from clusterless.plugins import find_plugins
from clusterless.provider import Workload

SETTINGS = {CopyArc: {}, ExecArc: {"command": ("true",)}, PythonArc: {"function": "a:b"}}


def test_hook_cls_arcs() -> None:
    assert [component.type for component in core.cls_arcs()] == [
        "cls:core:copyArc",
        "cls:core:execArc",
        "cls:core:pythonArc",
    ]


def test_hook_cls_notifiers() -> None:
    types = [component.type for component in core.cls_notifiers()]
    assert types == ["cls:core:execNotifier", "cls:core:inboxNotifier", "cls:core:webhookNotifier"]


def test_the_arcs_are_found_by_their_type() -> None:
    assert find_plugins().component("cls:core:copyArc").model is CopyArc


@pytest.mark.parametrize("component", core.cls_arcs(), ids=lambda component: component.type)
def test_an_arc_is_loaded_and_closed_without_work(component: Any, bench: Any) -> None:
    arc = bench.declare(component.model, **SETTINGS[component.model])
    workload: Workload = component.load()(arc, bench.surroundings())
    workload.close()


def test_the_answers_cost_little() -> None:
    code = (
        "import sys; from clusterless.builtin.core import cls_arcs; cls_arcs();"
        "print(sorted({'sqlite3', 'subprocess', 'multiprocessing', 'concurrent.futures'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
