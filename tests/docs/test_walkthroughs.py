"""The tutorial and the how-tos are done as they are written: files saved, commands run, their output as it is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WITH_SERVERS = {"aws.md", "azure.md", "containers.md", "gcp.md", "write-a-provider.md"}
AS_ON_A_TERMINAL = {"operate.md", "tutorial.md"}  # they show what goes to stderr, too
WALKS = [ROOT / "docs/tutorial.md", *sorted((ROOT / "docs/howto").glob("*.md"))]

_STEP = re.compile(
    r"(?:^[^\n]*\bas `(?P<file>[\w./-]+)`[^\n]*\n\s*)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_CHANGING = (
    (re.compile(r"\d{8}(PT?\d+[MHD])\d{3,4}"), r"LOT\1"),
    (re.compile(r"\d+\.\d\d s"), "0.00 s"),
    (re.compile(r"\d-\d-[0-9a-f]{16}"), "ATTEMPT"),
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}"), "PLAN"),
)


def test_there_are_walkthroughs() -> None:
    assert len(WALKS) >= 4


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.stem)
def test_it_is_as_it_is_written(walk: Path, shell: Any, tmp_path: Path, server: Mapping[str, str]) -> None:
    state = "set +e; [ -f .env ] && . ./.env; set -e; "
    state += "exec 2>&1; " if walk.name in AS_ON_A_TERMINAL else ""
    shown = ""
    for file, kind, text in steps(walk):
        if file:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(text)
        elif kind == "bash":
            # What is exported in one block holds in the next.
            shown = shell(f"{state}{text}\nexport -p | grep CLS_ > .env || true", **server)
        elif kind == "text" and shown:
            assert steady(shown) == steady(text), f"{walk.name}: after {shown}"
            shown = ""


@pytest.fixture
def server(walk: Path, request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The variables that lead to the server which a page is about."""
    found: Mapping[str, str] = request.getfixturevalue(f"{walk.stem}_server") if walk.name in WITH_SERVERS else {}
    return found


def steps(page: Path) -> Iterator[tuple[str, str, str]]:
    """The page's blocks: the file that one is saved as, its kind and its text."""
    for match in _STEP.finditer(page.read_text(encoding="utf-8")):
        yield match["file"] or "", match["kind"], match["text"]


def steady(text: str) -> list[str]:
    """The lines without what is another each time, in any order: two things may happen at once."""
    for changing, steadily in _CHANGING:
        text = changing.sub(steadily, text)
    return sorted(line.rstrip() for line in text.strip().splitlines() if not line.startswith(f"{os.sep}tmp"))
