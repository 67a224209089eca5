"""Arrivals by listing: what lies below a location, each object once, as it is now.

By it alone where there is no queue; beside a queue it begins with what was there before, and finds, now and
then, what no notice told of.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from time import monotonic

from clusterless import layout
from clusterless.engine.arrivals import identity
from clusterless.errors import StoreRefusedError
from clusterless.model.arrival import Arrival
from clusterless.provider import Arrived, Clock
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.keys import check_key

_log = logging.getLogger(__name__)

CHUNK = 5000  # arrivals at a time
SLOW = timedelta(days=1)  # that an upload may take: an object's time is when that began
_SPARING = 10  # no more than one part in so many of the time is spent on listing


class Listing:
    """The objects of *store*, each handed over once by this process, and again if it has changed.

    What changed *slow* before the time that a pass begins from is not looked at. Used from one thread.
    """

    def __init__(self, store: ObjectStore, slow: timedelta = SLOW) -> None:
        self._store = store
        self._slow = slow
        self._seen: set[tuple[str, str, datetime]] = set()
        self._listed: set[tuple[str, str, datetime]] = set()  # of these, those that were handed over by their own time
        self._unacknowledged: dict[tuple[str, str], Arrival] = {}
        self._refused: set[str] = set()
        self._pass: Iterator[ObjectInfo] | None = None
        self._is_broken = False
        self._from: datetime | None = None
        self._until: datetime | None = None
        self._began: datetime | None = None
        self._started = 0.0
        self.looked: datetime | None = None

    @property
    def is_on(self) -> bool:
        """Whether a pass is under way, or to be begun anew."""
        return self._pass is not None or self._is_broken

    def begin(self, since: datetime | None, until: datetime | None = None) -> None:
        """Begin a pass over all that has changed since then, and before *until*; none is under way."""
        since = self.looked or since
        self._from, self._until = since - self._slow if since else None, until
        self._restart()

    def _restart(self) -> None:
        self._is_broken = True
        self._began, self._started = self._store.now(), monotonic()
        self._seen = {each for each in self._seen if self._is_recent(each[2])}
        self._listed &= self._seen
        self._pass = self._store.list()
        self._is_broken = False

    def take(self, limit: int = CHUNK) -> list[Arrival]:
        """What was not acknowledged, and what the pass comes to; at its end it is over, and `looked` is told.

        Raises:
            StoreUnavailableError: it will be begun anew.
        """
        if self._is_broken:
            self._restart()
        again = list(self._unacknowledged.values())
        if self._pass is None:
            return again
        try:
            infos = list(islice(self._pass, limit))
        except Exception:
            self._pass, self._is_broken = None, True
            raise
        if len(infos) < limit:
            self._pass, self.looked = None, self._began
        return again + [arrival for info in infos if self._is_within(info.time) and (arrival := self.fresh(info))]

    def _is_within(self, time: datetime) -> bool:
        return (self._from is None or time >= self._from) and (self._until is None or time < self._until)

    def fresh(self, info: ObjectInfo, time: datetime | None = None) -> Arrival | None:
        """An object as an arrival, if it counts as one and was not handed over before, as it is now.

        It is booked by *time* where it is given, and then handed over every time that no pass has come to it.
        """
        if not self.takes(info.key):
            return None
        # A look at an object tells whole seconds only, a listing perhaps more: with two times it could be in two lots.
        changed = info.time.replace(microsecond=0)
        uri = layout.uri(self._store.root, info.key)
        version = (uri, info.etag, changed)
        if version in (self._listed if time else self._seen):
            return None
        if self._is_recent(changed):
            self._seen.add(version)
            if time is None:
                self._listed.add(version)
        arrival = Arrival(uri, info.etag, info.size, time or changed)
        self._unacknowledged[identity(arrival)] = arrival
        return arrival

    def takes(self, key: str) -> bool:
        """Whether what has that key can arrive: no folder marker, and nothing that a store would not give back."""
        if not key or key.endswith("/"):
            return False
        try:
            check_key(self._store.root, key)
        except StoreRefusedError as error:
            if key not in self._refused:
                _log.warning("an object does not arrive: %s", error)
            self._refused.add(key)
            return False
        return True

    def acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            self._unacknowledged.pop(identity(arrival), None)

    def elapsed(self) -> float:
        """Seconds since the last pass began."""
        return monotonic() - self._started

    def _is_recent(self, time: datetime) -> bool:
        """Whether a later pass will come to what has that time; the others need not be remembered."""
        return self._began is None or time >= self._began - 2 * self._slow


class ListingSource:
    """The `ArrivalSource` of a location without a queue.

    It is listed every *interval* seconds, or less often if it is large.
    """

    def __init__(self, listing: Listing, clock: Clock, interval: float = 5.0) -> None:
        self._listing = listing
        self._clock = clock
        self._interval = interval
        self._took = 0.0

    def receive(self, wait: float, since: datetime | None) -> Arrived:
        """What has arrived; see `clusterless.provider.ArrivalSource`.

        Raises:
            StoreRefusedError: the location cannot be listed.
            StoreUnavailableError: it did not answer now.
        """
        listing = self._listing
        if not listing.is_on:
            if listing.looked and listing.elapsed() < max(self._interval, self._took * _SPARING):
                self._clock.sleep(wait)
            else:
                listing.begin(since)
        was_on = listing.is_on
        arrivals = listing.take()
        if was_on and not listing.is_on:
            self._took = listing.elapsed()
        return Arrived(
            arrivals=arrivals,
            acknowledge=partial(listing.acknowledge, arrivals),
            looked=None if listing.is_on else listing.looked,
            backlog=listing.is_on,
        )

    def close(self) -> None:
        """Nothing is held."""
