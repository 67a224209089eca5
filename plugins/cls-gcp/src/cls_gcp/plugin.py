"""What cls-gcp answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from clusterless.errors import NotInstalledError
from clusterless.hookspecs import hookimpl

if TYPE_CHECKING:
    from clusterless.provider import OpenStore, ProviderEntry, StoreScheme


@hookimpl
def cls_providers() -> tuple[ProviderEntry, ...]:
    """Names the provider, so that a project placed on it is refused for the true reason."""
    from clusterless.provider import ProviderEntry

    summary = "Google Cloud (stores only)"
    return (ProviderEntry(name="gcp", summary=summary, load=_load, unavailable=_unavailable()),)


@hookimpl
def cls_stores() -> tuple[StoreScheme, ...]:
    """Offers the objects of buckets."""
    from clusterless.provider import StoreScheme

    return (StoreScheme(scheme="gs", summary="objects of a bucket of Cloud Storage", load=_bucket),)


def _bucket() -> OpenStore:
    from cls_gcp.store import open_bucket

    return open_bucket


def _load() -> NoReturn:
    raise NotInstalledError(_unavailable(), hint="place the project on 'local' to run it here")


def _unavailable() -> str:
    from importlib.metadata import version

    return f"cls-gcp {version('cls-gcp')} is installed but offers nothing yet: no boundaries or arcs"
