"""`azure:core:blobPutListenerBoundary`: the blobs that are put at a location, as arrivals."""

from __future__ import annotations

from cls_azure.boundaries import BlobPutListenerBoundary
from cls_azure.notice_queue import StorageNotices
from cls_azure.notice_wiring import wire
from clusterless.provider import ArrivalSource, Surroundings
from clusterless.runtime.bucket_listener import listen
from clusterless.runtime.noticed import Location


def open_listener(boundary: BlobPutListenerBoundary, surroundings: Surroundings) -> ArrivalSource:
    """Listen to the location of the boundary's dataset.

    Raises:
        StoreRefusedError: what is needed for it may not be made.
        StoreUnavailableError: Azure did not answer.
    """
    location = Location.of(boundary.dataset.path_uri)

    def queue() -> StorageNotices:
        return StorageNotices(wire(boundary.name, location, surroundings), surroundings.clock)

    return listen(boundary, surroundings, queue)
