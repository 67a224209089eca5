"""What attempts print, read while it comes from the files that keep it: neither they nor who keeps it wait for that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from math import isfinite
from pathlib import Path

from attrs import define, field, frozen

from clusterless.errors import cut
from clusterless.runtime.output import PROGRESS

_CHUNK = 64 * 1024  # bytes
_LONGEST = 8 * 1024  # bytes of a line; what is longer comes as several
_MESSAGE = 200  # characters


@frozen(kw_only=True)
class Progress:
    """How far a workload says that it is: *done* of *total*, in whatever it counts; None where it does not know."""

    done: float
    total: float | None
    message: str


def progress_of(line: str) -> Progress | None:
    """What *line* says of progress, if that is what it is for."""
    if not line.startswith(PROGRESS):
        return None
    try:
        told = json.loads(line.removeprefix(PROGRESS))
        done, total = float(told["done"]), told.get("total")
        message = cut(str(told.get("message", "")), _MESSAGE)
        known = Progress(done=done, total=None if total is None else float(total), message=message)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return known if isfinite(known.done) and isfinite(known.total or 0) else None


@define
class PrintedFiles:
    """The files of *folder*, whose attempts print to one each, from how they are when this is made."""

    folder: Path
    _read: dict[Path, int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._read = {path: _size(path) for path in self._files()}

    def chunks(self, most: int | None = None) -> Iterator[tuple[bytes, int]]:
        """What was printed since the last time, and how many bytes before it are left out.

        Of a file that has more than *most* bytes of it, only the last so many are read.
        """
        for path in self._files():
            with suppress(OSError):  # it is gone, or not ours to read: what is kept is for others to say
                yield from self._new(path, most)

    def _files(self) -> list[Path]:
        with suppress(OSError):
            return sorted(self.folder.iterdir())
        return []

    def _new(self, path: Path, most: int | None) -> Iterator[tuple[bytes, int]]:
        position, size = self._read.get(path, 0), _size(path)
        if size < position:
            position = 0  # an attempt that is gone on with is kept anew
        if size == position:
            return
        begin = position if most is None else max(position, size - most)
        left_out = begin - position
        with path.open("rb") as file:
            file.seek(begin)
            while (most is None or file.tell() < size) and (data := file.read(_CHUNK)):
                self._read[path] = file.tell()
                yield data, left_out
                left_out = 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@define
class Lines:
    """Bytes, as they come, to lines as a terminal would end up showing them: what was written over is not there."""

    _rest: bytes = b""
    _is_torn: bool = False

    def feed(self, data: bytes, left_out: int = 0) -> Iterator[str]:
        """The lines that end in *data*; the first of them not, where some bytes before it were *left_out*."""
        if left_out:
            self._rest, self._is_torn = b"", True
        *ended, self._rest = (self._rest + data).split(b"\n")
        for line in ended:
            if not self._is_torn:
                yield from _pieces(line)
            self._is_torn = False
        if len(self._rest) > _LONGEST:
            yield from self.rest()

    def rest(self) -> Iterator[str]:
        """What was printed last, without an end of its line."""
        rest, self._rest = self._rest, b""
        if rest and not self._is_torn:
            yield from _pieces(rest)


def _pieces(line: bytes) -> Iterator[str]:
    shown = line.rstrip(b"\r").rpartition(b"\r")[2]
    for begin in range(0, max(len(shown), 1), _LONGEST):
        yield shown[begin : begin + _LONGEST].decode(errors="replace")
