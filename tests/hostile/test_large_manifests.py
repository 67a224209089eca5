"""A manifest of a gigabyte, as it should be or not: little of it is held, and what is none is given up early."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from itertools import repeat
from typing import BinaryIO

import pytest

from clusterless.errors import MalformedError
from clusterless.store.manifests import decode
from clusterless.store.memory import MemoryStore

GIGABYTE = 1 << 30
PART = 1 << 16
HEAD = b'{"state":"complete","comment":null,"lotId":"20240131PT5M144","uriType":"identifier","uris":'
URI = b'"file:///data/sink/lot=20240131PT5M144/part-of-it-with-a-name.parquet"'


class Stream(io.RawIOBase):
    """*head*, then *unit* again and again, until there are *size* bytes; it is never there as a whole."""

    def __init__(self, head: bytes, unit: bytes, tail: bytes, size: int) -> None:
        self._bulk = unit * (PART // len(unit))
        self._times, self._tail = size // len(self._bulk), tail
        self._rest, self.was_read = head, 0
        self._parts: Iterator[bytes] = repeat(self._bulk, self._times)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            part = next(self._parts, None)
            if part is None:
                part, self._tail = self._tail, b""
                if not part:
                    break
            self._rest += part
        given, self._rest = self._rest[:size], self._rest[size:]
        self.was_read += len(given)
        return given


class Generated(MemoryStore):
    """A store of one such object."""

    def __init__(self, head: bytes, unit: bytes, tail: bytes = b"", size: int = GIGABYTE) -> None:
        super().__init__()
        self._as = (head, unit, tail, size)
        self.streams: list[Stream] = []

    def open(self, key: str) -> BinaryIO:
        self.streams.append(Stream(*self._as))
        return self.streams[-1]  # type: ignore[return-value]


def peak_of(store: Generated) -> tuple[int, int]:
    """How many URIs there are, and how many bytes were held at most."""
    tracemalloc.start()
    try:
        return sum(1 for _ in decode(store, "manifest.json").uris), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        (HEAD + b'["', b"a"),
        (HEAD + b'["', b'\\"'),
        (HEAD, b"["),
        (HEAD + b"[", b'["a",'),
        (HEAD + b"[", b'{"a":'),
        (HEAD + b"[", b"1,"),
        (HEAD, b" "),
        (HEAD + b'[],"else":', b'{"a":'),
        (b'{"comment":"', b"a"),
        (b'{"', b"a"),
        (b"", b"["),
        (b"", b"\n"),
        (b"", b"\0"),
        (b"", b"\xff"),
    ],
)  # fmt: skip
def test_what_would_have_to_be_held_is_given_up(head: bytes, unit: bytes) -> None:
    store = Generated(head, unit)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError, match=r"manifest\.json: 1 problem"):
            list(decode(store, "manifest.json").uris)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(stream.was_read for stream in store.streams) < 8 * 1024 * 1024
    assert peak < 32 * 1024 * 1024


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_one_that_is_as_it_should_be_is_read_and_little_of_it_held(night: int) -> None:
    size = GIGABYTE if night else GIGABYTE // 64
    count, peak = peak_of(Generated(HEAD + b"[", URI + b",", URI + b"]}", size))
    assert count == size // (PART // len(URI + b",") * len(URI + b",")) * (PART // len(URI + b",")) + 1
    assert peak < 4 * 1024 * 1024
