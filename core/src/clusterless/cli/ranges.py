"""``--earliest`` and ``--latest``: the stretch of time that a command is about."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from attrs import frozen

from clusterless.cli.words import say
from clusterless.engine.moments import dated, parse_moment
from clusterless.engine.ranges import LotRange, between
from clusterless.model.lot import Lot, LotUnit
from clusterless.runtime.clock import SystemClock

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT = "12h"
_NAMED = 3  # of what has no lots
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Window:
    """From *earliest* (included) to *latest* (not included), or with the lot that is open *now*."""

    earliest: datetime
    latest: datetime | None
    now: datetime

    def of(self, unit: LotUnit) -> LotRange:
        """The lots of *unit* within it.

        Raises:
            InvalidValueError: *latest* lies before *earliest*.
        """
        # With the open lot: by --seal-open it may be there already.
        return between(self.earliest, self.latest or self.now + unit.length, unit)

    def __str__(self) -> str:
        latest = self.latest or self.now
        return f"between {dated(self.earliest)} and {dated(latest)}"


def ranged(command: F) -> F:
    """Adds ``--earliest`` and ``--latest``; the command is called with a *window*."""

    @functools.wraps(command)
    def called(earliest: str, latest: str | None, **others: Any) -> Any:
        return command(window=_window(earliest, latest), **others)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called  # type: ignore[return-value]


def ranged_or_all(command: F) -> F:
    """As `ranged`, for a command that is about all lots where neither is given: its *window* is None then."""

    @functools.wraps(command)
    def called(earliest: str | None, latest: str | None, **others: Any) -> Any:
        now = SystemClock().now()
        first = parse_moment(earliest, now) if earliest else _LONG_AGO
        window = Window(first, parse_moment(latest, now) if latest else None, now)
        return command(window=window if earliest or latest else None, **others)

    called = click.option("--latest", metavar="MOMENT", help="Only up to the lot before MOMENT.")(called)
    return click.option("--earliest", metavar="MOMENT", help="Only from the lot of MOMENT on.")(called)  # type: ignore[return-value]


def window_of(ctx: click.Context) -> Window:
    """The window of a `ranged` command anew, as of now."""
    return _window(ctx.params["earliest"], ctx.params["latest"])


def _window(earliest: str, latest: str | None) -> Window:
    now = SystemClock().now()
    return Window(parse_moment(earliest, now), parse_moment(latest, now) if latest else None, now)


def is_given(ctx: click.Context, *names: str) -> bool:
    """Whether one of the options *names* was typed."""
    return any(ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE for name in names)


def say_where_lots_are(nearest: Iterable[Lot | None], window: Window, of: Sequence[str] = ()) -> None:
    """Say of what has no lot in the *window* where its lots are, if it has any: *nearest* to it; *of* names it."""
    lot = max(filter(None, nearest), key=lambda each: each.end, default=None)
    if lot is None:
        return
    some = f" of {', '.join(of[:_NAMED])}{', …' if len(of) > _NAMED else ''}" if of else ""
    older = lot.start < window.earliest
    where = "newest before" if older else "first after"
    say(f"no lot{some} is in that range; the {where} it is {lot}: --earliest {lot.day}")


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--earliest",
        metavar="MOMENT",
        default=DEFAULT,
        help="From the lot of MOMENT on.  [default: 12h ago]",
    ),
    click.option("--latest", metavar="MOMENT", help="Up to the lot before MOMENT.  [default: with the open lot]"),
)
