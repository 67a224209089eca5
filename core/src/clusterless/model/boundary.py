"""Boundaries: how outside arrivals become lots, and how lots go out."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from attrs import Factory, field, frozen
from attrs.validators import ge, gt, le

from clusterless.model.arc import Arc, OnEmpty, Retry, check_sources
from clusterless.model.dataset import SinkDataset, SourceDataset
from clusterless.model.element import Element
from clusterless.model.lot import LotUnit
from clusterless.model.naming import LONGEST
from clusterless.model.schedule import Schedule


class EventArrival(enum.Enum):
    INFREQUENT = "infrequent"  # lots that hold something are committed, no others
    FREQUENT = "frequent"  # every lot is committed, empty ones too


class LotSource(enum.Enum):
    """Which time an arrival is booked by."""

    OBJECT_MODIFIED_TIME = "objectModifiedTime"
    EVENT_TIME = "eventTime"
    KEY_TIMESTAMP_REGEX = "keyTimestampRegex"

    @property
    def is_key_time(self) -> bool:
        return self is LotSource.KEY_TIMESTAMP_REGEX


@frozen(kw_only=True)
class PathFilter:
    """Ant-style patterns; kept is what any include matches (none: everything) and no exclude does."""

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    path_separator: str = "/"
    ignore_case: bool = False


@frozen(kw_only=True)
class Boundary(Element):
    """Where data comes in, or goes out."""


@frozen(kw_only=True)
class Booking:
    """How a boundary books, whatever its component calls it.

    ``grace`` and ``settle`` are seconds: after an interval's end until it is
    sealed, and how long a file must have rested before it counts as arrived.
    With a ``schedule`` nothing arrives: the lots that come due by it are sealed, complete and without objects.
    """

    unit: LotUnit
    arrival: EventArrival = EventArrival.INFREQUENT
    lot_source: LotSource = LotSource.OBJECT_MODIFIED_TIME
    key_regex: str | None = None
    grace: float = 90
    settle: float = 1
    schedule: Schedule | None = None


@frozen(kw_only=True)
class IngressBoundary(Boundary):
    """Turns arrivals into lots; components add where arrivals come from.

    A component overrides `booking` where its file format keeps these facts elsewhere.
    """

    dataset: SinkDataset
    lot_unit: LotUnit
    event_arrival: EventArrival = EventArrival.INFREQUENT
    grace_sec: float = field(default=90, validator=[ge(0), le(LONGEST)])
    settle_sec: float = field(default=1, validator=[ge(0), le(LONGEST)])
    filter: PathFilter = Factory(PathFilter)

    @property
    def booking(self) -> Booking:
        return Booking(unit=self.lot_unit, arrival=self.event_arrival, grace=self.grace_sec, settle=self.settle_sec)


@frozen(kw_only=True)
class EgressBoundary(Boundary):
    """Takes committed lots out, to the location ``pathURI``; components add how.

    A lot goes out when all subscribed sources have it. Nothing of ours is made there, and no dataset.
    """

    sources: Mapping[str, SourceDataset] = field(validator=check_sources)
    path_uri: str
    retry: Retry = Factory(Retry)
    lease_sec: float = field(default=300, validator=[gt(0), le(LONGEST)])

    def as_arc(self) -> Arc:
        """The arc that it is worked as: without sinks, and of empty lots too, since those outside wait for them."""
        return Arc(
            type=self.type,
            name=self.name,
            exclude=self.exclude,
            sources=self.sources,
            retry=self.retry,
            lease_sec=self.lease_sec,
            on_empty=OnEmpty.RUN,
        )
