"""What is told of a lot: facts, each of which an object says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from clusterless.model.lot import Lot
from clusterless.model.placement import Placement

SHOWN = 5  # objects that are named, of those that a manifest lists or that arrived


@frozen(kw_only=True)
class Fact:
    """One thing that an object says; *at* is when it was written, *number* is that of a ledger's entry.

    *what* is the kind of entry, or one of ``manifest``, ``lists``, ``listed`` (by a removed manifest), ``consumed``,
    ``seal``, ``arrival``, ``reads``, ``writes``, ``announced`` and ``unreadable``. *digest* is that of a manifest
    which it says was written.
    """

    what: str
    text: str = ""
    at: datetime | None = None
    by: str | None = None
    number: int | None = None
    attempt: str | None = None
    revision: int | None = None
    state: str | None = None
    objects: int | None = None
    bytes: int | None = None
    uri: str | None = None
    digest: str = ""


@frozen(kw_only=True)
class Story:
    """What is known of an element's *lot*: *kind* is ``dataset``, ``boundary`` or ``arc``, *name* as keys have it.

    *digests* are those of a dataset's manifests, each with its name and revision; *store* is the name of the store
    that these are in. *reads* are the source lots that an arc claimed, each with the name of its store.
    """

    kind: str
    name: str
    lot: Lot
    placement: Placement
    facts: tuple[Fact, ...]
    reads: frozenset[tuple[str, str, Lot]] = frozenset()
    digests: Mapping[str, tuple[str, str]] = field(factory=dict)
    store: str = ""

    @property
    def is_dataset(self) -> bool:
        return self.kind == "dataset"

    def is_read_by(self, arc: Story) -> bool:
        """Whether *arc* claimed this lot of this dataset, and not one of that name in another placement."""
        return (self.store, self.name, self.lot) in arc.reads
