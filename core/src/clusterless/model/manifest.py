"""Manifests: the bill of materials of one lot of one dataset."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from attrs import frozen

from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot


class ManifestState(enum.Enum):
    COMPLETE = "complete"  # every object of the lot is listed
    EMPTY = "empty"  # the lot closed and nothing had arrived
    PARTIAL = "partial"  # what a failed attempt left behind; kept per attempt
    REMOVED = "removed"  # the objects it listed are gone; kept per attempt

    @property
    def is_readable(self) -> bool:
        return self is ManifestState.COMPLETE or self is ManifestState.EMPTY


class UriType(enum.Enum):
    IDENTIFIER = "identifier"
    PATH = "path"
    PREFIX = "prefix"


@frozen(kw_only=True)
class Manifest:
    """Written once: a correction is another revision, never an edit.

    Fields are in the order they are stored in. *uris* can be iterated any
    number of times; a large one is read from its object as it goes.
    """

    state: ManifestState
    comment: str | None = None
    lot: Lot
    uri_type: UriType = UriType.IDENTIFIER
    uris: Iterable[str] = ()

    def __attrs_post_init__(self) -> None:
        if self.state is ManifestState.EMPTY and self.uris:
            msg = "an empty manifest lists nothing"
            raise InvalidValueError(msg)
