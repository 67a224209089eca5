"""Seals: how a boundary commits which arrivals are in which lots."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from clusterless.model.arrival import Arrival
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState


@frozen(kw_only=True)
class SealedLot:
    """One revision of one lot.

    Its manifest lists what *base* (the URI of the revision before, if any) lists
    and the *arrivals*: here when few, else one JSON line each in the object *staged* (a key).
    *objects* counts the whole revision, *bytes* its arrivals, *late* those that missed their own lot.
    """

    lot: Lot
    revision: int
    state: ManifestState
    objects: int
    bytes: int
    digest: str
    base: str | None = None
    arrivals: tuple[Arrival, ...] | None = ()
    staged: str | None = None
    late: int = 0


@frozen(kw_only=True)
class Seal:
    """One entry of a boundary's ledger.

    It took the intake *batches* (keys), and the boundary has now looked
    *through* that lot. *looked* is the store's time up to which a scanned
    source was seen whole, where there is one.
    """

    put_id: str
    at: datetime
    by: str
    lots: tuple[SealedLot, ...]
    batches: tuple[str, ...]
    through: Lot | None
    looked: datetime | None = None


@frozen(kw_only=True)
class Batch:
    """Arrivals as one receiver wrote them down before it acknowledged their notices."""

    arrivals: tuple[Arrival, ...]
