"""Imports go one way (ARCHITECTURE's "Direction of imports")."""

from __future__ import annotations

import sys
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

VALUES = ("clusterless.model", "clusterless.engine", "clusterless.errors")
ALLOWED = {"attr", "attrs", *sys.stdlib_module_names}


def test_the_contracts_of_pyproject_hold(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0, "see above; `tox -e lint` says the same"


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
