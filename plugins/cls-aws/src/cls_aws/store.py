"""Objects in a bucket of S3, below a prefix."""

from __future__ import annotations

from clusterless.model.placement import Placement
from clusterless.store.api import ObjectStore


def open_bucket(root: str, placement: Placement | None) -> ObjectStore:
    """The store rooted at *root* (``s3://bucket/…/``), as *placement* reaches it; no request is made."""
    raise NotImplementedError
