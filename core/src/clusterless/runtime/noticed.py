"""Arrivals by notices: the objects that are put at a location, as a queue tells of them.

Notices are hints, as events are: what counts is the object as it is found when its notice is read. So a notice that
came twice, too late, or out of order does no harm, and one that never came is made up for by listing, when a run
begins and every hour. A listing and a notice book an object alike, by the time that its store gives it.

Where the time of the event is what counts, a listing cannot tell it. What no notice told of is then booked by the time
that its store gives it: once its notice is late, so that no object is booked by both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from attrs import frozen

from clusterless.errors import ObjectMissingError, StoreRefusedError
from clusterless.model.arrival import Arrival
from clusterless.provider import Arrived, Surroundings
from clusterless.runtime.listing_source import Listing
from clusterless.store.api import ObjectInfo, ObjectStore

_log = logging.getLogger(__name__)

RECONCILE = 3600.0  # seconds between listings: a request for each thousand objects
_UNNOTICED = timedelta(hours=1)  # an upload that took longer is left to its notice
_LATE = timedelta(minutes=15)  # that a notice may be, before its event is taken to be told by none
_HELD = 60.0  # seconds that others are given to write down the notices that they hold
_MESSAGES = 1000  # at a time: dealt with well within the minute that they are hidden from others
_LOOKS = 16  # objects that are looked at at a time
LEAST_POLL = 1  # seconds: services ask all of their servers only when they may wait


# ---- what a provider hands over --------------------------------------------------------------------------------


@frozen
class Location:
    """A place in a *bucket* (or a container), and the *prefix* of the keys there, empty or with a slash at its end."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, uri: str) -> Location:
        parts = urlsplit(uri)
        return cls(parts.netloc, unquote(parts.path.removeprefix("/")))


@frozen
class Notice:
    """That an object was put: *key* is the whole one in *bucket*; *time* (aware) is the event's."""

    bucket: str
    key: str
    time: datetime


class QueueMissingError(StoreRefusedError):
    """A queue of notices is not there any more; it is made anew."""

    code = "queue-missing"


@frozen
class Messages:
    """What was received: *drained* when there was no more."""

    notices: Sequence[Notice]
    receipts: Sequence[str]
    drained: bool


class NoticeQueue(Protocol):
    """A queue of notices; what one process has received, the others do not see for a while."""

    def receive(self, limit: int, wait: int) -> Messages:
        """At least *limit* messages if there are so many, waiting up to *wait* seconds for the first.

        Raises:
            QueueMissingError: the queue was removed.
        """

    def acknowledge(self, messages: Messages) -> None:
        """Never hand them out again; those that cannot be removed now come again, and do no harm."""

    def has_more(self) -> bool:
        """Whether some are known to be left, which another holds or has not acknowledged."""


@runtime_checkable
class Noticing(Protocol):
    """What a provider may offer besides: queues of notices, for what a project hears of beside its boundaries."""

    def notices(self, surroundings: Surroundings, element: str, location: str) -> NoticeQueue | None:
        """The queue of what is put at *location* (a URI), called after *element*, made if it is not there.

        None where the location is in no bucket of the provider's.

        Raises:
            StoreRefusedError: something of it may not be made.
            StoreUnavailableError: the service did not answer.
        """


# ---- the source ------------------------------------------------------------------------------------------------


class NoticedSource:
    """The `ArrivalSource` of a location whose objects are told of in the queue that *wire* gives, and makes if need be.

    *by_event*: objects are booked by the time of their notice, and those that a listing finds are handed over apart.
    The queue is asked for *poll* seconds at a time; *reconcile* seconds are between listings.
    """

    def __init__(
        self,
        store: ObjectStore,
        wire: Callable[[], NoticeQueue],
        *,
        by_event: bool = False,
        poll: int = LEAST_POLL,
        reconcile: float = RECONCILE,
    ) -> None:
        self._store = store
        self._location = Location.of(store.root)
        self._wire = wire
        self._queue = wire()
        self._listing = Listing(store, _UNNOTICED + _LATE if by_event else _UNNOTICED)
        self._by_event = by_event
        self._owed_since: float | None = None  # a listing, which begins when all notices are read
        self._poll = poll
        self._reconcile = reconcile
        self._looked: datetime | None = None
        self._begun = False
        self._threads = ThreadPoolExecutor(_LOOKS, thread_name_prefix="look")

    def receive(self, wait: float, since: datetime | None) -> Arrived:
        """What has arrived; see `clusterless.provider.ArrivalSource`. The queue is listened to for its own while.

        Raises:
            StoreRefusedError: the queue or the objects may not be read.
            StoreUnavailableError: the service did not answer now.
        """
        self._begin(since)
        began = self._store.now()
        found = self._listing.take()
        if found and self._by_event:
            return self._unnoticed(found)
        try:
            messages = self._queue.receive(_MESSAGES, 0 if found or self._listing.is_on else self._poll)
        except QueueMissingError as error:
            _log.warning("%s: it is made again, and all is listed", error)
            self._rewire(since)
            messages = self._queue.receive(_MESSAGES, 0)
        arrivals = [*found, *self._noticed(messages.notices)]
        self._begin_owed(since, messages)
        if messages.drained and not self._is_listing:
            self._looked = began

        def acknowledge() -> None:
            self._listing.acknowledge(arrivals)
            self._queue.acknowledge(messages)

        return Arrived(
            arrivals=arrivals,
            acknowledge=acknowledge,
            looked=self._looked,
            backlog=self._is_listing or not messages.drained,
            unsettled=not arrivals and self._queue.has_more(),
        )

    def close(self) -> None:
        self._threads.shutdown()

    def _begin(self, since: datetime | None) -> None:
        if not self._begun:
            self._list(since)
            self._begun = True
        elif not self._is_listing and self._listing.elapsed() >= self._reconcile:
            self._rewire(since)

    @property
    def _is_listing(self) -> bool:
        return self._listing.is_on or self._owed_since is not None

    def _rewire(self, since: datetime | None) -> None:
        """What was changed by hand is put right, and what it cost is looked for."""
        self._queue = self._wire()
        self._list(since)

    def _list(self, since: datetime | None) -> None:
        if self._by_event:
            self._owed_since = monotonic()
        else:
            self._listing.begin(since)

    def _begin_owed(self, since: datetime | None, messages: Messages) -> None:
        """List what is owed: all that notices which are there tell is then written down, or in our hands."""
        if self._owed_since is None or not messages.drained:
            return
        if self._queue.has_more() and monotonic() - self._owed_since < _HELD:
            return
        is_first = since is None and self._listing.looked is None  # no notice comes of what was there before the queue
        self._listing.begin(since, None if is_first else self._store.now() - _LATE)
        self._owed_since = None

    def _unnoticed(self, found: Sequence[Arrival]) -> Arrived:
        acknowledge = partial(self._listing.acknowledge, found)
        return Arrived(arrivals=found, acknowledge=acknowledge, looked=self._looked, backlog=True, unnoticed=True)

    # ---- notices ----

    def _noticed(self, notices: Iterable[Notice]) -> list[Arrival]:
        wanted = [(notice, key) for notice in notices if (key := self._key(notice))]
        infos = self._threads.map(self._look, [key for _, key in wanted])
        return [
            arrival
            for (notice, _), info in zip(wanted, infos, strict=True)
            if info and (arrival := self._listing.fresh(info, notice.time if self._by_event else None))
        ]

    def _key(self, notice: Notice) -> str:
        """The object's key below the location; none where it is not of ours, or none that can arrive."""
        location = self._location
        if notice.bucket != location.bucket or not notice.key.startswith(location.prefix):
            return ""
        key = notice.key.removeprefix(location.prefix)
        return key if self._listing.takes(key) else ""

    def _look(self, key: str) -> ObjectInfo | None:
        try:
            return self._store.head(key)
        except ObjectMissingError:
            return None  # removed since; if it comes again, so does a notice
