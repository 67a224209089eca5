"""Object keys and URIs: built and parsed here only (FORMATS 4.2 and 4.3).

Keys are relative to the placement's store they belong to: metadata, arc state or manifest.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from attrs import frozen

from clusterless.errors import InvalidValueError
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.model.project import Project

# ---- URIs ------------------------------------------------------------------------------------------------------

_UNQUOTED = "/=+:@!$&'()*,;~"  # legal in a URI's path, and common in keys


def uri(root: str, key: str) -> str:
    """The URI of the object *key* in the store rooted at *root*."""
    return root + quote(key, safe=_UNQUOTED)


def key(root: str, uri: str) -> str:
    """The key of the object *uri* in the store rooted at *root*.

    Raises:
        InvalidValueError: *uri* does not lie below *root*.
    """
    if not uri.startswith(root) or uri == root:
        msg = f"{uri} is not below {root}"
        raise InvalidValueError(msg)
    return unquote(uri[len(root) :])


def scheme(uri: str) -> str:
    return urlsplit(uri).scheme


def split(uri: str) -> tuple[str, str]:
    """The location (with its trailing slash) and the key of the object *uri*."""
    location, _, name = uri.rpartition("/")
    return location + "/", unquote(name)


# ---- an arc's state, in the arc-state store --------------------------------------------------------------------


@frozen
class ArcKeys:
    project: Project
    arc: str

    @property
    def path(self) -> str:
        return f"arcs/project={self.project.name}/version={self.project.version}/arc={self.arc}/"

    @property
    def start(self) -> str:
        """Where the arc's `start` is kept once resolved."""
        return f"{self.path}start.json"

    def lot(self, lot: Lot) -> str:
        """The lot's ledger, markers and claim renewals."""
        return f"{self.path}lot={lot}/"

    def marker(self, lot: Lot, state: str) -> str:
        return f"{self.lot(lot)}{state}.arc"

    def alive(self, lot: Lot) -> str:
        return f"{self.lot(lot)}alive.json"


@frozen
class BoundaryKeys:
    project: Project
    boundary: str

    @property
    def path(self) -> str:
        return f"boundaries/project={self.project.name}/version={self.project.version}/boundary={self.boundary}/"

    @property
    def seals(self) -> str:
        return f"{self.path}seals/"

    @property
    def hint(self) -> str:
        """Names a recent seal."""
        return f"{self.path}recent.json"

    @property
    def intake(self) -> str:
        return f"{self.path}intake/"

    def batch(self, lot: str, name: str) -> str:
        return f"{self.intake}{lot}/{name}.json"

    def staged(self, put_id: str, lot: Lot) -> str:
        """Where a seal keeps arrivals that are too many to be inline."""
        return f"{self.path}staged/{put_id}/{lot}.jsonl"


# ---- manifests, in the manifest store --------------------------------------------------------------------------


def dataset_path(dataset: Dataset) -> str:
    return f"datasets/name={dataset.name}/version={dataset.version}/"


def lot_path(dataset: Dataset, lot: Lot | str) -> str:
    return f"{dataset_path(dataset)}lot={lot}/"


def manifest(dataset: Dataset, lot: Lot, state: ManifestState, revision: int = 0) -> str:
    """Where the committed manifest of a lot's revision is."""
    attempt = f"attempt={revision}/" if revision else ""
    return f"{lot_path(dataset, lot)}state={state.value}/{attempt}manifest.json"


def staging_path(arc: ArcKeys, role: str) -> str:
    """The path below which all attempts of an arc write their own manifests of one sink."""
    return f"staging/project={arc.project.name}/version={arc.project.version}/arc={arc.arc}/sink={role}/"


def staging(arc: ArcKeys, role: str, lot: Lot | str, attempt: str) -> str:
    """The path below which one attempt writes its own manifest of one sink."""
    return f"{staging_path(arc, role)}lot={lot}/attempt={attempt}/"


# ---- metadata --------------------------------------------------------------------------------------------------


def project_meta(project: Project) -> str:
    return f"projects/name={project.name}/version={project.version}/project.json"


def materials(project: Project) -> str:
    return f"materials/name={project.name}/version={project.version}/materials.json"


def arc_meta(arc: ArcKeys) -> str:
    return f"{arc.path}arc.json"


def ownership(dataset: Dataset) -> str:
    return f"{dataset_path(dataset)}dataset.json"


# ---- reading keys back -----------------------------------------------------------------------------------------

_SEGMENT = re.compile(r"(?:^|/)([a-z]+)=([^/]*)")


def segments(key: str) -> dict[str, str]:
    """The ``name=value`` segments of a key or URI; a ``{…}`` segment counts as absent, a later one wins."""
    return {name: value for name, value in _SEGMENT.findall(key) if "{" not in value}
