"""Projects as they are recorded in a placement's metadata: what is asked about needs no project file at hand."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import evolve

from clusterless import layout
from clusterless.codec.text import declared_values
from clusterless.deploy.places import Survey, survey
from clusterless.deploy.read import Declared, read_values
from clusterless.errors import ClsError, InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import Plugins
from clusterless.provider import StoreRoots
from clusterless.store.api import ObjectStore

_log = logging.getLogger(__name__)


class PlacementUnknownError(ClsError):
    """Nothing was ever run or made in that placement."""

    code = "placement-unknown"
    exit_code = 2


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
    """All projects of *placement*.

    Raises:
        PlacementUnknownError: there is no such placement.
    """
    placement, roots = located(placement, plugins)
    projects = list(recorded_projects(plugins.open_store(roots.metadata)))
    if not projects:
        refuse_unknown_place(placement, roots, plugins)
    return tuple(filter(None, (read_recorded(roots, project, plugins) for project in projects)))


def located(placement: Placement, plugins: Plugins) -> tuple[Placement, StoreRoots]:
    """The placement, completed, and where its stores are for who stands in the current folder."""
    placement = plugins.provider(placement.provider).complete(placement)
    return placement, plugins.roots(placement, Path.cwd())


def refuse_unknown_place(placement: Placement, roots: StoreRoots, plugins: Plugins) -> None:
    """Refuse a completed placement that holds nothing at all: who asks means another, and is not to hear "no gaps".

    Raises:
        PlacementUnknownError: nothing is recorded in it, nor was it bootstrapped.
    """
    if problem := _emptiness(placement, roots, plugins):
        there = ", ".join(_unlike(placement, each) for each in _others(placement, plugins)) or "none"
        hint = f"placements of {placement.provider} that are there: {there}; -p FILE looks where that project is"
        raise PlacementUnknownError(problem, hint=hint)


def warn_of_unknown_places(surveyed: Survey, plugins: Plugins) -> None:
    """Say so where a project is declared in a placement that holds nothing: before its first run, or gone since."""
    places = ((placed.part.deployable.placement, placed.roots) for placed in surveyed.placed)
    problems = (_emptiness(placement, roots[placement], plugins) for placement, roots in places if placement in roots)
    for problem in dict.fromkeys(filter(None, problems)):
        _log.warning("%s", problem)


def _emptiness(placement: Placement, roots: StoreRoots, plugins: Plugins) -> str:
    """That nothing is recorded in a completed placement, nor was it bootstrapped; '' where that is not so."""
    metadata = plugins.open_store(roots.metadata)
    if next(iter(metadata.list("")), None) is not None:
        return ""
    return f"nothing was ever run in {placement.title}: {metadata.root} holds nothing"


def _unlike(placement: Placement, other: Placement) -> str:
    """The options that lead to *other*."""
    parts = {name: getattr(other, name) for name in ("stage", "account", "region")}
    return " ".join(f"--{name} {value}" for name, value in parts.items() if value and value != getattr(placement, name))


def _others(placement: Placement, plugins: Plugins) -> list[Placement]:
    """Those that the provider sees from here; none where it cannot look."""
    bootstrap = plugins.providers()[placement.provider].bootstrap
    with suppress(ClsError):
        return list(bootstrap().placements(Path.cwd())) if bootstrap else []
    return []


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
