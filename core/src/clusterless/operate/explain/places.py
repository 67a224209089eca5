"""Who there is in a placement, by the keys of its objects: also those whose project is destroyed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from attrs import field, frozen

from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.store.api import ObjectStore


@frozen(kw_only=True)
class Place:
    """A placement's three stores."""

    placement: Placement
    metadata: ObjectStore = field(repr=False)
    state: ObjectStore = field(repr=False)
    manifests: ObjectStore = field(repr=False)


def datasets_of(place: Place) -> Iterator[Dataset]:
    """The datasets that have a manifest, by a request each."""
    for names in _folders(place.manifests, "datasets/", 2):
        with suppress(InvalidValueError):
            yield Dataset(name=names.get("name", ""), version=names.get("version", ""))


def arcs_of(place: Place) -> Iterator[layout.ArcKeys]:
    """What ever claimed a lot, by a request each."""
    for names in _folders(place.state, "arcs/", 3):
        with suppress(InvalidValueError):
            yield layout.ArcKeys(_project(names), names.get("arc", ""))


def boundaries_of(place: Place) -> Iterator[layout.BoundaryKeys]:
    for names in _folders(place.state, "boundaries/", 3):
        with suppress(InvalidValueError):
            yield layout.BoundaryKeys(_project(names), names.get("boundary", ""))


def _project(names: Mapping[str, str]) -> Project:
    return Project(name=names.get("project", ""), version=names.get("version", ""))


def _folders(store: ObjectStore, prefix: str, depth: int) -> Iterator[Mapping[str, str]]:
    """The folders *depth* below *prefix*, by what their names say; what is in them is passed over."""
    after = ""
    while info := next(store.list(prefix, after), None):
        path = "/".join(info.key.removeprefix(prefix).split("/")[:depth])
        yield layout.segments(path)
        after = f"{prefix}{path}0"  # "0" follows "/"


def unit_of(store: ObjectStore, path: str) -> LotUnit | None:
    """That of the first lot below *path*."""
    for info in store.list(f"{path}lot="):
        with suppress(InvalidValueError):
            return Lot.parse(layout.segments(info.key).get("lot", "")).unit
    return None
