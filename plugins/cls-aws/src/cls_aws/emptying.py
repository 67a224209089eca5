"""Buckets emptied for good: every version of every object."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from cls_aws.buckets import AskedBucket
from clusterless import layout
from clusterless.errors import StoreRefusedError


def holds_data(bucket: AskedBucket) -> bool:
    """Whether anything but ``metadata.json`` is, or was, in the bucket: an older version can be had back."""
    return any(each["Key"] != layout.PLACEMENT_META for page in _pages(bucket) for each in page)


def empty(bucket: AskedBucket) -> None:
    """Remove all that is in the bucket.

    Raises:
        StoreRefusedError: some of it may not be removed.
    """
    for page in _pages(bucket):
        if page:
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in page]
            answer = bucket.do("delete_objects", Delete={"Objects": objects, "Quiet": True})
            if failed := answer.get("Errors"):
                msg = f"s3://{bucket.bucket}/{failed[0].get('Key')} cannot be removed: {failed[0].get('Message')}"
                raise StoreRefusedError(msg)


def _pages(bucket: AskedBucket) -> Iterator[list[dict[str, Any]]]:
    """Every version and delete marker, in pages of a thousand at most, as one request removes."""
    ask = partial(bucket.do, "list_object_versions", MaxKeys=1000)
    told = ask()
    while True:
        yield [*told.get("Versions", []), *told.get("DeleteMarkers", [])]
        if not told.get("IsTruncated"):
            return
        told = ask(KeyMarker=told["NextKeyMarker"], VersionIdMarker=told.get("NextVersionIdMarker", ""))
