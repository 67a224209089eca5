"""`gcp:core:gcsPutListenerBoundary`: the objects that are put at a location, as arrivals."""

from __future__ import annotations

from cls_gcp.boundaries import GcsPutListenerBoundary, Notices
from cls_gcp.notice_queue import PubSubNotices
from cls_gcp.notice_wiring import wire
from clusterless.model.boundary import LotSource
from clusterless.provider import ArrivalSource, Surroundings
from clusterless.runtime.listing_source import Listing, ListingSource
from clusterless.runtime.noticed import LEAST_POLL, NoticedSource


def open_listener(boundary: GcsPutListenerBoundary, surroundings: Surroundings) -> ArrivalSource:
    """Listen to the location of the boundary's dataset.

    Raises:
        StoreRefusedError: what is needed for it may not be made, or there is no such bucket.
        StoreUnavailableError: Google Cloud did not answer.
    """
    store = surroundings.open_store(boundary.dataset.path_uri)
    if boundary.notices is Notices.LISTING:
        return ListingSource(Listing(store), surroundings.clock)
    return NoticedSource(
        store,
        lambda: PubSubNotices(wire(boundary, surroundings)),
        by_event=boundary.booking.lot_source is LotSource.EVENT_TIME,
        poll=max(boundary.frequent.queue_fetch_wait_sec, LEAST_POLL),
    )
