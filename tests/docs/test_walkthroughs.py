"""The tutorial and the how-tos are done as they are written: files saved, commands run, their output as it is shown."""

from __future__ import annotations

import os
import re
from collections import Counter
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
_BATCH = re.compile(r"(?P<who>\S+): (?:\d+ arrived|sealed .*)")
_COUNT = re.compile(r"(\d+) (arrived|lot|empty|late|object)")


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
    """The lines without what is another each time, in any order: two things may happen at once.

    What a boundary books is added up, since a slow machine books at once what a quick one does one by one.
    """
    for changing, steadily in _CHANGING:
        text = changing.sub(steadily, text)
    lines: list[str] = []
    booked: Counter[str] = Counter()
    for line in map(str.rstrip, text.strip().splitlines()):
        if batch := _BATCH.fullmatch(line):
            booked.update({f"{batch['who']}: {what}": int(number) for number, what in _COUNT.findall(line)})
        elif not line.startswith(f"{os.sep}tmp"):
            lines.append(line)
    return sorted([*lines, *(f"{what}: {number}" for what, number in booked.items())])


def test_what_is_booked_one_by_one_is_as_if_it_were_booked_at_once() -> None:
    one_by_one = "a/b: 1 arrived\na/b: 1 arrived\na/b: sealed 1 lot (0 empty), 1 object, x\n"
    one_by_one += "a/b: sealed 1 lot (1 empty, 1 late), 2 objects, y"
    at_once = "a/b: 2 arrived\na/b: sealed 2 lots (1 empty, 1 late), 3 objects, x..y"
    assert steady(one_by_one) == steady(at_once) != steady(at_once.replace("3 objects", "2 objects"))
