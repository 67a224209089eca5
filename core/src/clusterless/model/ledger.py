"""Ledger entries of an arc's lot: the only truth about it (docs: the lot protocol)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from attrs import Factory, frozen

from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState


class ArcState(enum.Enum):
    """The words of `<state>.arc` markers and reports."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING = "missing"


@frozen(kw_only=True)
class Pin:
    """The one revision of a source lot that a claim consumes; *manifest* is its URI."""

    dataset: Dataset
    lot: Lot
    manifest: str
    state: ManifestState
    revision: int


@frozen(kw_only=True)
class SinkRecord:
    """What one sink of an attempt came to: the manifest itself when small, else where it is *staged* (a key).

    *objects* are counted, *bytes* where the workload knows them; *digest* is
    the SHA-256 of the manifest's stored bytes.
    """

    state: ManifestState
    objects: int
    bytes: int | None
    digest: str
    manifest: Manifest | None = None
    staged: str | None = None


@frozen(kw_only=True)
class Failure:
    """Why an attempt came to nothing; *trace* is cut to a few KiB."""

    type: str
    message: str
    trace: str = ""


@frozen(kw_only=True)
class Entry:
    """What every entry carries: *put_id* settles a lost answer, *at* and *by* are for people."""

    kind: ClassVar[str]

    put_id: str
    at: datetime
    by: str


@frozen(kw_only=True)
class Claim(Entry):
    """*expires* is a hint for progress, never for safety; *declaration* tells what the arc was then, where known."""

    kind = "claim"

    attempt: str
    revision: int
    sources: Mapping[str, Pin]
    expires: datetime
    declaration: str | None = None


@frozen(kw_only=True)
class Complete(Entry):
    """Commits all sinks at once; what others see is written from it alone.

    *taken* is how many objects went out, where that has no manifest to tell it and the workload knows.
    """

    kind = "complete"
    state = ArcState.COMPLETE

    attempt: str
    revision: int
    sources: Mapping[str, Pin]
    sinks: Mapping[str, SinkRecord]
    taken: int | None = None


@frozen(kw_only=True)
class Failed(Entry):
    state: ClassVar[ArcState]

    attempt: str
    revision: int
    sources: Mapping[str, Pin]
    error: Failure
    sinks: Mapping[str, SinkRecord] = Factory(dict)


@frozen(kw_only=True)
class Partial(Failed):
    """The attempt failed after it had written something, which the next is handed."""

    kind = "partial"
    state = ArcState.PARTIAL


@frozen(kw_only=True)
class Missing(Failed):
    """The attempt failed and left nothing."""

    kind = "missing"
    state = ArcState.MISSING


@frozen(kw_only=True)
class Rollback(Entry):
    """What follows is *revision*; it rises only if a complete went before."""

    kind = "rollback"

    revision: int
    reason: str

    @property
    def why(self) -> str:
        """The reason, where it says more than that it was rolled back."""
        return "" if self.reason == self.kind else self.reason


ENTRIES: tuple[type[Entry], ...] = (Claim, Complete, Partial, Missing, Rollback)
