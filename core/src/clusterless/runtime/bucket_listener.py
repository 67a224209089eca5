"""What a boundary of a bucket hears its arrivals by: a queue of notices, or a listing."""

from __future__ import annotations

from collections.abc import Callable

from clusterless.model.boundary import LotSource
from clusterless.provider import ArrivalSource, Surroundings
from clusterless.runtime.bucket_boundary import BucketBoundary
from clusterless.runtime.listing_source import Listing, ListingSource
from clusterless.runtime.noticed import LEAST_POLL, NoticedSource, NoticeQueue


def listen(boundary: BucketBoundary, surroundings: Surroundings, wire: Callable[[], NoticeQueue]) -> ArrivalSource:
    """Listen to the location of the *boundary*'s dataset; *wire* gives the queue of its notices, made if need be.

    Raises:
        StoreRefusedError: what is needed for it may not be made.
        StoreUnavailableError: the service did not answer.
    """
    store = surroundings.open_store(boundary.dataset.path_uri)
    if boundary.by_listing:
        return ListingSource(Listing(store), surroundings.clock)
    return NoticedSource(
        store,
        wire,
        by_event=boundary.booking.lot_source is LotSource.EVENT_TIME,
        poll=max(boundary.frequent.queue_fetch_wait_sec, LEAST_POLL),
    )
