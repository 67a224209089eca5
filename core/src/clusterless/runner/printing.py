"""Tells what lots print while they are worked, and how far they say they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock

from attrs import define, field

from clusterless.runner.happenings import Happening, Printed, Progressed
from clusterless.runtime.printed import Lines, PrintedFiles, Progress, progress_of

_LOOK = 0.2  # seconds between looks at what was printed
_MOST = 64 * 1024  # bytes that a lot has told of it at a look; what it printed before is kept in its file only


@define(eq=False)
class _Lot:
    element: str
    lot: str
    printed: PrintedFiles
    lines: Lines = field(factory=Lines)
    lock: Lock = field(factory=Lock)  # it is looked at by the thread that works it, too: at its end
    is_over: bool = False

    def look(self) -> Iterator[str]:
        for data, left_out in self.printed.chunks(_MOST):
            if left_out:
                yield f"[{left_out:,} bytes are not shown; they are kept in {self.printed.folder}]"
            yield from self.lines.feed(data, left_out)
        if self.is_over:
            yield from self.lines.rest()


class Printing:
    """Follows the files that lots print to, from one thread; with *lines* each line is told, else progress only.

    Who prints never waits for who is told: of a flood the last part of each look is, and a word of the rest.
    """

    def __init__(self, tell: Callable[[Happening], None], *, lines: bool) -> None:
        self._tell = tell
        self._tells_lines = lines
        self._lots: set[_Lot] = set()
        self._lock = Lock()

    @contextmanager
    def followed(self, element: str, lot: str, folder: Path) -> Iterator[None]:
        """While the context lasts, and at its end, what is printed to files of *folder* is told."""
        each = _Lot(element, lot, PrintedFiles(folder))
        with self._lock:
            self._lots.add(each)
        try:
            yield
        finally:
            with self._lock:
                self._lots.remove(each)
            with each.lock:
                each.is_over = True
                if self._tells_lines:
                    self._look(each)

    def run(self, over: Event) -> None:
        """Look again and again until it is *over*."""
        while not over.wait(_LOOK):
            with self._lock:
                lots = list(self._lots)
            for each in lots:
                with each.lock:
                    if not each.is_over:
                        self._look(each)

    def _look(self, each: _Lot) -> None:
        newest: Progress | None = None
        for line in each.look():
            if progress := progress_of(line):
                newest = progress
            elif self._tells_lines:
                self._tell(Printed(element=each.element, lot=each.lot, line=line))
        if newest and not each.is_over:
            self._tell(
                Progressed(
                    element=each.element,
                    lot=each.lot,
                    done=newest.done,
                    total=newest.total,
                    message=newest.message,
                )
            )
