"""How the boundary of Google Cloud is declared: as that of AWS is (FORMATS 6.8)."""

from __future__ import annotations

import enum

from attrs import Factory, field, frozen
from attrs.validators import ge, le

from clusterless import layout
from clusterless.engine.key_time import check_key_regex
from clusterless.errors import InvalidValueError
from clusterless.model.boundary import Booking, EventArrival, IngressBoundary, LotSource
from clusterless.model.runtime_props import FunctionProps


class Notices(enum.Enum):
    """How a boundary learns of what was put."""

    PUB_SUB = "pubSub"  # the bucket's notifications, over a topic
    LISTING = "listing"  # no queue: the location is listed again and again


@frozen(kw_only=True)
class Infrequent:
    """How a lot is chosen where only lots that hold something are committed.

    ``keyRegex`` finds the time in an object's key (`clusterless.engine.key_time`).

    Raises:
        InvalidValueError: ``keyTimestampRegex`` without a usable ``keyRegex``, or the other way round.
    """

    lot_source: LotSource = LotSource.OBJECT_MODIFIED_TIME
    key_regex: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.lot_source.is_key_time != (self.key_regex is not None):
            msg = "lotSource 'keyTimestampRegex' and keyRegex need each other"
            raise InvalidValueError(msg, hint="give both to book by the time in the key, or neither")
        if self.key_regex is not None:
            check_key_regex(self.key_regex)


@frozen(kw_only=True)
class Frequent:
    """How a subscription is asked where every lot is committed."""

    queue_fetch_wait_sec: int = field(default=0, validator=[ge(0), le(20)])


@frozen(kw_only=True)
class GcsPutListenerBoundary(IngressBoundary):
    """Books the objects that are put below its dataset's location, however they are noticed.

    Objects are booked by the time that they were written, or as ``infrequent.lotSource`` says. An object
    whose bytes are replaced arrives again. Folder markers, whose keys end with a slash, are passed over.

    Raises:
        InvalidValueError: the location is no place in a bucket, or a listing would have to tell the event's time.
    """

    runtime_props: FunctionProps = Factory(lambda: FunctionProps(memory_size_mb=1024, retry_attempts=3, timeout_min=15))
    infrequent: Infrequent = Factory(Infrequent)
    frequent: Frequent = Factory(Frequent)
    notices: Notices = Notices.PUB_SUB
    settle_sec: float = 0  # an object is there as a whole, or not at all

    def __attrs_post_init__(self) -> None:
        uri = self.dataset.path_uri
        if layout.scheme(uri) != "gs":
            msg = f"boundary {self.name} cannot listen to {uri}: it is no place in a bucket"
            raise InvalidValueError(msg, hint="give a pathURI like gs://bucket/in/, or another provider's boundary")
        if self.notices is Notices.LISTING and self._lot_source is LotSource.EVENT_TIME:
            msg = "a listing does not tell when the event was: lotSource 'eventTime' needs a queue"
            raise InvalidValueError(msg, hint="book by 'objectModifiedTime', or leave 'notices' out")

    @property
    def _lot_source(self) -> LotSource:
        if self.event_arrival is EventArrival.FREQUENT:
            return LotSource.OBJECT_MODIFIED_TIME
        return self.infrequent.lot_source

    @property
    def booking(self) -> Booking:
        lot_source = self._lot_source
        return Booking(
            unit=self.lot_unit,
            arrival=self.event_arrival,
            lot_source=lot_source,
            key_regex=self.infrequent.key_regex if lot_source.is_key_time else None,
            grace=self.grace_sec,
            settle=self.settle_sec,
        )
