"""A project as it is run: declared, placed, its sources found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import Factory, frozen

from clusterless.model.arc import Arc
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.provider import StoreRoots


@frozen(kw_only=True)
class ResolvedSource:
    """A source dataset as its owner declares it; *unit* where it is known.

    Its objects lie below *roots*; *manifest_root* is the manifest store of the placement that it lives in.
    """

    dataset: LocatedDataset
    roots: tuple[str, ...]
    placement: Placement
    manifest_root: str
    unit: LotUnit | None = None


@frozen(kw_only=True)
class Site:
    """*deployable* has its placement completed; *base* is the folder of its *file*."""

    deployable: Deployable
    file: str
    base: Path
    roots: StoreRoots
    sources: Mapping[tuple[str, str], ResolvedSource] = Factory(dict)  # by arc and role


def subscriber(project: Project, arc: Arc) -> str:
    """What an arc's queue of events is asked for by."""
    return f"{project.name}-{project.version}-{arc.name}"


def labels(sites: Sequence[Site]) -> list[str]:
    """What people are told of each site by: its project's name, with version and stage where that is not enough."""
    spellings = [_spellings(site.deployable) for site in sites]
    used = Counter(word for each in spellings for word in set(each))
    return [next((word for word in each if used[word] == 1), each[-1]) for each in spellings]


def _spellings(deployable: Deployable) -> tuple[str, str, str, str]:
    project, placement = deployable.project, deployable.placement
    versioned = f"{project.name}:{project.version}"
    return project.name, versioned, f"{versioned}@{placement.stage or ''}".rstrip("@"), f"{versioned}@{placement.id}"
