"""Who reads and writes the datasets of a placement, as its metadata says."""

from __future__ import annotations

from collections.abc import Iterator

from clusterless import codec, layout
from clusterless.engine.retention import Neighbourhood, Party
from clusterless.errors import InvalidValueError, ObjectMissingError
from clusterless.model.arc import Arc
from clusterless.model.dataset import Dataset
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.runtime.ownership import recorded
from clusterless.store.api import ObjectStore


def read_neighbourhood(metadata: ObjectStore, placement: Placement) -> Neighbourhood:
    """All that is declared in *placement* now.

    Raises:
        MalformedError: a record cannot be read, so nobody knows who is left out.
    """
    return Neighbourhood(placement=placement, parties=tuple(_parties(metadata)), locations=dict(_locations(metadata)))


def _parties(metadata: ObjectStore) -> Iterator[Party]:
    declared: dict[Project, str] = {}
    for info in metadata.list("arcs/"):
        names = layout.segments(info.key)
        try:
            project = Project(name=names.get("project", ""), version=names.get("version", ""))
        except InvalidValueError:
            continue  # somebody else's object
        if info.key != layout.arc_meta(layout.ArcKeys(project, names.get("arc", ""))):
            continue
        if project not in declared:
            declared[project] = _materials(metadata, project)
        # What a project no longer declares stays in the metadata.
        if not declared[project] or layout.uri("", info.key) in declared[project]:
            source = layout.uri(metadata.root, info.key)
            yield Party(project=project, arc=codec.read_record(metadata.get(info.key), Arc, source=source))


def _materials(metadata: ObjectStore, project: Project) -> str:
    """Names all that the project's last run declared; nothing where it has not said so yet."""
    try:
        return metadata.get(layout.materials(project)).decode()
    except ObjectMissingError:
        return ""


def _locations(metadata: ObjectStore) -> Iterator[tuple[str, tuple[str, ...]]]:
    for info in metadata.list("datasets/"):
        names = layout.segments(info.key)
        try:
            dataset = Dataset(name=names.get("name", ""), version=names.get("version", ""))
        except InvalidValueError:
            continue
        if info.key == layout.ownership(dataset) and (owned := recorded(metadata, dataset)):
            yield dataset.id, tuple(root for root in owned.all_roots if root)
