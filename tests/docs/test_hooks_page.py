"""Every hook has a section, and the plugin of the page works."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

from clusterless import hookspecs


def hooks() -> dict[str, Any]:
    found = {name: value for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.NAME}_spec")}
    assert len(found) >= 12
    return found


def test_every_hook_has_a_section_titled_by_its_signature(read: Any) -> None:
    titles = re.findall(r"^## (cls_.*)$", read("docs/hooks.md").prose, re.MULTILINE)
    assert titles == [f"{name}{inspect.signature(hook)}".replace("'", "") for name, hook in hooks().items()]


def test_every_hook_has_a_test_of_its_own(root: Path) -> None:
    tree = ast.parse((root / "core/tests/plugins/test_each_hook.py").read_text())
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {f"test_hook_{name}" for name in hooks()} <= tests


def test_the_plugin_of_the_page_works(read: Any, shell: Any, tmp_path: Path) -> None:
    page = read("docs/hooks.md")
    (tmp_path / "cls_tea.py").write_text("\n\n".join(page.blocks("python")))
    install(tmp_path)
    (tmp_path / "project.toml").write_text(next(block for block in page.blocks("toml") if "[[arcs]]" in block))
    for cup in ("one", "two"):
        path = tmp_path / "cups" / cup
        path.parent.mkdir(exist_ok=True)
        path.write_text("tea")
    environment = {"PYTHONPATH": str(tmp_path)}
    shown = shell("cls plugins", **environment)
    assert all(name in shown for name in ("tea:core:kettle", "tea:core:bell", "tea://", "cls-tea has no place"))
    assert shell("cls tea", **environment) == "ready\n"
    shell("cls run project.toml --until-idle --seal-open", **environment)
    assert [path.read_text() for path in tmp_path.glob("counts/lot=*/*")] == ["2"]
    rung = [line.split()[0] for line in (tmp_path / "rung.txt").read_text().splitlines()]
    assert rung == ["cups/1", "counts/1"]


def install(folder: Path) -> None:
    """Make the module in *folder* a distribution with the page's entry point."""
    info = folder / "cls_tea-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cls-tea\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[clusterless]\ntea = cls_tea\n")
