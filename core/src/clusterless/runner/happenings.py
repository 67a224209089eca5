"""What a run tells about itself, as it happens; the CLI makes words of it."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Happening:
    """*element* is ``project/name``."""

    element: str


@frozen(kw_only=True)
class Booked(Happening):
    """Arrivals were written down, not yet in a lot; *unbooked* ones have no time in their key, *strays* the first."""

    arrivals: int
    unbooked: int
    strays: tuple[str, ...] = ()


@frozen(kw_only=True)
class Waits(Happening):
    """What arrived waits for its *lot*, which is sealed at *at* (ISO 8601) at the soonest."""

    lot: str
    at: str


@frozen(kw_only=True)
class Ahead(Happening):
    """So many batches wait for lots that lie ahead: the keys of their arrivals name times to come."""

    batches: int


@frozen(kw_only=True)
class SealedLots(Happening):
    """A seal was committed: so many *lots*, *empty* ones among them, from *first* to *last*."""

    lots: int
    empty: int
    objects: int
    late: int
    first: str
    last: str


@frozen(kw_only=True)
class Started(Happening):
    """A lot is being looked at, and perhaps worked."""

    lot: str


@frozen(kw_only=True)
class Printed(Happening):
    """What works a lot has printed a *line*; it may hold anything, control sequences too."""

    lot: str
    line: str


@frozen(kw_only=True)
class Progressed(Happening):
    """What works a lot says that it is so far: *done* of *total*, None where it does not know; with a *message*."""

    lot: str
    done: float
    total: float | None
    message: str


@frozen(kw_only=True)
class Worked(Happening):
    """A lot came to an outcome here: *state* complete, empty, partial or missing, after so many *seconds*.

    *objects* were written, or taken out, None where that is not known. *again* is in how many seconds it is
    tried again, if ever.
    """

    lot: str
    state: str
    revision: int
    objects: int | None
    seconds: float
    error: str = ""
    log: str = ""
    again: float | None = None


@frozen(kw_only=True)
class Ran(Happening):
    """An activity's run for *lot* came to an end here: *state* done, failed, or released, after so many *seconds*.

    *note* is what it says it did, *error* why it failed; *again* is in how many seconds it is tried again, if ever.
    """

    lot: str
    state: str
    seconds: float
    note: str = ""
    error: str = ""
    log: str = ""
    again: float | None = None


@frozen(kw_only=True)
class LeftAlone(Happening):
    """A lot was looked at and not worked; *seconds* until it is looked at again, if ever.

    *failed*: it rests without a result, since its attempts are used up. It waits for its sources *until* then
    (ISO 8601) at most, where there is a deadline. *stale*: its result stays, though a source has a newer revision.
    """

    lot: str
    why: str
    seconds: float | None
    failed: bool = False
    until: str = ""
    stale: bool = False


@frozen(kw_only=True)
class Switched(Happening):
    """An element was found to be off, *since* when, turned off *by* whom and *why*; or *on* again."""

    on: bool
    by: str = ""
    since: str = ""
    why: str = ""


@frozen(kw_only=True)
class Joined(Happening):
    """The *element*, a project whose placement did not answer before, is run from now on."""


@frozen(kw_only=True)
class Trouble(Happening):
    """Something went wrong that is tried again, or set aside; *lot* where it is about one."""

    error: BaseException
    lot: str = ""
