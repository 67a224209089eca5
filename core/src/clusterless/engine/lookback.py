"""How far back a look at another placement's lots reaches: the last day each time, and now and then longer."""

from __future__ import annotations

from datetime import datetime, timedelta

from clusterless.model.lot import Lot

_LONGEST = 36_525  # days: nothing is older than a century


def reach(look: int) -> timedelta:
    """How long before the newest lot look number *look* (from 1) begins.

    A day; every second look two, every fourth four days, and so on. So a lot that is committed some days late is found
    within twice as many looks, and twice the history costs half a day's listing more a look.
    """
    return timedelta(days=min(look & -look, _LONGEST))


def floor(newest: Lot, look: int, now: datetime) -> Lot:
    """The lot after which look number *look* lists, where *newest* is the newest lot that was seen before.

    What lies ahead of *now* is passed over: behind one lot of a year to come no other would be found.
    """
    return Lot.containing(min(newest.start, now) - reach(look), newest.unit)
