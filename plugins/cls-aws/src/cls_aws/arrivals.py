"""`aws:core:s3PutListenerBoundary`: the objects that are put at a location, as arrivals."""

from __future__ import annotations

from cls_aws.boundaries import Notices, S3PutListenerBoundary
from cls_aws.clients import client
from cls_aws.notice_queue import SqsNotices
from cls_aws.notice_wiring import wire
from clusterless.model.boundary import LotSource
from clusterless.provider import ArrivalSource, Surroundings
from clusterless.runtime.listing_source import Listing, ListingSource
from clusterless.runtime.noticed import LEAST_POLL, NoticedSource


def open_listener(boundary: S3PutListenerBoundary, surroundings: Surroundings) -> ArrivalSource:
    """Listen to the location of the boundary's dataset.

    Raises:
        StoreRefusedError: what is needed for it may not be made, or the bucket is elsewhere, or another's.
        StoreUnavailableError: AWS did not answer.
    """
    store = surroundings.open_store(boundary.dataset.path_uri)
    if boundary.notices is Notices.LISTING:
        return ListingSource(Listing(store), surroundings.clock)
    sqs = client("sqs", surroundings.placement)
    return NoticedSource(
        store,
        lambda: SqsNotices(sqs, wire(boundary, surroundings)),
        by_event=boundary.booking.lot_source is LotSource.EVENT_TIME,
        poll=max(boundary.frequent.queue_fetch_wait_sec, LEAST_POLL),
    )
