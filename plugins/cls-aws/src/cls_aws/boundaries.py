"""How the boundaries of AWS are declared (FORMATS 6.8)."""

from __future__ import annotations

import enum
from typing import ClassVar

from attrs import Factory, frozen

from clusterless.runtime.bucket_boundary import BucketBoundary, Frequent
from clusterless.runtime.bucket_boundary import Infrequent as _Infrequent


class Notices(enum.Enum):
    """How a boundary learns of what was put."""

    EVENT_BRIDGE = "eventBridge"  # the bucket's events, by a rule of the default bus, in a queue
    BUCKET = "bucket"  # the bucket's own notifications, in a queue
    LISTING = "listing"  # no queue: the location is listed again and again


@frozen(kw_only=True)
class Infrequent(_Infrequent):
    """How a lot is chosen where only lots that hold something are committed."""

    enable_event_bridge: bool = False


@frozen(kw_only=True)
class S3PutListenerBoundary(BucketBoundary):
    """Books the objects that are put below its dataset's location, however they are noticed.

    Objects are booked by the time that they were last modified, or as ``infrequent.lotSource`` says. An object
    whose bytes are replaced arrives again. Folder markers, whose keys end with a slash, are passed over.

    Raises:
        InvalidValueError: the location is no place in a bucket, or a listing would have to tell the event's time.
    """

    SCHEME: ClassVar[str] = "s3"

    infrequent: Infrequent = Factory(Infrequent)
    frequent: Frequent = Factory(Frequent)
    notices: Notices = Notices.EVENT_BRIDGE

    @property
    def by_listing(self) -> bool:
        return self.notices is Notices.LISTING
