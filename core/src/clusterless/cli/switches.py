"""``cls disable`` and ``cls enable``: what runs, or is deployed, is turned off, and on again."""

from __future__ import annotations

import functools
import getpass
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.asking import is_watched, typed
from clusterless.cli.progress import progress
from clusterless.cli.render import Report, Value, show
from clusterless.cli.run import stopped_by_signals
from clusterless.cli.scope import Scope
from clusterless.cli.words import say, some
from clusterless.codec.values import moment_text
from clusterless.engine.moments import dated, parse_moment
from clusterless.engine.switches import gap
from clusterless.errors import ClsError, InvalidValueError
from clusterless.model.placement import Placement
from clusterless.model.switch import Stretch, Switched
from clusterless.operate.switches.held import Held, first_owed, held
from clusterless.operate.switches.switching import Hand, Target, find_target, turn_off, turn_on
from clusterless.plugins import find_plugins
from clusterless.runtime.clock import random_id

F = TypeVar("F", bound=Callable[..., Any])

_SKIP = "skip"
_COLUMNS = ("project.name", "project.version", "element", "kind", "owed", "earliest", "latest")

_DISABLE = """
\b
Examples:
  cls disable shop/copy --reason mend
  cls disable shop:2
  cls disable shop -p project.json

Exits with 0 where it is off, by this or before, though interrupted as it was written; with 2 where there is no such
project or element; with 130 when interrupted before: then nothing was done.
"""

_ENABLE = """
\b
Examples:
  cls enable shop/copy --skip
  cls enable shop --from 2024-01-31
  cls enable shop/copy --from -2d@d

Exits with 0 where it is on, though interrupted as it was written; with 1 where somebody else was faster; with 2 where
a choice is missing, or there is no such project or element; with 130 when interrupted before: then nothing was done.
"""


class ChoiceMissingError(ClsError):
    """Something is owed, and nobody said which of it is to be worked; nothing was turned on."""

    code = "choice-missing"
    exit_code = 2


def targeted(command: F) -> F:
    """Adds what names the thing to turn: the command is called with a *target* and a *hand*."""

    @functools.wraps(command)
    def called(
        name: str,
        files: tuple[Path, ...],
        provider: str,
        stage: str | None,
        account: str | None,
        region: str | None,
        reason: str,
        **others: Any,
    ) -> None:
        placement = Placement(provider=provider, stage=stage, account=account, region=region)
        landscape = Scope(files=files, placement=placement, projects=(), names=()).landscape(find_plugins())
        hand = Hand(by=_who(), reason=" ".join(reason.split()), new_id=random_id)
        command(target=find_target(landscape, name), hand=hand, **others)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called  # type: ignore[return-value]


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("name", metavar="PROJECT[:VERSION][/ELEMENT]"),
    click.option("--reason", default="", metavar="TEXT", help="Why: shown to whoever asks."),
    click.option("-p", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="A project file."),
    click.option("--provider", default="local", show_default=True, help="Without -p: the placement's provider."),
    click.option("--stage", help="Without -p: the placement's stage."),
    click.option("--account", help="Without -p: the placement's account."),
    click.option("--region", help="Without -p: the placement's region."),
)


@click.command(epilog=_DISABLE)
@targeted
def disable(target: Target, hand: Hand) -> None:
    """Turn off an arc, barrier, boundary, activity or notifier, or a whole project, wherever it runs.

    It is known everywhere within a minute, also to what is deployed later. What is being worked is finished, and
    nothing else is begun. What arrives meanwhile is kept: arrivals wait in their boundary, events in their notifier,
    and lots are found again once it is on. Lots that are asked for by name, as by 'cls exec', are worked all the same.
    """
    stopped_by_signals()  # which are noted: it is written whole, and said
    off = turn_off(target, hand)
    if off:
        say(f"{target.name} is disabled already, {_since(off)}", aside=False)
        return
    whole = "" if target.element else f", with all of its {some(len(target.affected(target.read())), 'element')}"
    say(
        f"{target.name} is disabled{whole}: within a minute nothing of it is begun any more, and what arrives is kept",
        aside=False,
    )
    say(f"turn it on again with: cls enable {target.typed}", aside=False)


@click.command(epilog=_ENABLE)
@targeted
@click.option("--from", "start", metavar="LOT|MOMENT", help="Work what is owed from there on.")
@click.option("--skip", is_flag=True, help="Work what comes from now on; the gap is left to a back-fill.")
@reports
@click.pass_obj
def enable(session: Session, target: Target, hand: Hand, start: str | None, skip: bool) -> None:
    """Turn on again what was disabled, and say what of the time in between is to be worked.

    What is owed is shown first. Where it is something, --from or --skip says what becomes of it; without them it is
    asked for on a terminal, and elsewhere nothing is done. Lots that are left out stay so until 'cls backfill' works
    them. What arrived at a boundary is always booked, each in its own lot; of a notifier, events of lots that are left
    out are given up, and 'cls redrive' sends them. Where all of a project is turned on, what was disabled by its own
    name stays off.
    """
    if start and skip:
        msg = "say --from or --skip, not both"
        raise click.UsageError(msg)
    now = target.state.now()
    if start:
        _start(start, now)  # what is no moment is refused, whatever is off
    switches = target.read()
    off = switches.turned_off(target.element)
    if off is None:
        say(_is_on(target, switches.off(target.element)), aside=False)
        if start or skip:
            unused = "--skip" if skip else "--from"
            say(
                f"{unused} was not used; what was left out before is so until somebody asks: {_backfill(target)}",
                aside=False,
            )
        return
    with progress("what is owed"):
        owing = list(held(target.landscape, target.deployable, target.affected(switches), target.state, now))
    show(_report(target, owing), session.output)
    skipped = _skipped(target, off, owing, _choice(target, off, owing, _SKIP if skip else start), now)
    stopped_by_signals()  # which are noted: it is written whole, and said
    turn_on(target, hand, off, skipped)
    for line in _told(target, owing, skipped):
        say(line, aside=session.output != "table")


def _is_on(target: Target, whole: Switched | None) -> str:
    if whole is None:
        return f"{target.name} is enabled already"
    return f"{target.name} is not disabled itself, but all of {target.project.name} is, {_since(whole)}"


def _report(target: Target, owing: Sequence[Held]) -> Report:
    rows = tuple((target.project.name, target.project.version, *_row(each)) for each in owing)
    return Report(_COLUMNS, rows, kept=("element", "owed"))


def _row(held: Held) -> tuple[Value, ...]:
    return held.element, held.kind, held.owed, _text(held.first), _text(held.last)


def _text(lot: object) -> str | None:
    return str(lot) if lot else None


# ---- choosing --------------------------------------------------------------------------------------------------


def _choice(target: Target, off: Switched, owing: Sequence[Held], given: str | None) -> str | None:
    """What was typed, `_SKIP` or a moment; None where nothing is owed, so that there is nothing to choose."""
    if given or not any(each.owed for each in owing):
        return given
    if is_watched() and (answer := typed("From which LOT or MOMENT on, or 'skip'")):
        return answer
    first = first_owed(owing)
    msg = f"{_owed(owing)}: {target.name} is disabled {_since(off)}; say what is to become of that"
    every = f"--from {first}" if first else f"--from {moment_text(off.at.replace(microsecond=0))}"
    hint = f"cls enable {target.typed} {every} works all of it"
    if any(not each.always for each in owing):
        hint += "; --skip leaves it to a back-fill"
    raise ChoiceMissingError(msg, hint=hint)


def _skipped(target: Target, off: Switched, owing: Sequence[Held], choice: str | None, now: datetime) -> Stretch | None:
    if choice is None:
        return None
    first = first_owed(owing)
    skipped = gap(off, _start(choice, now), first)
    if skipped and first and first in skipped and all(each.always for each in owing):
        msg = f"what arrived at {target.name} is always booked, each in its own lot: {_owed(owing)}, from {first} on"
        raise InvalidValueError(msg, hint=f"type --from {first}, and disable what is not to work these lots")
    return skipped


def _start(choice: str, now: datetime) -> datetime:
    return now if choice.strip().lower() == _SKIP else parse_moment(choice, now)


# ---- words -----------------------------------------------------------------------------------------------------


def _told(target: Target, owing: Sequence[Held], skipped: Stretch | None) -> list[str]:
    left = sum(each.left_out(skipped) for each in owing)
    booked = sum(len(lots) for each in owing if each.always for lots in each.lots)
    lots = sum(len(lots) for each in owing if not each.always for lots in each.lots)
    lines = [f"{target.name} is enabled: {_works(lots - left, booked, skipped)}, within a minute or two where it runs"]
    if left:
        lines.append(f"{some(left, 'lot')} left out until somebody asks for them: {_backfill(target)}")
    if booked and skipped and len(owing) > 1:
        lines.append(f"what is made of these before then is left out as well: {_backfill(target)}")
    if before := sum(each.before for each in owing):
        lines.append(f"{some(before, 'lot')} left out before, and so until somebody asks for them: {_backfill(target)}")
    return lines


def _backfill(target: Target) -> str:
    arcs = {arc.arc.name for arc in target.landscape.arcs if arc.project == target.project}
    return f"cls backfill --project {target.spelled} {target.element if target.element in arcs else ''}".rstrip()


def _works(lots: int, booked: int, skipped: Stretch | None) -> str:
    from_when = f"what ends after {dated(skipped.until)}" if skipped else "all that is owed"
    at_once = f", {some(lots, 'lot')} of it at once" if lots else ""
    return f"{from_when} is worked{at_once}" + (f", what arrived for {some(booked, 'lot')} sealed" if booked else "")


def _owed(owing: Sequence[Held]) -> str:
    letters = sum(each.letters for each in owing)
    lots = sum(each.owed for each in owing) - letters
    words = [some(lots, "lot") if lots else "", some(letters, "event") if letters else ""]
    return f"{' and '.join(filter(None, words))} {'is' if lots + letters == 1 else 'are'} owed"


def _since(off: Switched) -> str:
    return f"since {dated(off.at)} by {off.by}" + (f": {off.reason}" if off.reason else "")


def _who() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # nobody has a name here
        return socket.gethostname()
