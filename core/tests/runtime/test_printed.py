"""What is printed is read from the files that keep it: as lines, as progress, and of a flood the end."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.runtime.printed import Lines, PrintedFiles, Progress, progress_of
from clusterless.sdk.progress import progress


def lines_of(*chunks: bytes) -> list[str]:
    lines = Lines()
    return [line for chunk in chunks for line in lines.feed(chunk)] + [*lines.rest()]


@given(st.lists(st.text(alphabet="ab ü\x1b", max_size=20), max_size=8), st.lists(st.integers(0, 200), max_size=8))
def test_lines_are_the_same_however_their_bytes_come(lines: list[str], cuts: list[int]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    at = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert lines_of(*(data[begin:end] for begin, end in itertools.pairwise(at))) == lines


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\r\ntwo", ["one", "two"]),
        (b" 10%\r 20%\r100%\n", ["100%"]),
        (b"\xff\n", ["\ufffd"]),
        (b"x" * 9000 + b"\ny", ["x" * 8192, "x" * 808, "y"]),
    ],
)
def test_lines_are_as_a_terminal_would_show_them(printed: bytes, lines: list[str]) -> None:
    assert lines_of(printed) == lines


def test_a_line_without_an_end_is_not_kept_whole() -> None:
    lines = Lines()
    told = [line for _ in range(100) for line in lines.feed(b"x" * 5000)]
    assert sum(map(len, told)) >= 490_000
    assert max(map(len, told)) <= 8192


def test_the_sdk_says_what_is_understood_here(capsys: pytest.CaptureFixture[str]) -> None:
    progress(1, 4, "half … of half")
    progress(7, None, "")
    first, second = capsys.readouterr().out.splitlines()
    assert progress_of(first) == Progress(done=1, total=4, message="half … of half")
    assert progress_of(second) == Progress(done=7, total=None, message="")


@pytest.mark.parametrize(
    "told",
    [
        "1/2",
        "[]",
        "{}",
        '{"done": "x"}',
        '{"done": NaN}',
        '{"done": 1, "total": Infinity}',
        "[" * 9999,
        '{"done": [1]}',
    ],
)
def test_what_says_nothing_of_progress_is_a_line_like_any_other(told: str) -> None:
    assert progress_of(f"CLS_PROGRESS {told}") is None


def test_a_message_is_no_longer_than_somebody_reads() -> None:
    known = progress_of("CLS_PROGRESS " + json.dumps({"done": 1, "message": "x" * 10_000}))
    assert known
    assert len(known.message) == 201


def read(files: PrintedFiles, most: int | None = None) -> bytes:
    return b"".join(data for data, _ in files.chunks(most))


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "lot"
    files = PrintedFiles(folder)
    assert read(files) == b""
    folder.mkdir()
    (folder / "0-1-a.log").write_bytes(b"one\n")
    assert read(files) == b"one\n"
    assert read(files) == b""
    files = PrintedFiles(folder)
    assert read(files) == b""
    (folder / "0-1-a.log").write_bytes(b"on")  # gone on with, after a restart
    (folder / "0-2-b.log").write_bytes(b"two\n")
    assert read(files) == b"ontwo\n"


def test_of_a_flood_only_the_end_is_read(tmp_path: Path) -> None:
    files = PrintedFiles(tmp_path)
    (tmp_path / "a.log").write_bytes(b"".join(b"%06d\n" % number for number in range(20_000)))
    chunks = list(files.chunks(1000))
    assert [(len(data), left_out) for data, left_out in chunks] == [(1000, 139_000)]
    lines = Lines()
    told = [line for data, left_out in chunks for line in lines.feed(data, left_out)]
    assert told[0] == "019858", "the torn one is left out"
    assert told[-1] == "019999"
