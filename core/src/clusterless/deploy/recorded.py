"""Projects as they are recorded in a placement's metadata: what is asked about needs no project file at hand."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import evolve

from clusterless import layout
from clusterless.codec.text import declared_values
from clusterless.deploy.places import Survey, survey
from clusterless.deploy.read import Declared, read_values
from clusterless.errors import InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import Plugins
from clusterless.provider import StoreRoots
from clusterless.store.api import ObjectStore

_log = logging.getLogger(__name__)


def recorded_projects(metadata: ObjectStore) -> Iterator[Project]:
    """The projects that were ever run or deployed there, by one listing."""
    for info in metadata.list("projects/"):
        names = layout.segments(info.key)
        try:
            project = Project(name=names.get("name", ""), version=names.get("version", ""))
        except InvalidValueError:
            continue  # not one of ours
        if info.key == layout.project_meta(project):
            yield project


def read_recorded(roots: StoreRoots, project: Project, plugins: Plugins) -> Declared | None:
    """The project as it was last run or deployed; None where it is not recorded, or, with a warning, cannot be read.

    Its locations are absolute; other relative paths are meant from the current folder, since nobody knows better.
    """
    metadata, key = plugins.open_store(roots.metadata), layout.project_meta(project)
    source = layout.uri(metadata.root, key)
    try:
        value = declared_values(metadata.get(key).decode())
        (declared,) = read_values(value, plugins.components(), source=source, base=Path.cwd())
        return evolve(declared, roots=roots)
    except ObjectMissingError:
        return None
    except (MalformedError, ValueError) as error:
        _log.warning("left out: %s", error)
        return None


def recorded(placement: Placement, plugins: Plugins) -> tuple[Declared, ...]:
    """All projects of *placement*."""
    provider = plugins.provider(placement.provider)
    roots = plugins.roots(provider.complete(placement), Path.cwd())
    projects = list(recorded_projects(plugins.open_store(roots.metadata)))
    return tuple(filter(None, (read_recorded(roots, project, plugins) for project in projects)))


def with_upstream(declared: Sequence[Declared], plugins: Plugins) -> Survey:
    """*declared* with every project that data comes from, however far up, in whichever placement it is recorded."""
    tried: set[tuple[str, Project]] = set()
    while True:
        surveyed = survey(declared, plugins)
        wanted = _owners(surveyed) - tried
        if not wanted:
            for error in surveyed.unreached.values():
                _log.warning("%s", error)
            return surveyed
        tried |= wanted
        stores = {roots.metadata: roots for placed in surveyed.placed for roots in placed.roots.values()}
        found = [read_recorded(stores[place], project, plugins) for place, project in sorted(wanted, key=str)]
        declared = [*declared, *filter(None, found)]


def _owners(surveyed: Survey) -> set[tuple[str, Project]]:
    """The projects, by place, that write what is read and that nobody has declared."""
    owners = ((node, recorded.owned.owner) for node, recorded in surveyed.graph.recorded.items())
    return {
        (node.place, Project(name=owner.name, version=owner.version))
        for node, owner in owners
        if surveyed.graph.owner(node) is None
    }
