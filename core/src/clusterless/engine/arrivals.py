"""What a boundary seals next: from what lies in its intake, its last seal, and the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile

from attrs import Factory, frozen

from clusterless.engine.schedule import Ticks
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import Booking, EventArrival
from clusterless.model.dataset import Tenure
from clusterless.model.lot import Lot

MOST_LOTS = 1000  # in one seal; a longer stretch of empty lots takes several


@frozen
class Waiting:
    """A batch in the intake: its key, the lot it was put under, when it was written (the store's time)."""

    key: str
    lot: Lot
    time: datetime


@frozen(kw_only=True)
class Plan:
    """What the next seal is to hold.

    *lots* are committed as they come (empty ones too, if they are to be); *late* lots have
    passed: by key time each gets a new revision, by arrival time what is new in them goes *into* one
    lot: the last of *lots*, or, once no more lots will follow, a new revision of the last there was.
    *ahead*: the last of *lots* has not begun, and is sealed for what is new in late ones alone.
    *batches* are the keys to read, by the lot they were put under.
    """

    lots: tuple[Lot, ...]
    late: tuple[Lot, ...]
    batches: Mapping[Lot, Sequence[str]] = Factory(dict)
    into: Lot | None = None
    through: Lot | None = None
    ahead: bool = False


def for_one_seal(booking: Booking, waiting: Iterable[Waiting], through: Lot | None, now: datetime) -> list[Waiting]:
    """As many of *waiting*, which come in order of lot, as the next seal's plan depends on.

    A long backlog takes several seals, and all of it is not to be read for each of them.
    """
    current = Lot.containing(now, booking.unit)
    batches: list[Waiting] = []
    after: set[Lot] = set()
    for each in waiting:
        batches.append(each)
        if each.lot <= current and (through is None or each.lot > through):
            after.add(each.lot)
            if len(after) > MOST_LOTS:  # by key time, one more says that those before it are over
                break
    return batches


def plan_seal(
    booking: Booking,
    waiting: Iterable[Waiting],
    through: Lot | None,
    now: datetime,
    *,
    tenure: Tenure = Tenure(),  # noqa: B008  a value
    seal_open: bool = False,
) -> Plan | None:
    """The next seal's plan, or None while there is nothing to seal.

    *through* is the lot that the last seal reached, None before the first; *tenure* the lots that may be sealed.
    """
    batches = list(waiting)
    is_quiet = _is_quiet(booking, batches, now)
    end = _end(booking, batches, now, is_quiet=is_quiet, seal_open=seal_open)
    reach = end if through is None or (end is not None and end > through) else through
    if reach is None or not tenure.ever:
        return None
    if tenure.last and tenure.last < reach:
        reach = tenure.last
    due = sorted({each.lot for each in batches if each.lot <= reach})
    late = tuple(lot for lot in due if through is not None and lot <= through)
    ahead = False
    earliest = min((each.lot for each in batches), default=reach)
    lots = _lots(booking, [lot for lot in due if lot not in late], through, reach, tenure.first or earliest)
    if late and not lots:
        if booking.lot_source.is_key_time:
            if not is_quiet:
                return None  # one new revision for all that comes late, not one each
        elif reach != through:
            lots = (reach,)
        elif reach != tenure.last:
            if not (seal_open and tenure.holds(reach.next)):
                return None  # they go into the next lot, which has not ended yet
            lots, ahead = (reach.next,), True
    if not lots and not late:
        return None
    last = max(lots, default=through)
    taken = [each for each in batches if last is not None and each.lot <= last]
    into = None if booking.lot_source.is_key_time or not late else last
    return Plan(lots=lots, late=late, batches=_by_lot(taken), into=into, through=last, ahead=ahead)


def plan_ticks(
    booking: Booking,
    ticks: Ticks,
    through: Lot | None,
    now: datetime,
    *,
    tenure: Tenure = Tenure(),  # noqa: B008  a value
    seal_open: bool = False,
) -> Plan | None:
    """The next seal's plan where nothing arrives: every lot that is due by *ticks*.

    The first seal has no lots: it notes where they begin, at the lot of *now*.
    """
    if not tenure.ever:
        return None
    current = Lot.containing(now, booking.unit)
    if through is None:
        return Plan(lots=(), late=(), through=max(current, tenure.first or current).previous)
    due = takewhile(
        lambda tick: tenure.holds(tick.lot) and (tick.due <= now or (seal_open and tick.lot <= current)),
        ticks.after(through),
    )
    lots = tuple(tick.lot for tick in islice(due, MOST_LOTS))
    return Plan(lots=lots, late=(), through=lots[-1]) if lots else None


def due(booking: Booking, waiting: Iterable[Waiting], through: Lot | None) -> tuple[Lot, datetime] | None:
    """The lot that the first of what waits by arrival time goes into, and when it is sealed at the soonest.

    None where nothing waits; what waits by key time is sealed once no more comes.
    """
    first = min((each.lot for each in waiting), default=None)
    if first is None or booking.lot_source.is_key_time:
        return None
    lot = max(first, through.next) if through else first
    return lot, lot.end + timedelta(seconds=booking.grace)


def _is_quiet(booking: Booking, batches: Sequence[Waiting], now: datetime) -> bool:
    return bool(batches) and now >= max(each.time for each in batches) + timedelta(seconds=booking.grace)


def _end(booking: Booking, batches: Sequence[Waiting], now: datetime, *, is_quiet: bool, seal_open: bool) -> Lot | None:
    """The last lot that may be sealed now, if there is any."""
    current = Lot.containing(now, booking.unit)
    if not booking.lot_source.is_key_time:
        grace = timedelta(seconds=booking.grace)
        return current if seal_open else Lot.containing(now - grace, booking.unit).previous
    seen = [each.lot for each in batches if each.lot <= current]  # a key from the future moves nothing
    if not seen:
        return None
    return max(seen) if is_quiet else max(seen).previous


def _lots(booking: Booking, due: Sequence[Lot], through: Lot | None, reach: Lot, earliest: Lot) -> tuple[Lot, ...]:
    if booking.arrival is EventArrival.INFREQUENT:
        return tuple(due[:MOST_LOTS])
    first = through.next if through else earliest
    lots: list[Lot] = []
    while first <= reach and len(lots) < MOST_LOTS:
        lots.append(first)
        first = first.next
    return tuple(lots)


def _by_lot(batches: Iterable[Waiting]) -> dict[Lot, list[str]]:
    by_lot: dict[Lot, list[str]] = {}
    for each in sorted(batches, key=lambda batch: batch.key):
        by_lot.setdefault(each.lot, []).append(each.key)
    return by_lot


def identity(arrival: Arrival) -> tuple[str, str]:
    """What tells arrivals apart."""
    return arrival.uri, arrival.etag


def without_doubles(arrivals: Iterable[Arrival], known: set[tuple[str, str]]) -> list[Arrival]:
    """Those not in *known*, each once, in order of uri and time; they are added to it."""
    fresh = []
    for arrival in sorted(arrivals, key=lambda each: (each.uri, each.time, each.etag)):
        if identity(arrival) not in known:
            known.add(identity(arrival))
            fresh.append(arrival)
    return fresh
