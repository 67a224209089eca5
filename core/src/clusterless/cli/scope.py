"""Which arcs and datasets a report is about: those of project files, or all that a placement knows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import field, frozen

from clusterless import codec, layout
from clusterless.deploy.places import Placed, Survey, survey
from clusterless.deploy.read import read_projects
from clusterless.deploy.recorded import (
    located,
    recorded,
    recorded_projects,
    refuse_unknown_place,
    warn_of_unknown_places,
    with_upstream,
)
from clusterless.deploy.resolve import refuse_errors
from clusterless.errors import InvalidValueError, closest
from clusterless.model.dataset import Dataset, OwnedDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.operate.landscape import Landscape
from clusterless.plugins import Plugins
from clusterless.provider import StoreRoots
from clusterless.store.api import ObjectStore

F = TypeVar("F", bound=Callable[..., Any])

_NAMED = 10  # of what there is, in an error


@frozen(kw_only=True)
class KnownArc:
    """An arc, and the *store* of its ledgers; *unit* where it is declared."""

    placement: Placement
    keys: layout.ArcKeys
    store: ObjectStore = field(eq=False)
    unit: LotUnit | None = None

    @property
    def project(self) -> Project:
        return self.keys.project

    @property
    def name(self) -> str:
        return self.keys.arc


@frozen(kw_only=True)
class KnownDataset:
    """A dataset, its owner, and the *store* of its manifests; *unit* where it is declared."""

    placement: Placement
    project: Project
    dataset: Dataset
    store: ObjectStore = field(eq=False)
    unit: LotUnit | None = None

    @property
    def name(self) -> str:
        return self.dataset.name


@frozen(kw_only=True)
class KnownProject:
    """A project and the placement that it is in."""

    placement: Placement
    project: Project

    @property
    def name(self) -> str:
        return self.project.name


K = TypeVar("K", KnownArc, KnownDataset, KnownProject)


@frozen(kw_only=True)
class Scope:
    """*files*, or where none are given, all of *placement*; of these, *projects* and *names* only, if any."""

    files: tuple[Path, ...]
    placement: Placement
    projects: tuple[str, ...]
    names: tuple[str, ...]

    def arcs(self, plugins: Plugins) -> list[KnownArc]:
        if self.files:
            return self._wanted(_declared_arcs(self._looked_at(plugins), plugins))
        return self._wanted(self._recorded(_recorded_arcs, plugins))

    def datasets(self, plugins: Plugins) -> list[KnownDataset]:
        if self.files:
            return self._wanted(_declared_datasets(self._looked_at(plugins), plugins))
        return self._wanted(self._recorded(_recorded_datasets, plugins))

    def known_projects(self, plugins: Plugins) -> list[KnownProject]:
        if self.files:
            declared = [placed.part.deployable for placed in self._survey(plugins).placed]
            return self._wanted(KnownProject(placement=each.placement, project=each.project) for each in declared)
        return self._wanted(self._recorded(_recorded_projects, plugins))

    def landscape(self, plugins: Plugins, *, is_looked_at: bool = True) -> Landscape:
        """What is declared, or recorded in the placement, with all that is upstream of it.

        Where its lots are to be looked at (*is_looked_at*), placements that hold none are named in a warning.
        """
        if self.files:
            declared = read_projects(self.files, plugins.components(), plugins.project_formats())
        else:
            declared = recorded(self.placement, plugins)
        surveyed = with_upstream(declared, plugins)
        if self.files and is_looked_at:
            warn_of_unknown_places(surveyed, plugins)
        return Landscape(surveyed, plugins, frozenset(each.file for each in declared))

    def _looked_at(self, plugins: Plugins) -> Survey:
        surveyed = self._survey(plugins)
        warn_of_unknown_places(surveyed, plugins)
        return surveyed

    def _survey(self, plugins: Plugins) -> Survey:
        declared = read_projects(self.files, plugins.components(), plugins.project_formats(), plugins.absence)
        surveyed = survey(declared, plugins)
        refuse_errors(surveyed.findings)
        return surveyed

    def _recorded(self, read: Callable[[Placement, StoreRoots, Plugins], Iterable[K]], plugins: Plugins) -> list[K]:
        """What *read* finds in the placement.

        Raises:
            PlacementUnknownError: there is no such placement.
        """
        placement, roots = located(self.placement, plugins)
        found = list(read(placement, roots, plugins))
        if not found:
            refuse_unknown_place(placement, roots, plugins)
        return found

    def _wanted(self, known: Iterable[K]) -> list[K]:
        """Those of the projects and names asked for.

        Raises:
            InvalidValueError: a project or a name is of none of them, although there are some.
        """
        kept = list(known)
        refuse_unknown("project", self.projects, [each.project.spellings for each in kept])
        refuse_unknown("name", self.names, [{each.name} for each in kept])
        kept = [each for each in kept if not self.names or each.name in self.names]
        if self.projects:
            kept = [each for each in kept if each.project.spellings & set(self.projects)]
        return sorted(kept, key=lambda each: (each.placement.id, each.project.id, each.name))


def scoped(command: F) -> F:
    """Adds a report's options; the command is called with a *scope*."""

    @functools.wraps(command)
    def called(
        files: tuple[Path, ...],
        projects: tuple[str, ...],
        names: tuple[str, ...],
        provider: str,
        stage: str | None,
        account: str | None,
        region: str | None,
        **others: Any,
    ) -> None:
        placement = Placement(provider=provider, stage=stage, account=account, region=region)
        command(scope=Scope(files=files, placement=placement, projects=projects, names=names), **others)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called  # type: ignore[return-value]


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("-p", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="A project file."),
    click.option("--project", "projects", multiple=True, metavar="NAME[:VERSION]", help="Of this project only."),
    click.option("--name", "names", multiple=True, metavar="NAME", help="Of this name only."),
    click.option("--provider", default="local", show_default=True, help="Without -p: the placement's provider."),
    click.option("--stage", help="Without -p: the placement's stage."),
    click.option("--account", help="Without -p: the placement's account."),
    click.option("--region", help="Without -p: the placement's region."),
)


def refuse_unknown(option: str, wanted: Sequence[str], known: Sequence[AbstractSet[str]]) -> None:
    """Refuse what is *wanted* by --*option* where something is *known*, each under some spellings, and it is not.

    Raises:
        InvalidValueError: it is most likely mistyped.
    """
    spelled = set().union(*known)
    for each in wanted:
        if known and each not in spelled:
            close = closest(each, spelled)
            names = sorted({max(names, key=len) for names in known})
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            msg = f"--{option} {each[:60]}: there is none here; there are: {', '.join(names[:_NAMED])}{more}"
            raise InvalidValueError(msg, hint=f"did you mean --{option} {close}?" if close else "")


# ---- declared --------------------------------------------------------------------------------------------------


def _declared_arcs(surveyed: Survey, plugins: Plugins) -> Iterator[KnownArc]:
    for placed in surveyed.placed:
        placement, roots = _placement(placed)
        for reader in surveyed.graph.readers:
            if reader.part is placed.part:
                nodes = (reader.part.source(source) for source in reader.arc.sources.values())
                yield KnownArc(
                    placement=placement,
                    keys=layout.ArcKeys(reader.part.project, reader.arc.name),
                    store=plugins.open_store(roots.arc_state),
                    unit=reader.arc.lot_unit or next(filter(None, map(surveyed.graph.unit, nodes)), None),
                )


def _declared_datasets(surveyed: Survey, plugins: Plugins) -> Iterator[KnownDataset]:
    for placed in surveyed.placed:
        placement, roots = _placement(placed)
        for writer in surveyed.graph.writers:
            if writer.part is placed.part and not writer.element.exclude:
                yield KnownDataset(
                    placement=placement,
                    project=writer.part.project,
                    dataset=writer.dataset,
                    store=plugins.open_store(roots.manifest),
                    unit=surveyed.graph.unit(writer.node),
                )


def _placement(placed: Placed) -> tuple[Placement, StoreRoots]:
    placement = placed.part.deployable.placement
    return placement, placed.roots[placement]


# ---- recorded --------------------------------------------------------------------------------------------------


def _recorded_projects(placement: Placement, roots: StoreRoots, plugins: Plugins) -> Iterator[KnownProject]:
    for project in recorded_projects(plugins.open_store(roots.metadata)):
        yield KnownProject(placement=placement, project=project)


def _recorded_arcs(placement: Placement, roots: StoreRoots, plugins: Plugins) -> Iterator[KnownArc]:
    store = plugins.open_store(roots.arc_state)
    for info in plugins.open_store(roots.metadata).list("arcs/"):
        names = layout.segments(info.key)
        try:
            project = Project(name=names.get("project", ""), version=names.get("version", ""))
        except InvalidValueError:
            continue  # not one of ours
        keys = layout.ArcKeys(project, names.get("arc", ""))
        if info.key == layout.arc_meta(keys):
            yield KnownArc(placement=placement, keys=keys, store=store)


def _recorded_datasets(placement: Placement, roots: StoreRoots, plugins: Plugins) -> Iterator[KnownDataset]:
    metadata, store = plugins.open_store(roots.metadata), plugins.open_store(roots.manifest)
    for info in metadata.list("datasets/"):
        if info.key.endswith("/dataset.json"):
            owned = codec.read_record(metadata.get(info.key), OwnedDataset, source=layout.uri(metadata.root, info.key))
            project = Project(name=owned.owner.name, version=owned.owner.version)
            yield KnownDataset(placement=placement, project=project, dataset=owned.dataset, store=store)
