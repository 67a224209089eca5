"""``cls explain``: what became of a lot, an object or an attempt."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

import click
from attrs import frozen

from clusterless import layout
from clusterless.cli.app import Session, reports
from clusterless.cli.progress import progress
from clusterless.cli.ranges import Window, ranged
from clusterless.cli.render import Report, Value, show
from clusterless.cli.scope import Scope, scoped
from clusterless.cli.words import fitted, say, some
from clusterless.deploy.recorded import located, refuse_unknown_place
from clusterless.engine.moments import dated
from clusterless.errors import ClsError, InvalidValueError, ObjectMissingError
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.operate.explain.finding import candidates, find_attempt, find_object
from clusterless.operate.explain.places import Place
from clusterless.operate.explain.story import Fact, Story
from clusterless.operate.explain.telling import about, explain_lot
from clusterless.plugins import Plugins, find_plugins
from clusterless.provider import StoreRoots

V = TypeVar("V")

_COLUMNS = (
    *("kind", "name", "lotId", "what", "number", "at", "by", "attempt"),
    *("revision", "state", "objects", "bytes", "uri", "text"),
    *("placement.provider", "placement.stage", "placement.account", "placement.region"),
)
_ATTEMPT = re.compile(r"[0-9]+-[0-9]+-[0-9a-f]{16}")
_LIKE_A_LOT = re.compile(r"[0-9]{8}PT?[0-9]+[A-Z][0-9]*")
_NAMED = 10  # that know of a lot, in a hint

_EPILOG = """
\b
Examples:
  cls explain 20240131PT5M144
  cls explain 20240131PT5M144 copy
  cls explain out/a.txt --earliest -7d

Exits with 0 where something is known of it, with 1 where nothing is, with 2 where it is none of these.
"""


@click.command(epilog=_EPILOG)
@click.argument("subject", metavar="LOT|URI|ATTEMPT")
@click.argument("name", required=False, metavar="[DATASET|ARC]")
@click.option("--dataset", metavar="NAME[/VERSION]", help="Of this dataset only, what made it, and what read it.")
@ranged
@scoped
@reports
@click.pass_context
def explain(
    ctx: click.Context, scope: Scope, window: Window, subject: str, name: str | None, dataset: str | None
) -> None:
    """Tell all that is known of a lot, of an object, or of an attempt.

    What is told is read from the placement's objects alone, so also of projects that are no more. An object and an
    attempt are looked for among the lots from --earliest to --latest.
    MOMENT is a lot, a date or time, or a distance from now such as 12h or -1d@d.
    """
    session: Session = ctx.obj
    plugins = find_plugins()
    asked = _Asked(places(scope, plugins), window, name or dataset or "")
    told = _told(asked, subject)
    if session.output != "table":
        show(Report(_COLUMNS, tuple(_rows(told))), session.output)
    elif told:
        click.echo("\n\n".join(_sections(told, subject, window.now)))
    if not told:
        if not scope.files:
            refuse_unknown_place(*located(scope.placement, plugins), plugins)
        say(f"nothing is known here of {' '.join(filter(None, (subject, asked.name)))}")
        say(f"  hint: {_instead(asked, subject)}")
        ctx.exit(1)


def places(scope: Scope, plugins: Plugins) -> list[Place]:
    """The stores of the placements that the files name, or of the one that the options do."""
    if scope.files:
        surveyed = scope.landscape(plugins).surveyed
        found = {roots: placement for each in surveyed.placed for placement, roots in each.roots.items()}
        reached = [roots for roots in found if roots.metadata not in surveyed.unreached]
        return [_place(found[roots], roots, plugins) for roots in reached]
    return [_place(*located(scope.placement, plugins), plugins)]


def _place(placement: Placement, roots: StoreRoots, plugins: Plugins) -> Place:
    metadata, state, manifests = map(plugins.open_store, (roots.metadata, roots.arc_state, roots.manifest))
    return Place(placement=placement, metadata=metadata, state=state, manifests=manifests)


# ---- what is asked about ---------------------------------------------------------------------------------------


@frozen
class _Asked:
    places: Sequence[Place]
    window: Window
    name: str  # of a dataset or an arc; empty: all

    def lot(self, lot: Lot, *names: str) -> list[Story]:
        told = explain_lot(self.places, lot)
        for name in filter(None, names or [self.name]):
            told = about(told, name)
        return told


def _told(asked: _Asked, subject: str) -> list[Story]:
    if _read(Lot.parse, asked.name):
        msg = f"one lot is told at a time, and {asked.name} is another"
        raise InvalidValueError(msg, hint=f"cls explain {asked.name}")
    if _ATTEMPT.fullmatch(subject):
        return _attempt(asked, subject)
    if lot := _read(Lot.parse, subject):
        return asked.lot(lot)
    if manifest := _read(layout.parse_manifest, subject):
        return asked.lot(manifest.lot, manifest.dataset.id) if manifest.lot else []
    if "arcs/" in subject and (found := _read(Lot.parse, layout.segments(subject).get("lot", ""))):
        return asked.lot(found, layout.segments(subject).get("arc", ""))
    if subject and Path(subject).is_dir():
        msg = f"{subject[:60]} is a folder"
        raise InvalidValueError(msg, hint="name an object in it; 'cls audit DATASET' looks at all of them")
    if "/" in subject or (subject and Path(subject).exists()):
        return _object(asked, subject)
    is_lot = _LIKE_A_LOT.fullmatch(subject)
    msg = f"{subject[:60]!r} is not a lot" + (": no day has it" if is_lot else ", a URI, a file or an attempt")
    raise InvalidValueError(msg, hint=_HINT)


_HINT = "name one lot, such as 20240131PT5M144, then a dataset or an arc; 'cls datasets status --list' lists lots"


def _instead(asked: _Asked, subject: str) -> str:
    """What to type where nothing of that name knows the lot: a dataset does not say who tried to make it."""
    lot = _read(Lot.parse, subject)
    known = explain_lot(asked.places, lot) if lot and asked.name else []
    if not known:
        return "'cls gaps --why' says of what is missing why it is"
    names = ", ".join(f"{story.kind} {story.name}" for story in known[:_NAMED])
    return f"these know of that lot: {names}; 'cls gaps --why' says why others do not"


def _read(parse: Callable[[str], V], text: str) -> V | None:
    try:
        return parse(text)
    except InvalidValueError:
        return None


def _attempt(asked: _Asked, attempt: str) -> list[Story]:
    found = find_attempt(asked.places, attempt, asked.window.of)
    if not found:
        say(f"no lot {asked.window} has that attempt; --earliest looks further back")
        return []
    keys, lot = found
    return asked.lot(lot, f"{keys.project.id}/{keys.arc}")


def _object(asked: _Asked, subject: str) -> list[Story]:
    uri = as_listed(subject if re.match(r"[a-z][a-z0-9+.-]*:", subject) else Path(subject).absolute().as_uri())
    _say_object(uri)
    with progress("looking for it in manifests") as step:
        listed = list(find_object(asked.places, uri, asked.window.of, step))
    if not listed:
        names = ", ".join(dict.fromkeys(dataset.id for _, dataset in candidates(asked.places, uri))) or "any dataset"
        say(f"it is in no lot of {names} {asked.window}; --earliest looks further back")
    told = []
    for each in listed:
        told += [story for story in asked.lot(each.lot, each.dataset.id) if story not in told]
    return told


def as_listed(uri: str) -> str:
    """*uri* quoted as manifests have it: there are several ways to write one."""
    root, _, key = uri.partition("://")
    host, slash, key = key.partition("/")
    return layout.uri(f"{root}://{host}/", unquote(key)) if slash else uri


def _say_object(uri: str) -> None:
    location, key = layout.split(uri)
    try:
        info = find_plugins().open_store(location).head(key)
    except ObjectMissingError:
        say(f"{uri}: there is no such object now")
    except ClsError as error:  # what lists it can be told all the same
        say(f"{uri}: it is not known whether it is there: {error.problem}")
    else:
        say(f"{uri}: {some(info.size, 'byte')}, written {dated(info.time)}")


# ---- told ------------------------------------------------------------------------------------------------------


def _rows(told: Sequence[Story]) -> Iterator[tuple[Value, ...]]:
    for story in told:
        for fact in story.facts:
            what = (fact.what, fact.number, fact.at, fact.by, fact.attempt, fact.revision, fact.state, fact.objects)
            row = (story.kind, story.name, str(story.lot), *what, fact.bytes, fact.uri, fact.text or None)
            place = story.placement
            yield (*row, place.provider, place.stage, place.account, place.region)


def _sections(told: Sequence[Story], subject: str, now: datetime) -> Iterator[str]:
    """A section a story, in which what is *subject* itself is marked; its placement is told where there are several."""
    is_one = len({story.placement for story in told}) == 1
    for story in told:
        where = "" if is_one else f", in {story.placement.title}"
        head = f"{story.kind} {story.name}{where}, lot {story.lot}, from {dated(story.lot.start)}"
        lines = [fitted(head, sys.stdout)]
        for fact in story.facts:
            first, *others = _lines(fact, now)
            mark = ">" if fact.attempt == subject else " "
            lines += [fitted(line, sys.stdout) for line in (f"{mark} {first}", *(f"  {each}" for each in others))]
        yield "\n".join(lines)


def _lines(fact: Fact, now: datetime) -> Iterator[str]:
    if fact.what in {"lists", "listed"}:
        yield f"{fact.what} {fact.uri}"
        return
    said, *further = fact.text.splitlines() or [""]
    head, said = _head(fact, said)
    words = [head]
    words += [said] if said and not _is_removed(fact) else []
    words += [_revision(fact)] if fact.revision and fact.what != "writes" else []  # there the text has it
    words += [_STATES.get(fact.state, fact.state)] if fact.state and not _is_removed(fact) else []
    words += [some(fact.objects, "object")] if fact.objects is not None else []
    words += [said] if said and _is_removed(fact) else []
    words += [size(fact.bytes)] if fact.bytes is not None else []
    words += [f"attempt {fact.attempt}"] if fact.attempt else []
    words += [f"by {fact.by}"] if fact.by else []
    words += [f"{ago(fact.at, now)} ({dated(fact.at)})"] if fact.at else []
    yield f"{words[0]}: {', '.join(words[1:])}" if words[1:] else words[0]
    yield from (f"    {line}" for line in further)
    if fact.uri and fact.what != "reads":
        yield f"  {fact.uri}"


_STATES = {"rollback": "rolled back", "claim": "claimed", "missing": "failed"}
"""Kinds of entries that are told as states of who consumed a lot."""


def _head(fact: Fact, said: str) -> tuple[str, str]:
    """What a line begins with, and what is *said* after it."""
    if _is_removed(fact):
        return "removed", said
    if fact.what in {"seal", "reads", "writes"}:
        first, _, rest = said.partition(": ")
        return first if fact.what == "seal" else f"{fact.what} {first}", rest
    return f"{fact.number}. {fact.what}" if fact.number else fact.what, said


def _is_removed(fact: Fact) -> bool:
    return fact.what == "manifest" and fact.state == "removed"


def _revision(fact: Fact) -> str:
    return f"revision {fact.revision}" + (" is next" if fact.what == "rollback" else "")


_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def ago(moment: datetime, now: datetime) -> str:
    """How long *moment* is ago, in its largest unit: ``3 min ago``."""
    seconds = (now - moment).total_seconds()
    name, length = next(((name, length) for name, length in _UNITS if abs(seconds) >= length), ("s", 1))
    count = round(abs(seconds) / length)
    return f"{count} {name} ago" if seconds >= 0 else f"in {count} {name}"


def size(count: int) -> str:
    """So many bytes in their largest unit: ``12.3 KiB``."""
    if count < 1024:
        return some(count, "byte")
    amount, units = float(count), iter(("KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = ""
    while amount >= 1024 and (larger := next(units, "")):
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}"
