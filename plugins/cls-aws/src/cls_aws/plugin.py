"""What cls-aws answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clusterless.hookspecs import hookimpl

if TYPE_CHECKING:
    from cls_aws.boundaries import S3PutListenerBoundary
    from clusterless.provider import (
        ArrivalSource,
        BoundaryComponent,
        OpenStore,
        Provider,
        ProviderEntry,
        StoreScheme,
        Surroundings,
    )


@hookimpl
def cls_providers() -> tuple[ProviderEntry, ...]:
    """Offers AWS."""
    from clusterless.provider import ProviderEntry

    summary = "an account of Amazon Web Services, in a region"
    return (ProviderEntry(name="aws", summary=summary, load=_provider),)


@hookimpl
def cls_stores() -> tuple[StoreScheme, ...]:
    """Offers the objects of buckets."""
    from clusterless.provider import StoreScheme

    return (StoreScheme(scheme="s3", summary="objects of an S3 bucket, or of what speaks its protocol", load=_bucket),)


@hookimpl
def cls_boundaries() -> tuple[BoundaryComponent, ...]:
    """Offers the boundary of a bucket."""
    from cls_aws.boundaries import S3PutListenerBoundary
    from clusterless.provider import BoundaryComponent

    type_, summary = "aws:core:s3PutListenerBoundary", "books the objects that are put in a bucket"
    return (BoundaryComponent(type=type_, model=S3PutListenerBoundary, summary=summary, load=_listener),)


def _listener() -> Callable[[S3PutListenerBoundary, Surroundings], ArrivalSource]:
    from cls_aws.arrivals import open_listener

    return open_listener


def _bucket() -> OpenStore:
    from cls_aws.store import open_bucket

    return open_bucket


def _provider() -> Provider:
    from cls_aws.provider import AwsProvider

    return AwsProvider()
