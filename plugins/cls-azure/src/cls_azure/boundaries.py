"""How the boundary of Azure is declared: as that of AWS is (FORMATS 6.8)."""

from __future__ import annotations

import enum
from typing import ClassVar

from attrs import frozen

from clusterless.runtime.bucket_boundary import BucketBoundary


class Notices(enum.Enum):
    """How a boundary learns of what was put."""

    EVENT_GRID = "eventGrid"  # the storage account's events, in a queue
    LISTING = "listing"  # no queue: the location is listed again and again


@frozen(kw_only=True)
class BlobPutListenerBoundary(BucketBoundary):
    """Books the blobs that are put below its dataset's location, however they are noticed.

    Blobs are booked by the time that they were written, or as ``infrequent.lotSource`` says. A blob
    whose bytes are replaced arrives again. Folder markers, whose keys end with a slash, are passed over.

    Raises:
        InvalidValueError: the location is no place in a container, or a listing would have to tell the event's time.
    """

    SCHEME: ClassVar[str] = "az"

    notices: Notices = Notices.EVENT_GRID

    @property
    def by_listing(self) -> bool:
        return self.notices is Notices.LISTING
