"""Copying an object inside a storage account: its bytes do not come by here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from attrs import frozen

from cls_azure.errors import asking, status
from cls_azure.uploads import Place, commit, in_parallel
from clusterless.errors import StoreUnavailableError

_WHOLE = 256 << 20  # bytes that the service copies by one request
_BLOCK = 128 << 20
_BLOCKS = 50_000
_LEAVE = timedelta(hours=1)  # for the service to read the source in our name
_SCOPE = "https://storage.azure.com/.default"


def copy(place: Place, source: Place, now: datetime) -> None:
    """Copy *source* to *place*, in the same storage account; in blocks where it is too large for one request.

    Raises:
        ObjectMissingError: the source is not there.
        StoreUnavailableError: it was replaced meanwhile.
    """
    from azure.core.exceptions import HttpResponseError

    with asking(f"{source.uri}, to be copied to {place.uri}"):
        allowed = _allowed(source, now)
        try:
            place.blob.start_copy_from_url(allowed.url, requires_sync=True, **allowed.options)
        except HttpResponseError as error:
            if status(error) not in {400, 409, 413} or not _copy_large(place, source, allowed):
                raise


@frozen
class _Allowed:
    """How the service may read a source in our name: its *url*, and *options* of requests that name it."""

    url: str
    options: Mapping[str, str]


def _allowed(source: Place, now: datetime) -> _Allowed:
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas

    blob, credential = source.blob, source.blob.credential
    if key := getattr(credential, "account_key", None):
        named = (blob.account_name, blob.container_name, blob.blob_name)
        reading = BlobSasPermissions(read=True)
        signed = generate_blob_sas(*named, account_key=key, permission=reading, expiry=now + _LEAVE)
        return _Allowed(f"{blob.url}?{signed}", {})
    if credential is None:  # the account's address has a signature of its own
        return _Allowed(blob.url, {})
    return _Allowed(blob.url, {"source_authorization": f"Bearer {credential.get_token(_SCOPE).token}"})


def _copy_large(place: Place, source: Place, allowed: _Allowed) -> bool:
    """Copy in blocks what is too large to be copied whole; false where it is not."""
    found = source.blob.get_blob_properties()
    if found.size <= _WHOLE:
        return False

    def stage(block: tuple[str, int, int]) -> str:
        name, start, size = block
        with asking(source.uri):
            place.blob.stage_block_from_url(name, allowed.url, start, size, **allowed.options)
        return name

    names = list(in_parallel(stage, _blocks(found.etag, found.size)))
    if source.blob.get_blob_properties().etag != found.etag:
        msg = f"{source.uri} was replaced while it was being copied"
        raise StoreUnavailableError(msg, hint="it is copied again")
    commit(place, names, content_settings=found.content_settings, metadata=found.metadata)
    return True


def _blocks(etag: str, size: int) -> Iterator[tuple[str, int, int]]:
    """Name, first byte and bytes of each block; what another version of the source is copied by is called otherwise."""
    block = max(_BLOCK, -(-size // _BLOCKS))
    for number, start in enumerate(range(0, size, block)):
        version = etag.strip('"').removeprefix("0x")[:24].rjust(24, "0")
        yield f"{number:05}-copy-{version}", start, min(block, size - start)
