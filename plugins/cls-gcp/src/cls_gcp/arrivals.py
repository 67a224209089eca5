"""`gcp:core:gcsPutListenerBoundary`: the objects that are put at a location, as arrivals."""

from __future__ import annotations

from cls_gcp.boundaries import GcsPutListenerBoundary
from cls_gcp.notice_queue import PubSubNotices
from cls_gcp.notice_wiring import wire
from clusterless.provider import ArrivalSource, Surroundings
from clusterless.runtime.bucket_listener import listen
from clusterless.runtime.noticed import Location


def open_listener(boundary: GcsPutListenerBoundary, surroundings: Surroundings) -> ArrivalSource:
    """Listen to the location of the boundary's dataset.

    Raises:
        StoreRefusedError: what is needed for it may not be made, or there is no such bucket.
        StoreUnavailableError: Google Cloud did not answer.
    """
    location = Location.of(boundary.dataset.path_uri)
    return listen(boundary, surroundings, lambda: PubSubNotices(wire(boundary.name, location, surroundings)))
