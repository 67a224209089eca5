"""What holds for every page: links lead somewhere, examples are read, tables are those of the code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CALL = re.compile(r"`(?P<file>[\w/.-]+\.py)::(?P<test>\w+)`")


def anchors(path: Path) -> set[str]:
    """The names that headings can be linked by, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere(page: Any) -> None:
    dead = []
    for target in (match["target"] for match in _LINK.finditer(page.prose)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = page.path.parent / name if name else page.path
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(target)
    assert dead == []


def test_projects_are_sound(page: Any, shell: Any, tmp_path: Path) -> None:
    """A block of JSON is read; one that is a project passes `cls verify`, together with those before it."""
    if page.path.name in {"aws.md", "azure.md", "gcp.md", "write-a-provider.md"}:
        pytest.skip("its walkthrough verifies it, where there is what it is about")
    files: list[str] = []
    for block in page.blocks("json"):
        if '"project"' in block and "placement" in json.loads(block):
            files.append(f"{len(files)}.json")
            (tmp_path / files[-1]).write_text(block)
            # The programs that a page names are not here, of which verify warns.
            said = shell(f"cls verify {' '.join(files)}")
            assert "nothing is wrong" in said or "can be run" in said


def test_what_a_console_shows_is_what_is_said(page: Any, shell: Any) -> None:
    for block in page.blocks("console"):
        command, _, said = block.partition("\n")
        assert shell(f"{command.removeprefix('$ ')} 2>&1 || true") == said


def test_python_is_python(page: Any) -> None:
    for block in page.blocks("python"):
        ast.parse(block)


def test_tests_that_are_named_are_there(page: Any, root: Path) -> None:
    """Where a page says which test shows something, that test exists."""
    named = [(match["file"], match["test"]) for match in _CALL.finditer(page.text)]
    assert [f"{file}::{test}" for file, test in named if test not in functions(root / file)] == []


def functions(file: Path) -> set[str]:
    if not file.is_file():
        return set()
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def test_sentences_are_plain(page: Any) -> None:
    prose = re.sub(r"<!--.*?-->|`[^`\n]*`", "", page.prose)
    assert "!" not in prose.replace("![", "[")


def test_what_is_taken_from_the_code_is_up_to_date(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "docs/build.py", "--check"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_page_is_in_the_index(root: Path) -> None:
    index = (root / "docs/index.md").read_text()
    pages = [path for path in root.glob("docs/**/*.md") if path.name != "index.md" and "decisions" not in path.parts]
    assert [path.name for path in pages if path.name not in index] == []


def test_every_decision_is_listed_and_has_its_parts(root: Path) -> None:
    folder = root / "docs/decisions"
    listed = (folder / "README.md").read_text()
    records = [path for path in folder.glob("*.md") if path.name != "README.md"]
    assert len(records) >= 7
    for path in records:
        text = path.read_text()
        assert f"({path.name})" in listed, path
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Options", "Decision", "Consequences"], path
