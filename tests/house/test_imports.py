"""Imports go one way (ARCHITECTURE's "Direction of imports")."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp

VALUES = ("clusterless.model", "clusterless.engine", "clusterless.errors")
ALLOWED = {"attr", "attrs", *sys.stdlib_module_names}


def test_the_contracts_of_pyproject_hold(root: Path) -> None:
    """In a process of its own: it sets logging up for itself."""
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_values_and_decisions_use_nothing_third_party_but_attrs() -> None:
    graph = grimp.build_graph("clusterless", include_external_packages=True, cache_dir=None)
    found = {
        f"{module} imports {imported}"
        for module in graph.modules
        if module.startswith(VALUES)
        for imported in graph.find_modules_directly_imported_by(module)
        if not imported.startswith("clusterless.") and imported not in ALLOWED
    }
    assert not found
