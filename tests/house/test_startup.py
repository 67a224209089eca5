"""Starting `cls` costs nothing that is not used: with every plugin installed, no SDK is loaded."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

IMPORT = "import clusterless.cli.app"
HELP = """
import sys
from clusterless.cli.app import main
sys.argv = ["cls", "--help"]
try:
    main()
except SystemExit as stopped:
    assert not stopped.code, stopped.code
"""
PLUGINS = "import cls_aws.plugin, cls_azure.plugin, cls_docker.plugin, cls_gcp.plugin"
REPORT = "\nimport sys; print(*sys.modules, sep='\\n', file=sys.stderr)"


@pytest.fixture(scope="module")
def heavy(root: Path) -> set[str]:
    """What no module may import when it is loaded, as ruff is told it."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    imports = settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]
    return set(imports["banned-module-level-imports"])


@pytest.mark.parametrize("program", [IMPORT, HELP, PLUGINS], ids=["import", "help", "plugins"])
def test_nothing_heavy_is_loaded(program: str, heavy: set[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", program + REPORT], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 0, ended.stderr
    loaded = {name for name in ended.stderr.splitlines() if name.split(".")[0] in heavy}
    # Other distributions' .pth files make the bare namespace before any program starts.
    assert loaded - {"google", "azure"} == set()


def test_help_loads_nothing_that_is_declared() -> None:
    """Hundreds of attrs classes would cost as much as all of click."""
    ended = subprocess.run([sys.executable, "-c", HELP + REPORT], capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.splitlines())
    assert "clusterless.builtin.core" in loaded  # the plugins are there, and were asked for commands
    assert {"cattrs", "clusterless.provider", "clusterless.model.project"}.isdisjoint(loaded)


def test_the_measure_finds_what_is_loaded(heavy: set[str]) -> None:
    assert {"rich", "watchfiles", "boto3", "polars"} <= heavy
    ended = subprocess.run(
        [sys.executable, "-c", "import rich.table" + REPORT], capture_output=True, text=True, check=True
    )
    assert "rich.table" in ended.stderr.splitlines()
