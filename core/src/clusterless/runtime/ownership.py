"""Who writes a dataset version: one project, which another may take over from a lot that lies ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, evolve, field

from clusterless import codec, layout
from clusterless.errors import ObjectMissingError, OwnershipError
from clusterless.model.dataset import Dataset, HandedOver, OwnedDataset, Owner, SinkDataset, Tenure
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.store.api import ObjectStore
from clusterless.store.retrying import create_once

_MEMORY = timedelta(minutes=1)  # the longest that an owner goes without looking again
_AHEAD = 2 * _MEMORY  # so every worker of the former owner knows before the lot begins


def own(metadata: ObjectStore, project: Project, sink: SinkDataset) -> None:
    """Be the dataset's owner, from its `takeOver` lot on where another was before.

    Raises:
        OwnershipError: another project is, and no lot is named that lies ahead.
    """
    mine = HandedOver(owner=project.owner, dataset=sink.located, roots=_several(sink))
    if create_once(metadata, layout.ownership(sink), codec.record_bytes(_written(mine))):
        return
    owned = recorded(metadata, sink)
    if owned is None:
        metadata.put(layout.ownership(sink), codec.record_bytes(_written(mine)))
    elif owned.owner == mine.owner:
        moved = evolve(owned, dataset=mine.dataset, roots=mine.roots)
        if moved != owned:
            metadata.put(layout.ownership(sink), codec.record_bytes(_written(moved)))
    elif owned.before != mine.owner:  # a former owner goes on until its last lot is sealed
        _take_over(metadata, sink, owned, mine)


def _take_over(metadata: ObjectStore, sink: SinkDataset, owned: HandedOver, mine: HandedOver) -> None:
    first = Lot.parse(sink.take_over) if sink.take_over else None
    if first is None or first.start < metadata.now() + _AHEAD:
        whose = f"dataset {sink.id} belongs to project {owned.owner.name}/{owned.owner.version}"
        msg = f"{whose}, and lot {first} does not lie two minutes ahead" if first else whose
        hint = "give the dataset another name or version, or take it over with 'takeOver': a lot that lies ahead"
        raise OwnershipError(msg, hint=hint)
    handed = evolve(mine, since=first, before=owned.owner)
    metadata.put(layout.ownership(sink), codec.record_bytes(handed))


def recorded(metadata: ObjectStore, dataset: Dataset) -> HandedOver | None:
    """What ``dataset.json`` says, if it is there."""
    key = layout.ownership(dataset)
    try:
        return codec.read_record(metadata.get(key), HandedOver, source=layout.uri(metadata.root, key))
    except ObjectMissingError:
        return None


@define(eq=False)
class Ownership:
    """Which lots of its datasets *project* may write, read again once a minute."""

    metadata: ObjectStore
    project: Project
    _known: dict[str, tuple[datetime, Tenure]] = field(factory=dict, init=False)

    def tenure(self, dataset: Dataset) -> Tenure:
        now = self.metadata.now()
        if dataset.id not in self._known or now - self._known[dataset.id][0] >= _MEMORY:
            self._known[dataset.id] = (now, self._read(dataset))
        return self._known[dataset.id][1]

    def _read(self, dataset: Dataset) -> Tenure:
        owned = recorded(self.metadata, dataset)
        return tenure_of(owned, self.project.owner) if owned else Tenure(ever=False)


def tenure_of(owned: HandedOver, mine: Owner) -> Tenure:
    """The lots of a dataset, *owned* as its ``dataset.json`` says, that are *mine* to write."""
    if owned.owner == mine:
        return Tenure(first=owned.since)
    if owned.before == mine and owned.since:
        return Tenure(last=owned.since.previous)
    return Tenure(ever=False)


def _written(owned: HandedOver) -> OwnedDataset:
    """Without the keys that only some datasets need, where this one needs none."""
    return owned if owned.before or owned.roots else OwnedDataset(owner=owned.owner, dataset=owned.dataset)


def _several(sink: SinkDataset) -> tuple[str, ...]:
    """The locations of its objects, where these are not just its own."""
    return sink.roots if sink.roots != (sink.path_uri,) else ()
