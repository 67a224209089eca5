"""What lots print is told while they are worked: how far they are, and each line where that is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from clusterless.runner import printing as module
from clusterless.runner.happenings import Happening, Printed, Progressed
from clusterless.runner.printing import Printing

LOT = "20240131PT5M100"
FAR = b'CLS_PROGRESS {"done": %d, "total": 4, "message": "m"}\n'


@pytest.fixture
def told() -> list[Happening]:
    return []


@contextmanager
def looking(told: list[Happening], *, lines: bool) -> Iterator[Printing]:
    printing, over = Printing(told.append, lines=lines), threading.Event()
    thread = threading.Thread(target=printing.run, args=[over])
    thread.start()
    try:
        yield printing
    finally:
        over.set()
        thread.join()


def until(holds: Callable[[], object]) -> None:
    deadline = monotonic() + 30
    while not holds():
        assert monotonic() < deadline
        threading.Event().wait(0.01)


def lines(told: list[Happening]) -> list[str]:
    return [each.line for each in told if isinstance(each, Printed)]


def progressed(happening: Happening) -> tuple[float, float | None, str]:
    assert isinstance(happening, Progressed)
    return happening.done, happening.total, happening.message


def test_lines_are_told_while_it_is_worked_and_the_last_before_its_end(told: list[Happening], tmp_path: Path) -> None:
    with (
        looking(told, lines=True) as printing,
        printing.followed("p/work", LOT, tmp_path),
        (tmp_path / "a.log").open("ab", buffering=0) as file,
    ):
        file.write(b"one\n")
        until(lambda: told)
        assert told == [Printed(element="p/work", lot=LOT, line="one")]
        file.write(b"two\nunended")
    assert lines(told) == ["one", "two", "unended"]


def test_progress_is_told_and_lines_are_not_unless_asked_for(told: list[Happening], tmp_path: Path) -> None:
    with looking(told, lines=False) as printing, printing.followed("p/work", LOT, tmp_path):
        (tmp_path / "a.log").write_bytes(b"one\n" + FAR % 1 + FAR % 2 + b"CLS_PROGRESS of mine\n")
        until(lambda: told)
    assert progressed(told[0]) in {(1, 4, "m"), (2, 4, "m")}, "the newest of those that were there"
    assert lines(told) == []


def test_after_its_end_nothing_of_a_lot_is_told(told: list[Happening], tmp_path: Path) -> None:
    with looking(told, lines=True) as printing:
        with printing.followed("p/work", LOT, tmp_path):
            pass
        (tmp_path / "a.log").write_bytes(b"late\n")
        threading.Event().wait(3 * module._LOOK)
    assert told == []


def test_of_a_flood_the_end_is_told_and_a_word_of_the_rest(told: list[Happening], tmp_path: Path) -> None:
    with looking(told, lines=True) as printing, printing.followed("p/work", LOT, tmp_path):
        path = tmp_path / "hidden.log"
        path.write_bytes(b"".join(b"%07d\n" % number for number in range(1_000_000)))
        until(lambda: "0999999" in lines(told))
    left_out = [line for line in lines(told) if line.startswith("[")]
    assert left_out
    assert all(line.endswith(f"bytes are not shown; they are kept in {tmp_path}]") for line in left_out)
    assert len(lines(told)) < 200_000


def test_lots_are_told_apart(told: list[Happening], tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    with (
        looking(told, lines=True) as printing,
        printing.followed("p/one", LOT, tmp_path / "a"),
        printing.followed("p/two", LOT, tmp_path / "b"),
    ):
        (tmp_path / "a/x.log").write_bytes(b"of one\n")
        (tmp_path / "b/x.log").write_bytes(b"of two\n")
    assert {(each.element, each.line) for each in told if isinstance(each, Printed)} == {
        ("p/one", "of one"), ("p/two", "of two"),
    }  # fmt: skip
