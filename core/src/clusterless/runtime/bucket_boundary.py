"""What is declared alike of every boundary that listens to a bucket, whoever's it is (FORMATS 6.8)."""

from __future__ import annotations

from typing import ClassVar

from attrs import Factory, field, frozen
from attrs.validators import ge, le

from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.boundary import Booking, EventArrival, IngressBoundary, LotSource
from clusterless.model.runtime_props import FunctionProps
from clusterless.runtime.key_time import check_booked_by


@frozen(kw_only=True)
class Infrequent:
    """How a lot is chosen where only lots that hold something are committed.

    ``keyRegex`` finds the time in an object's key (`clusterless.runtime.key_time`).

    Raises:
        InvalidValueError: ``keyTimestampRegex`` without a usable ``keyRegex``, or the other way round.
    """

    lot_source: LotSource = LotSource.OBJECT_MODIFIED_TIME
    key_regex: str | None = None

    def __attrs_post_init__(self) -> None:
        check_booked_by(self.lot_source, self.key_regex)


@frozen(kw_only=True)
class Frequent:
    """How a queue is asked where every lot is committed."""

    queue_fetch_wait_sec: int = field(default=0, validator=[ge(0), le(20)])  # SQS waits no longer


@frozen(kw_only=True)
class BucketBoundary(IngressBoundary):
    """Books the objects that are put below its dataset's location, however they are noticed.

    A provider's boundary says what its URIs begin with (``SCHEME``) and how notices come.

    Raises:
        InvalidValueError: the location is no place in a bucket, or a listing would have to tell the event's time.
    """

    SCHEME: ClassVar[str]

    runtime_props: FunctionProps = Factory(lambda: FunctionProps(memory_size_mb=1024, retry_attempts=3, timeout_min=15))
    infrequent: Infrequent = Factory(Infrequent)
    frequent: Frequent = Factory(Frequent)
    settle_sec: float = 0  # an object is there as a whole, or not at all

    def __attrs_post_init__(self) -> None:
        uri = self.dataset.path_uri
        if layout.scheme(uri) != self.SCHEME:
            msg = f"boundary {self.name} cannot listen to {uri}: it is no place in a bucket"
            hint = f"give a pathURI like {self.SCHEME}://bucket/in/, or another provider's boundary"
            raise InvalidValueError(msg, hint=hint)
        if self.by_listing and self._lot_source is LotSource.EVENT_TIME:
            msg = "a listing does not tell when the event was: lotSource 'eventTime' needs a queue"
            raise InvalidValueError(msg, hint="book by 'objectModifiedTime', or leave 'notices' out")

    @property
    def by_listing(self) -> bool:
        """Whether there is no queue, and the location is listed again and again."""
        raise NotImplementedError

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
