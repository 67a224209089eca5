"""What is found of a dataset's objects held against what its lots list: faults, and what is nobody's."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, Protocol

from attrs import define, field, frozen


class Kind(enum.Enum):
    """What can be wrong, in the order in which it is reported: a *code* for scripts, and what it *means*."""

    STRAY = ("stray", "An object is in no lot: it arrived and was never booked, is of a dead attempt, or is foreign.")
    DISOWNED = ("disowned", "An attempt left the object, and its lot was completed without it. `--fix` removes it.")
    KEPT = ("kept", "A partial attempt left the object, and the next one is handed it. This is no fault.")
    DOUBLE = ("double", "The object is in several lots, or twice in one.")
    COPY = ("copy", "Another object has the same bytes. Only `cls dupes` looks for it.")
    VANISHED = ("vanished", "A lot lists the object, and it is gone.")
    CHANGED = ("changed", "The object is not the version that was committed: it was written again since.")
    REMAINS = ("remains", "Retention has removed the object's lot, and the object is still there.")
    OUTSIDE = ("outside", "A lot lists it, and it does not lie where the dataset's objects do; it is not looked up.")
    BYTES = ("bytes", "The objects of the lot have another size together than was committed.")
    MANIFEST = ("manifest", "The manifest is not the committed one byte by byte, or is gone, or was never committed.")
    LEDGER = ("ledger", "A seal or a ledger's entry cannot be read.")
    UNANNOUNCED = ("unannounced", "The lot was committed, and its announcement was not finished; any run does it.")
    WAITING = ("waiting", "A batch of arrivals waits, whose lot should have been sealed long since; a run seals it.")
    UNBOOKED = ("unbooked", "An arrival is in no lot, since its key gives no time.")
    UNREADABLE = ("unreadable", "A batch of arrivals cannot be read, or was set aside because of that.")
    STAGED = ("staged", "Something was left in staging, and nothing names it. `--fix` removes an arc's.")
    LETTER = ("letter", "Announcing the lot was given up; `cls redrive` tries again.")

    def __init__(self, code: str, meaning: str) -> None:
        self.code = code
        self.meaning = meaning

    @property
    def is_wrong(self) -> bool:
        """Whether somebody should look into it."""
        return self is not Kind.KEPT


@frozen
class Fault:
    """Something that is wrong with the object *uri*, or with the *lot* (its text, or nothing); *size* in bytes."""

    kind: Kind
    lot: str
    uri: str
    size: int | None = None
    note: str = ""


class Present(Protocol):
    """An object that is there."""

    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...
    @property
    def time(self) -> datetime: ...


class Standing(enum.IntEnum):
    """In what way a key is mentioned."""

    LOT = 0  # listed by the newest revision of a lot
    FOLDER = 1  # so is all whose key begins with it
    SUPERSEDED = 2  # listed by an older revision, which is kept
    REMOVED = 3  # listed by a lot that retention has removed, at that time
    BOOKED = 4  # an arrival that a seal has put in the lot
    WAITING = 5  # an arrival in the intake, for its lot; or for none, since its key gives no time
    KEPT = 6  # listed by a partial attempt at a lot that is not complete since


class Mention(NamedTuple):  # there are two for each object: no other kind of value is made so fast of a row
    """Where a *key* occurs, and its `Standing`; *etag* and *size* are those of the arrival.

    *at* is when its lot was removed, *attempt* the one that keeps it.
    """

    key: str
    standing: int
    lot: str = ""
    revision: int = 0
    etag: str | None = None
    size: int | None = None
    at: datetime | None = None
    attempt: str = ""


_LOT, _BOOKED = int(Standing.LOT), int(Standing.BOOKED)
_PAIR = 2  # mentions of what is booked and listed once
_key = itemgetter(0)


@frozen
class Held:
    """An object that is as it should be, in the lot *lot*; or nothing but older revisions list it."""

    present: Present
    lot: str


@frozen
class Loose:
    """An object that no lot lists; it *waits* for its lot to be sealed, or somebody is to find out what it is."""

    present: Present
    waits: bool = False


Judged = Held | Loose | Fault


def compared(objects: Iterable[Present], mentions: Iterable[Mention], named: Callable[[str], str]) -> Iterator[Judged]:
    """Each object that is there, and each fault, in order of key; both iterables are in that order.

    *named* gives the URI of a key. Memory holds one key, and the folders that it lies in.
    """
    folders = _Folders(named)
    for key, present, about in _together(iter(objects), iter(mentions)):
        if folders.open:
            yield from folders.leave(key)
        if present and not folders.open and (lot := _plain(present, about)):
            yield Held(present, lot)
            continue
        folders.enter(about)
        if present is None:
            yield from _absent(about, named(key))
        else:
            yield from _present(present, about, folders.lots(), named)
    yield from folders.leave(None)


def _together(
    objects: Iterator[Present], mentions: Iterator[Mention]
) -> Iterator[tuple[str, Present | None, list[Mention]]]:
    """Each key with its object, if it is there, and what mentions it."""
    groups = groupby(mentions, _key)
    present, mentioned = next(objects, None), next(groups, None)
    while present and mentioned:
        key, about = mentioned
        if present.key == key:
            yield key, present, list(about)
            present, mentioned = next(objects, None), next(groups, None)
        elif present.key < key:
            yield present.key, present, []
            present = next(objects, None)
        else:
            yield key, None, list(about)
            mentioned = next(groups, None)
    while present:
        yield present.key, present, []
        present = next(objects, None)
    while mentioned:
        yield mentioned[0], None, list(mentioned[1])
        mentioned = next(groups, None)


def _plain(present: Present, about: Sequence[Mention]) -> str:
    """The lot that alone lists the object, once, and as it was booked; nothing where more is to be looked at."""
    if not 0 < len(about) <= _PAIR:
        return ""
    listed, booked = about[0], about[-1]
    if booked.standing == _LOT:
        listed, booked = booked, listed
    if listed.standing != _LOT:
        return ""
    is_booked = booked.standing == _BOOKED and booked.lot == listed.lot and booked.etag == present.etag
    return listed.lot if is_booked or booked is listed else ""


@define(eq=False)
class _Folders:
    """The folders that lots list and the key at hand lies in, the outermost first."""

    named: Callable[[str], str]
    open: list[tuple[Mention, list[bool]]] = field(factory=list)

    def enter(self, about: Iterable[Mention]) -> None:
        self.open += [(each, []) for each in about if each.standing == Standing.FOLDER]

    def leave(self, key: str | None) -> Iterator[Fault]:
        while self.open and (key is None or not key.startswith(self.open[-1][0].key)):
            folder, held = self.open.pop()
            if not held:
                note = "its lot lists all that is below, and nothing is"
                yield Fault(Kind.VANISHED, folder.lot, self.named(folder.key), note=note)

    def lots(self) -> list[str]:
        """The lots of an object that is in all of them."""
        for _, held in self.open:
            held[:] = [True]
        return [folder.lot for folder, _ in self.open]


def _absent(about: Sequence[Mention], uri: str) -> Iterator[Fault]:
    sizes = {each.lot: each.size for each in about if each.standing == Standing.BOOKED}
    for lot in dict.fromkeys(each.lot for each in about if each.standing == Standing.LOT):
        yield Fault(Kind.VANISHED, lot, uri, sizes.get(lot), "its lot lists it, and it is gone")
    for each in about:
        if each.standing == Standing.WAITING:
            yield Fault(Kind.VANISHED, each.lot, uri, each.size, "it arrived, and was gone before its lot was sealed")


def _present(
    present: Present, about: Sequence[Mention], folders: Sequence[str], named: Callable[[str], str]
) -> Iterator[Judged]:
    listed = [each.lot for each in about if each.standing == Standing.LOT]
    known = [each for each in about if each.standing == Standing.BOOKED]
    booked = {each.lot: each.etag for each in sorted(known, key=lambda each: each.revision)}
    current = [lot for lot in listed if booked.get(lot) in {None, present.etag}] + [*folders]
    if len(current) == 1 and len(listed) <= 1:  # nearly always, so it is not to cost much
        yield Held(present, current[0])
        return
    uri = named(present.key)
    for lot in dict.fromkeys(listed):
        if lot not in current:
            where = f"; the version that is there is in lot {current[0]}" if current else ""
            yield Fault(Kind.CHANGED, lot, uri, present.size, f"it is not the version that was committed{where}")
    for position, lot in enumerate(current[1:], 1):
        again = "its lot lists it twice" if lot in current[:position] else f"it is in lot {current[0]} already"
        yield Fault(Kind.DOUBLE, lot, uri, present.size, again)
    if current:
        yield Held(present, current[0])
    elif not listed:
        yield _unlisted(present, about, uri)


def _unlisted(present: Present, about: Sequence[Mention], uri: str) -> Judged:
    waiting = [each for each in about if each.standing == Standing.WAITING and each.etag == present.etag]
    if any(each.lot for each in waiting):
        return Loose(present, waits=True)
    if waiting:
        return Fault(Kind.UNBOOKED, "", uri, present.size, "its key gives no time, so that it is in no lot")
    for each in about:
        if each.standing == Standing.REMOVED and each.at and present.time <= each.at:
            return Fault(Kind.REMAINS, each.lot, uri, present.size, "its lot was removed, and it is still there")
    if any(each.standing == Standing.SUPERSEDED for each in about):
        return Held(present, "")
    if kept := next((each for each in about if each.standing == Standing.KEPT), None):
        note = f"kept by partial attempt {kept.attempt}, for the next one at its lot"
        return Fault(Kind.KEPT, kept.lot, uri, present.size, note)
    return Loose(present)
