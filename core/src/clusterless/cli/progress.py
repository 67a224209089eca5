"""Progress on stderr, of what takes longer than a second, where somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

_PATIENCE = 1.0  # seconds


@contextmanager
def progress(doing: str) -> Iterator[Callable[[float], None]]:
    """Gives what is called with how much is done, from 0 to 1; *doing* says what that is of."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    begun, last = monotonic(), 0.0
    bar: Callable[[float], None] | None = None
    with ExitStack() as stack:

        def step(done: float) -> None:
            nonlocal bar, last
            last = max(last, done)
            if bar is None and monotonic() - begun > _PATIENCE:
                bar = _bar(stack, doing)
            if bar:
                bar(last)

        yield step


def _bar(stack: ExitStack, doing: str) -> Callable[[float], None]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TimeRemainingColumn(compact=True))
    shown = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
    task = shown.add_task(doing, total=1.0)
    return lambda done: shown.update(task, completed=done)
