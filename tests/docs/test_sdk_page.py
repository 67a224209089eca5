"""The project of the page about workloads runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def put(tmp_path: Path, name: str, text: str) -> None:
    """A file that arrives whole."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def written(tmp_path: Path, folder: str) -> list[str]:
    return [path.read_text() for path in sorted(tmp_path.glob(f"{folder}/lot=*/*"))]


def test_the_workloads_work(read: Any, shell: Any, tmp_path: Path) -> None:
    page = read("docs/sdk.md")
    (tmp_path / "project.json").write_text(page.blocks("json")[0])
    for block in page.blocks("python"):
        name = block.partition("\n")[0].removeprefix("# ")
        with (tmp_path / name).open("a") as stream:
            stream.write(block)
    put(tmp_path, "inbox/orders/monday.csv", "apples,3\n")
    put(tmp_path, "inbox/orders/tuesday.csv", "pears,5\napples,1\n")
    shell("cls run project.json --until-idle --seal-open")
    assert written(tmp_path, "totals") == ["apples,4,EUR\npears,5,EUR\n"]
    assert written(tmp_path, "counted") == ["2"]
    assert [sorted(text.splitlines()) for text in written(tmp_path, "worth")] == [
        ["apples,0.00,unknown", "apples,0.00,unknown", "pears,0.00,unknown"]
    ]
