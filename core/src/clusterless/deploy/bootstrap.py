"""What a placement needs beforehand: planned by its provider, and recorded in its metadata once it is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import evolve, field, frozen

from clusterless import codec, layout
from clusterless.bootstrap import Bootstrap, Plan
from clusterless.errors import InvalidValueError, NotInstalledError, ObjectMissingError, PlaceMissingError
from clusterless.model.placement import BOOTSTRAP_VERSION, Bootstrapped, Placement
from clusterless.plugins import Plugins
from clusterless.store.api import ObjectStore


@frozen(kw_only=True)
class Ground:
    """A *placement* and its metadata store; *recorded* is its ``metadata.json``, if it has one."""

    placement: Placement
    base: Path
    bootstrap: Bootstrap
    metadata: ObjectStore = field(eq=False)
    recorded: Bootstrapped | None
    projects: Sequence[str]  # ``name/version`` of those that were ever run there

    def to_make(self) -> Plan:
        return self.bootstrap.make(self.placement, self.base)

    def to_remove(self, with_data: bool) -> Plan:
        return self.bootstrap.remove(self.placement, self.base, with_data)

    def make(self, plan: Plan) -> None:
        """Apply what `to_make` planned, then record it; when it was first made stays as it is."""
        exports = plan.apply()
        record = self.recorded or Bootstrapped(create_date_time=self.metadata.now(), exports=exports)
        written = codec.record_bytes(evolve(record, exports=exports, placement=self.placement))
        self.metadata.put(layout.PLACEMENT_META, written)

    def remove(self, plan: Plan) -> None:
        """Apply what `to_remove` planned."""
        with suppress(PlaceMissingError):
            self.metadata.delete(layout.PLACEMENT_META)
        plan.apply()


def survey_ground(placement: Placement, base: Path, plugins: Plugins) -> Ground:
    """Look at the placement as it is.

    Raises:
        NotInstalledError: its provider is not installed, or has nothing to make.
        InvalidValueError: it was bootstrapped by a version that this one does not know.
    """
    provider = plugins.provider(placement.provider)
    entry = plugins.providers()[placement.provider]
    if entry.bootstrap is None:
        msg = f"provider {entry.name} cannot be bootstrapped: {entry.no_bootstrap}"
        raise NotInstalledError(msg)
    placement = provider.complete(placement)
    metadata = plugins.open_store(plugins.roots(placement, base).metadata)
    return Ground(
        placement=placement,
        base=base,
        bootstrap=entry.bootstrap(),
        metadata=metadata,
        recorded=_recorded(metadata),
        projects=list(_projects(metadata)),
    )


def _recorded(metadata: ObjectStore) -> Bootstrapped | None:
    source = layout.uri(metadata.root, layout.PLACEMENT_META)
    try:
        recorded = codec.read_record(metadata.get(layout.PLACEMENT_META), Bootstrapped, source=source)
    except (ObjectMissingError, PlaceMissingError):
        return None
    if recorded.version != BOOTSTRAP_VERSION:
        msg = f"{source} is of bootstrap version {recorded.version!r}, and this is {BOOTSTRAP_VERSION!r}"
        raise InvalidValueError(msg, hint="pip install --upgrade clusterless")
    return recorded


def _projects(metadata: ObjectStore) -> Iterator[str]:
    with suppress(PlaceMissingError):
        for info in metadata.list("projects/"):
            names = layout.segments(info.key)
            if {"name", "version"} <= names.keys():
                yield f"{names['name']}/{names['version']}"
