"""``cls status``: how all lots stand, what is behind, and how fast things go."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic

import click
from attrs import evolve, frozen

from clusterless.cli.app import Session, reports
from clusterless.cli.calendar import calendar, days_report
from clusterless.cli.progress import progress
from clusterless.cli.ranges import Window, is_given, ranged, say_where_lots_are, window_of
from clusterless.cli.render import Report, Value, show, table
from clusterless.cli.scope import Scope, refuse_unknown, scoped
from clusterless.cli.words import sized
from clusterless.engine.moments import dated, lasting, parse_moment
from clusterless.engine.standing import Standing
from clusterless.errors import StoreUnavailableError
from clusterless.model.lot import Lot
from clusterless.operate.landscape import BoundaryView, Landscape
from clusterless.operate.newest import nearest
from clusterless.operate.status.overview import Overview
from clusterless.operate.status.pace import Pace, Pacing
from clusterless.operate.status.subjects import Subject, chosen, shelf_of, subjects
from clusterless.operate.status.summary import Summary, by_day, summaries
from clusterless.plugins import find_plugins
from clusterless.runtime.clock import SystemClock

BEHIND = 3
"""What is exited with where something is behind or failed."""

_EVERY = 2.0  # seconds between two looks of --watch, or as long as a look takes

_EPILOG = """
\b
Examples:
  cls status -p project.json
  cls status orders --earliest -1d@d
  cls status shop/copy --watch
  cls status --calendar
  cls status --output json

Exits with 0 where all is well, with 3 where lots are behind: stale, never started, late, partial or missing.

Of each row the newest 16 committed lots are read to tell how much they hold and how long it takes from the arrival
of an object until it is committed; all else is told by listings.
"""

_WHAT = ("kind", "name", "project.name", "project.version")
_PLACE = ("placement.provider", "placement.stage", "placement.account", "placement.region")
_RANGE = ("temporalUnit", "earliest", "latest", "range", "switch", "state")
_STATES = {standing: "neverStarted" if standing is Standing.NEVER_STARTED else standing.value for standing in Standing}
_BEHIND = ("behind", "oldestBehind", "behindSec")
_PACE = ("lotsPerHour", "objectsPerHour", "bytesPerHour", "medianSec", "percentile95Sec")
_COLUMNS = (*_WHAT, *_PLACE, *_RANGE, *_STATES.values(), "rangeGap", *_BEHIND, *_PACE)
_SHORT = ("kind", "name", "state", "lots", "behind", "an.hour", "arrival.toCommit")


@click.command(epilog=_EPILOG)
@click.argument("wanted", nargs=-1, metavar="[DATASET|PROJECT[/ELEMENT]]...")
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option("--calendar", "as_calendar", is_flag=True, help="A cell a day, of a year; the worst state is shown.")
@ranged
@scoped
@reports
@click.pass_context
def status(
    ctx: click.Context, scope: Scope, window: Window, wanted: tuple[str, ...], watch: bool, as_calendar: bool
) -> None:
    """Show how lots stand, what is behind, and how fast things go.

    A row for each dataset, boundary and arc, those that are worst first. MOMENT is a lot, a date or time, or a
    distance from now such as 12h or -1d@d.
    """
    session: Session = ctx.obj
    if watch:
        _refuse_watching(session, as_calendar)
        _watch(lambda: _Asked(scope, wanted, window_of(ctx)))
        return
    if as_calendar and not is_given(ctx, "earliest"):
        window = evolve(window, earliest=parse_moment("-1y@d", window.now))
    asked = _Asked(scope, wanted, window)
    behind = _show_days(asked, session.output) if as_calendar else _show_rows(asked, session.output)
    if behind:
        ctx.exit(BEHIND)


@frozen
class _Asked:
    """What is asked about, and when."""

    scope: Scope
    names: tuple[str, ...]
    window: Window

    def overview(self) -> Overview:
        landscape = self.scope.landscape(find_plugins())
        known = subjects(landscape)
        refuse_unknown("project", self.scope.projects, [subject.project.spellings for subject in known])
        refuse_unknown("name", self.scope.names, [subject.names for subject in known])
        among = [subject for subject in known if _is_asked_for(self.scope, landscape, subject)]
        return Overview(landscape, chosen(among, self.names), self.window.of, self.window.now)


def _is_asked_for(scope: Scope, landscape: Landscape, subject: Subject) -> bool:
    """Whether it is of a project that is asked about, not only upstream of one, and has a name that is asked for."""
    if (subject.placement, subject.project) not in landscape.own:
        return False
    wanted = (set(scope.projects), set(scope.names))
    return all(not each or not subject.names.isdisjoint(each) for each in wanted)


# ---- rows ------------------------------------------------------------------------------------------------------


def _show_rows(asked: _Asked, output: str) -> int:
    """Print the report; gives how many lots are behind."""
    with progress("looking") as step:
        found, report = _report(asked, step, short=output == "table")
    show(report, output)
    _say_where_lots_are(found, asked.window)
    return sum(summary.behind for summary in found)


def _say_where_lots_are(found: Sequence[Summary], window: Window) -> None:
    """Of those that have none in the window; a boundary's are those of its dataset."""
    found = [each for each in found if each.subject.kind != "boundary"]
    without = [each for each in found if not each.counts.total()]
    lots = {each.subject.name: lot for each in without if (lot := _nearest(each))}
    say_where_lots_are(lots.values(), window, of=() if len(lots) == len(found) else [*lots])


def _nearest(summary: Summary) -> Lot | None:
    view = summary.subject.view
    if isinstance(view, BoundaryView) or summary.wanted is None:
        return None
    shelf = shelf_of(view)
    return nearest(shelf.store, shelf.path, summary.wanted)


def _report(asked: _Asked, step: Callable[[float], None], *, short: bool) -> tuple[list[Summary], Report]:
    overview = asked.overview()
    found = sorted(summaries(overview, step), key=_badness)  # of those that are equally bad, upstream first
    pacing = Pacing(overview.landscape)
    make = _short_row if short else _row
    rows = tuple(make(each, pacing.of(each.subject.view, each.newest), asked.window.now) for each in found)
    rows = _told_apart(found, rows) if short else rows
    nothing = "nothing is known here; -p FILE looks at what a project file declares"
    return found, Report(_SHORT if short else _COLUMNS, rows, kept=_SHORT, nothing=nothing)


def _told_apart(found: Sequence[Summary], rows: Sequence[tuple[Value, ...]]) -> tuple[tuple[Value, ...], ...]:
    """The *rows*, those of one name with their placement: two may have the same."""
    known = Counter(row[:2] for row in rows)
    named = (f"{each.subject.name} ({each.subject.placement.title})" for each in found)
    return tuple((row[0], name, *row[2:]) if known[row[:2]] > 1 else row for row, name in zip(rows, named, strict=True))


def _badness(summary: Summary) -> int:
    return -summary.worst.badness if summary.worst and summary.behind else 0


def _row(summary: Summary, pace: Pace, now: datetime) -> tuple[Value, ...]:
    subject, wanted, place = summary.subject, summary.wanted, summary.subject.placement
    lots, objects, volume = _hourly(summary, pace, now)
    return (
        *(subject.kind, subject.name, subject.project.name, subject.project.version),
        *(place.provider, place.stage, place.account, place.region),
        *(
            subject.unit.name if subject.unit else None,
            *((str(wanted.first), str(wanted.last)) if wanted else (None, None)),
        ),
        *(
            len(wanted) if wanted else None,
            "off" if summary.is_off else "on",
            summary.worst.value if summary.worst else None,
        ),
        *(*(summary.counts[standing] for standing in Standing), summary.gap),
        *(summary.behind, str(summary.oldest) if summary.oldest else None, _whole(_age(summary, now))),
        *(_rounded(lots), _rounded(objects), _rounded(volume), _whole(pace.median), _whole(pace.most)),
    )


def _many(count: float, thing: str) -> str:
    number = _number(count)
    return f"{number} {thing}" if number == "1" else f"{number} {thing}s"


def _short_row(summary: Summary, pace: Pace, now: datetime) -> tuple[Value, ...]:
    counts = [f"{summary.counts[each]:,} {each.value}" for each in reversed(Standing) if summary.counts[each]]
    age = _age(summary, now)
    behind = f"{summary.behind:,}, oldest {summary.oldest} ({lasting(age)} ago)" if age is not None else None
    lots, objects, volume = _hourly(summary, pace, now)
    amounts = (
        _many(lots, "lot") if lots else "",
        _many(objects, "object") if objects else "",
        sized(volume) if volume else "",
    )
    took = (
        f"{lasting(pace.median)}, 95%: {lasting(pace.most)}"
        if pace.median is not None and pace.most is not None
        else None
    )
    return (
        *(summary.subject.kind, summary.subject.name, _state(summary)),
        *(_of(counts, summary), behind, ", ".join(filter(None, amounts)) or None, took),
    )


def _of(counts: Sequence[str], summary: Summary) -> str | None:
    """The counts, and how many lots there are in the range where nothing is to be said of some."""
    if not (summary.gap and summary.wanted):
        return ", ".join(counts) or None
    return f"{', '.join(counts) or 'none'} of {len(summary.wanted):,}"


def _state(summary: Summary) -> str:
    words = (summary.worst.value if summary.worst else "", "off" if summary.is_off else "")
    return ", ".join(filter(None, words)) or "no lots"


def _hourly(summary: Summary, pace: Pace, now: datetime) -> tuple[float, float | None, float | None]:
    """Lots, objects and bytes an hour: lots as they are counted, the others by what a middling lot holds."""
    if summary.wanted is None:
        return 0.0, None, None
    until = min(summary.wanted.last.end, now)
    hours = max((until - summary.wanted.first.start).total_seconds() / 3600, 1 / 60)
    held = summary.committed / hours
    lots = (summary.committed + summary.counts[Standing.EMPTY]) / hours
    return (
        lots,
        None if pace.objects is None else held * pace.objects,
        None if pace.bytes is None else held * pace.bytes,
    )


def _age(summary: Summary, now: datetime) -> float | None:
    return (now - summary.oldest.end).total_seconds() if summary.oldest else None


def _number(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.2g}"


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 3)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


# ---- days ------------------------------------------------------------------------------------------------------


def _show_days(asked: _Asked, output: str) -> int:
    overview = asked.overview()
    with progress("looking") as step:
        days = by_day(overview, step)
    window = asked.window
    first = window.earliest.date()
    last = max(first, (window.latest - timedelta.resolution if window.latest else window.now).date())
    if output == "table":
        click.echo(calendar(days, first, last), nl=False)
    else:
        show(days_report(days, first, last), output)
    return sum(count for counts in days.values() for standing, count in counts.items() if standing.is_behind)


# ---- watching --------------------------------------------------------------------------------------------------


def _refuse_watching(session: Session, as_calendar: bool) -> None:
    if as_calendar or session.output != "table":
        msg = "--watch shows the table, and neither --calendar nor another --output"
        raise click.UsageError(msg)
    if not sys.stdout.isatty():
        msg = "--watch needs a terminal; without one, call 'cls status' whenever it is wanted"
        raise click.UsageError(msg)


def _watch(ask: Callable[[], _Asked]) -> None:
    """Show the table over and over, until Ctrl-C."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    clock, console = SystemClock(), Console()
    with suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
        while True:
            begun = monotonic()
            live.update(Text(_looked(ask, console.width)), refresh=True)
            clock.sleep(max(_EVERY, monotonic() - begun))


def _looked(ask: Callable[[], _Asked], width: int) -> str:
    asked = ask()
    head = f"{dated(asked.window.now)}, Ctrl-C ends\n\n"
    try:
        _, report = _report(asked, lambda _: None, short=True)
    except StoreUnavailableError as error:
        return f"{head}{error.problem}; asked again\n"
    return head + (table(report, width, folded=True) if report.rows else report.nothing)
