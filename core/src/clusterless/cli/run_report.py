"""How a run is told: live on a terminal, a line an event otherwise, or a JSON object an event."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict, define, fields

from clusterless.cli.again import again
from clusterless.cli.run_tally import GOOD, Row, Tally, off_since, so_far, waits_for
from clusterless.cli.words import fitted, plain, some
from clusterless.errors import ClsError
from clusterless.runner.happenings import (
    Ahead,
    Booked,
    Happening,
    Joined,
    LeftAlone,
    Printed,
    Progressed,
    Ran,
    SealedLots,
    Switched,
    Trouble,
    Waits,
    Worked,
)
from clusterless.runtime.site import Site

if TYPE_CHECKING:
    from rich.table import Table

    from clusterless.runner.running import Ended

_NARROW = 72  # columns
_NAMED = 5  # lots that wait
_COUNTED = ("arrivals", "complete", "empty", "partial", "missing", "done", "failed", "late", "unbooked")


@define
class Reporter:
    """Counts what happens, and says it in one form; *say* is called from many threads, one at a time."""

    tally: Tally
    form: str  # live, text or json
    _lock: Any = None

    def __attrs_post_init__(self) -> None:
        self._lock = threading.Lock()

    def tell(self, happening: Happening) -> None:
        if not self.tally.add(happening):
            return
        with self._lock:
            if self.form == "json":
                _say(json.dumps(_as_json(happening), separators=(",", ":")))
            elif line := _line(happening, quiet=self.form == "live"):
                _say(line, err=isinstance(happening, Trouble))

    def summarise(self, ended: Ended) -> None:
        """The last words: what each boundary and arc did."""
        if self.form == "json":
            _say(json.dumps({"event": "Ended", **asdict(ended)}, separators=(",", ":")))
            return
        for name, row in self.tally.rows.items():
            if name in ended.absent:
                _say(f"{name}: not run, since its placement did not answer")
                continue
            _say(again(f"{name}: {'; '.join(filter(None, (_counts(row), *row.notes))) or 'nothing to do'}"))
        lacking = self.tally.lacking if ended.idle else []
        for waits in lacking[:_NAMED]:
            _say(f"{waits}: a later run works it", err=True)
        if more := lacking[_NAMED:]:
            _say(f"{some(len(more), 'lot')} more, until later", err=True)
        _say(("all else is at rest" if ended.absent or lacking else "all is at rest") if ended.idle else "stopped")


def _say(line: str, *, err: bool = False) -> None:
    """A line, which on a terminal is broken between words."""
    line = fitted(line, sys.stderr if err else sys.stdout)
    with suppress(OSError, ValueError):  # whoever was reading has gone, pipe or terminal; the work goes on
        click.echo(line, err=err)


@contextmanager
def reporter(sites: Sequence[Site], log_format: str) -> Iterator[Reporter]:
    """A reporter in the asked form; ``auto`` is live where someone looks."""
    form = log_format if log_format != "auto" else "live" if sys.stdout.isatty() else "text"
    report = Reporter(Tally(sites), form)
    if form != "live":
        yield report
        return
    from rich.console import Console
    from rich.live import Live

    console = Console()
    with Live(get_renderable=lambda: _table(report.tally, console.width), console=console, transient=True):
        yield report


def _line(happening: Happening, *, quiet: bool) -> str:
    """A line for people; of a *quiet* run only what went wrong, and what lots print where that is told."""
    return _always(happening) or ("" if quiet else _news(happening))


def _always(happening: Happening) -> str:
    match happening:
        case Trouble(element=element, lot=lot, error=error):
            hint = f" (hint: {error.hint})" if isinstance(error, ClsError) and error.hint else ""
            return f"{element} {lot}".rstrip() + f": {error}{hint}"
        case Worked(state=state) | Ran(state=state) if state not in GOOD:
            again = "" if happening.again is None else f"\n  tried again in {round(happening.again, 1):g} s"
            return f"{happening.element} {happening.lot} {state}: {happening.error}\n  log: {happening.log}{again}"
        case LeftAlone(failed=True):
            return f"{happening.element} {happening.lot} rests: {happening.why}"
        case Printed():
            return f"{happening.element} {happening.lot} | {happening.line}"
    return ""


def _news(happening: Happening) -> str:
    match happening:
        case Joined():
            return f"{happening.element}: its placement answers, and it is run"
        case Booked() | Ahead() | Switched() | Waits():
            return _noted(happening)
        case Progressed():
            return f"{happening.element} {happening.lot} {so_far(happening)}"
        case SealedLots(lots=lots) if lots:
            late = f", {happening.late} late" if happening.late else ""
            return (
                f"{happening.element}: sealed {some(lots, 'lot')} ({happening.empty:,} empty{late}), "
                f"{some(happening.objects, 'object')}, {_span(happening)}"
            )
        case Ran(state="done"):
            note = f": {happening.note}" if happening.note else ""
            return f"{happening.element} {happening.lot} done in {happening.seconds:.2f} s{note}"
        case Worked():
            return (
                f"{happening.element} {happening.lot} {happening.state}{_objects(happening)} "
                f"in {happening.seconds:.2f} s" + (f", revision {happening.revision}" if happening.revision else "")
            )
    return ""


def _span(sealed: SealedLots) -> str:
    """Where its lots are: there may be others among them, which it has not sealed."""
    return sealed.first if sealed.first == sealed.last else f"between {sealed.first} and {sealed.last}"


def _objects(worked: Worked) -> str:
    return "" if worked.objects is None else f": {some(worked.objects, 'object')}"


def _noted(noted: Booked | Ahead | Switched | Waits) -> str:
    match noted:
        case Waits():
            return f"{noted.element}: {waits_for(noted)}"
        case Booked(unbooked=unbooked, strays=strays):
            such = f" ({', '.join(strays)}{', …' if unbooked > len(strays) else ''})" if strays else ""
            without = f", {unbooked} without a time in their key{such}" if unbooked else ""
            return f"{noted.element}: {noted.arrivals} arrived{without}"
        case Ahead(batches=batches):
            wait = "waits" if batches == 1 else "wait"
            return (
                f"{noted.element}: {some(batches, 'batch', 'batches')} {wait}: the times in their keys are yet to come"
            )
        case Switched():
            return f"{noted.element} is {'enabled again' if noted.on else off_since(noted)}"


def _as_json(happening: Happening) -> dict[str, Any]:
    values = {each.name: getattr(happening, each.name) for each in fields(type(happening))}
    if isinstance(happening, Trouble):
        code = happening.error.code if isinstance(happening.error, ClsError) else type(happening.error).__name__
        hint = happening.error.hint if isinstance(happening.error, ClsError) else ""
        values["error"] = {"code": code, "message": str(happening.error), "hint": hint}
    return {"event": type(happening).__name__, **values}


def _counts(row: Row) -> str:
    words = {"arrivals": some(row.counts["arrivals"], "arrival")}
    return ", ".join(words.get(name, f"{row.counts[name]:,} {name}") for name in _COUNTED if row.counts[name])


def _table(tally: Tally, width: int) -> Table:
    """A row for each boundary and arc; below 72 columns one column, so that no word is cut."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, row in tally.rows.items():
        cells = (name, _counts(row) or "-", row.off or row.trouble or row.waits or row.newest)
        if width < _NARROW:
            table.add_row(Text("\n  ".join(cell for cell in map(plain, cells) if cell)))
        else:
            # As it is: an error may say what rich would take for markup.
            table.add_row(*(Text(plain(cell)) for cell in cells))
    return table
