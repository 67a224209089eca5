"""A project as it is run: declared, placed, its sources found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import Factory, frozen

from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable
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
