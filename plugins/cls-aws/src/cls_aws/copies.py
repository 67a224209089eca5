"""Copying an object inside S3: its bytes do not come by here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cls_aws.errors import asking, code
from cls_aws.uploads import Place, Terms, write_parts
from clusterless.errors import ObjectExistsError, StoreUnavailableError

_WHOLE = 5 << 30  # bytes that S3 copies by one request
_PART = 512 << 20
_PARTS = 10_000
_TOO_LARGE = ("InvalidRequest", "InvalidArgument", "EntityTooLarge")
_KEPT = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata")


def copy(place: Place, source: Place) -> None:
    """Copy *source* to *place*; in parts where it is too large for one request.

    Raises:
        ObjectMissingError: the source is not there.
    """
    from botocore.exceptions import ClientError

    with asking(f"{source.uri}, to be copied to {place.uri}"):
        try:
            place.client.copy_object(**place.where, CopySource=source.where)
        except ClientError as error:
            if code(error.response) not in _TOO_LARGE or not _copy_large(place, source):
                raise


def _copy_large(place: Place, source: Place) -> bool:
    """Copy in parts what is too large to be copied whole; false where it is not."""
    found = source.client.head_object(**source.where)
    if found["ContentLength"] <= _WHOLE:
        return False
    kept = Terms(headers={name: found[name] for name in _KEPT if name in found})
    parts = _parts(source, found["ContentLength"], found["ETag"])
    try:
        write_parts(place, place.client.upload_part_copy, parts, kept)
    except ObjectExistsError as error:
        msg = f"{source.uri} was replaced while it was being copied"
        raise StoreUnavailableError(msg, hint="it is copied again") from error
    return True


def _parts(source: Place, size: int, etag: str) -> Iterator[Mapping[str, Any]]:
    part = max(_PART, -(-size // _PARTS))
    for start in range(0, size, part):
        yield {
            "CopySource": source.where,
            "CopySourceIfMatch": etag,
            "CopySourceRange": f"bytes={start}-{min(start + part, size) - 1}",
        }
