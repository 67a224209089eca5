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
    for block in page.blocks("toml"):
        if name := re.match(r"# (\S+\.toml)\n", block):
            (tmp_path / name[1]).write_text(block)
    looked, ran = page.blocks("bash")
    environment = {"PYTHONPATH": str(tmp_path / "site")}
    # As the page says, but into a folder of its own, and with the build system that is there.
    assert "pip install .\n" in looked
    here = "python -m pip install --quiet --no-deps --no-build-isolation --target site .\n"
    shown = shell(looked.replace("pip install .\n", here), **environment)
    assert all(name in shown for name in ("tea:core:kettle", "tea:core:bell", "tea://", "cls-tea has no place"))
    assert shown.endswith("ready\n")
    shell(ran, **environment)
    assert [path.read_text() for path in tmp_path.glob("counts/lot=*/*")] == ["2"]
    rung = [line.split()[0] for line in (tmp_path / "rung.txt").read_text().splitlines()]
    assert rung == ["cups/1", "counts/1"]
