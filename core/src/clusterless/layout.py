"""Object keys and URIs: built and parsed here only (FORMATS 4.2 and 4.3).

Keys are relative to the placement's store they belong to: metadata, arc state or manifest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit

from attrs import frozen

from clusterless.errors import InvalidValueError, cut
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project

# ---- a placement's stores (FORMATS 4.1) ------------------------------------------------------------------------

_STORES = ("metadata", "arc-state", "manifest")
_STORE = re.compile(
    r"(?:(?P<stage>.+)-)?clusterless-(?P<kind>metadata|arc-state|manifest)-(?P<account>[^-]+)-(?P<region>.+)"
)


@frozen(kw_only=True)
class StoreName:
    """What a store's name tells; *kind* is ``metadata``, ``arc-state`` or ``manifest``."""

    kind: str
    stage: str | None
    account: str
    region: str


def store_names(placement: Placement) -> tuple[str, str, str]:
    """The names of a placement's metadata, arc-state and manifest stores (buckets, containers, folders)."""
    stage = placement.stage.lower() if placement.stage else None
    where = (placement.account, placement.region)
    metadata, arc_state, manifests = (
        "-".join(part for part in (stage, "clusterless", kind, *where) if part) for kind in _STORES
    )
    return metadata, arc_state, manifests


def parse_store_name(name: str) -> StoreName | None:
    """What *name* tells if it is the name of a store, else None; an account is taken to have no hyphens."""
    match = _STORE.fullmatch(name)
    return StoreName(**match.groupdict()) if match else None


def placements_named(provider: str, names: Iterable[str]) -> dict[str, Placement]:
    """The placements of *provider* whose metadata stores are among *names*, by those, which come sorted.

    A name tells neither capitals nor where an account with hyphens ends.
    """
    told = {name: parse_store_name(name) for name in sorted(names)}
    return {
        name: Placement(provider=provider, stage=each.stage, account=each.account, region=each.region)
        for name, each in told.items()
        if each and each.kind == "metadata"
    }


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
    """What *uri* begins with, before its colon.

    Raises:
        InvalidValueError: it is none.
    """
    try:
        return urlsplit(uri).scheme
    except ValueError as error:
        msg = f"{cut(uri, 100)!r} is no URI: {error}"
        raise InvalidValueError(msg) from None


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

    def unreadable(self, batch: str) -> str:
        """Where the *batch* of that key is kept once it turned out to be none."""
        return f"{self.path}unreadable/{batch.removeprefix(self.intake)}"

    def staged(self, put_id: str, lot: Lot) -> str:
        """Where a seal keeps arrivals that are too many to be inline."""
        return f"{self.all_staged}{put_id}/{lot}.jsonl"

    @property
    def all_staged(self) -> str:
        """The path below which all seals keep such arrivals."""
        return f"{self.path}staged/"


@frozen
class NotifierKeys:
    """The letters of a notifier: events that it could not announce (yet)."""

    project: Project
    notifier: str

    @staticmethod
    def of_project(project: Project) -> str:
        """The path below which the letters of all the project's notifiers are."""
        return f"notifiers/project={project.name}/version={project.version}/"

    @property
    def path(self) -> str:
        return f"{self.of_project(self.project)}notifier={self.notifier}/"

    @property
    def pending(self) -> str:
        return f"{self.path}pending/"

    @property
    def dead(self) -> str:
        return f"{self.path}dead/"

    @staticmethod
    def name(due: datetime, letter: str) -> str:
        """Names sort by when they are *due*, in milliseconds since 1970."""
        return f"{round(due.timestamp() * 1000):015}-{letter}.json"

    def unreadable(self, letter: str) -> str:
        """Where the *letter* of that key is kept once it turned out to be none."""
        return f"{self.path}unreadable/{letter.removeprefix(self.path)}"


_LETTER = re.compile(r"(?:.*/)?(?P<due>[0-9]{15})-(?P<letter>[^/.]+)\.json")


def parse_letter(key: str) -> tuple[datetime, str] | None:
    """When a letter is due, and its id; None where *key* is not that of a letter."""
    match = _LETTER.fullmatch(key)
    if not match:
        return None
    try:
        return datetime.fromtimestamp(int(match["due"]) / 1000, UTC), match["letter"]
    except (ValueError, OverflowError, OSError):
        return None


@frozen
class ActivityKeys:
    project: Project
    activity: str

    @property
    def path(self) -> str:
        """The activity's ledger."""
        return f"activities/project={self.project.name}/version={self.project.version}/activity={self.activity}/"

    @property
    def hint(self) -> str:
        """Names a recent entry."""
        return f"{self.path}recent.json"


@frozen
class PlanKeys:
    """A plan of work on lots, kept with the state of the first arc's *project*, and how far it is."""

    project: Project
    plan: str

    @property
    def key(self) -> str:
        return f"{PLANS}project={self.project.name}/version={self.project.version}/{self.plan}.json"

    @property
    def path(self) -> str:
        """Below which all is that is known of its progress."""
        return f"progress/project={self.project.name}/version={self.project.version}/plan={self.plan}/"

    @property
    def done(self) -> str:
        """Below which it is written what is done, in objects that are never rewritten."""
        return f"{self.path}done/"

    @property
    def hint(self) -> str:
        """How far it is, as whoever works it last said."""
        return f"{self.path}now.json"

    def before(self, stage: int, lot: Lot) -> str:
        """What a lot's results were before it was worked again."""
        return f"{self.path}before/stage={stage}/lot={lot}.json"


PLANS = "plans/"
_PLAN = re.compile(r"plans/project=(?P<name>[^/]+)/version=(?P<version>[^/]+)/(?P<plan>[^/]+)\.json")


def parse_plan(key: str) -> PlanKeys | None:
    """What the *key* of a plan tells; None where it is none."""
    match = _PLAN.fullmatch(key)
    try:
        return PlanKeys(Project(name=match["name"], version=match["version"]), match["plan"]) if match else None
    except InvalidValueError:
        return None


@frozen
class SwitchKeys:
    """What a project's elements were turned off and on by."""

    project: Project

    @property
    def path(self) -> str:
        """The ledger of all switches of the project."""
        return f"switches/project={self.project.name}/version={self.project.version}/"

    @property
    def hint(self) -> str:
        """Names a recent entry."""
        return f"{self.path}recent.json"


# ---- manifests, in the manifest store --------------------------------------------------------------------------


def dataset_path(dataset: Dataset) -> str:
    return f"datasets/name={dataset.name}/version={dataset.version}/"


def lot_path(dataset: Dataset, lot: Lot | str) -> str:
    return f"{dataset_path(dataset)}lot={lot}/"


def manifest(dataset: Dataset, lot: Lot, state: ManifestState, revision: int = 0) -> str:
    """Where the committed manifest of a lot's revision is."""
    return lot_path(dataset, lot) + _below_lot(state, revision)


def _below_lot(state: ManifestState, revision: int) -> str:
    attempt = f"attempt={revision}/" if revision or state is ManifestState.REMOVED else ""
    return f"state={state.value}/{attempt}manifest.json"


@lru_cache(maxsize=256)  # a listing repeats a few of them, a hundred thousand times
def manifest_below_lot(path: str) -> tuple[ManifestState, int] | None:
    """The state and revision of a manifest, or of a file of a manifest folder, by its *path* below its lot's.

    None: it is somebody else's object.
    """
    names = segments(path)
    try:
        state, revision = ManifestState(names.get("state")), int(names.get("attempt", 0))
    except ValueError:
        return None
    whole = _below_lot(state, revision)
    return (state, revision) if path.startswith(whole) and _CHILD.fullmatch(path, len(whole)) else None


_CHILD = re.compile(r"(?:/[^/]+\.json)?")


def horizon(dataset: Dataset, mark: str = "") -> str:
    """Where retention keeps a *mark* of how far it is, or the path below which it keeps them all."""
    return f"{dataset_path(dataset)}horizon/{mark}"


def staging_path(arc: ArcKeys, role: str) -> str:
    """The path below which all attempts of an arc write their own manifests of one sink."""
    return f"staging/project={arc.project.name}/version={arc.project.version}/arc={arc.arc}/sink={role}/"


def staging(arc: ArcKeys, role: str, lot: Lot | str, attempt: str) -> str:
    """The path below which one attempt writes its own manifest of one sink."""
    return f"{staging_path(arc, role)}lot={lot}/attempt={attempt}/"


# ---- metadata --------------------------------------------------------------------------------------------------


PLACEMENT_META = "metadata.json"
"""Says that the placement is bootstrapped."""


def project_meta(project: Project) -> str:
    return f"projects/name={project.name}/version={project.version}/project.json"


def materials(project: Project) -> str:
    return f"materials/name={project.name}/version={project.version}/materials.json"


def arc_meta(arc: ArcKeys) -> str:
    return f"{arc.path}arc.json"


def ownership(dataset: Dataset) -> str:
    return f"{dataset_path(dataset)}dataset.json"


# ---- templates, for workloads that write their own manifests (FORMATS 4.3) --------------------------------------

_ATTEMPT = "{/attempt*}"
_ENCODED = re.compile(r"%7[BD]", re.IGNORECASE)


def template(root: str, key: str) -> str:
    """The URI template of *key*, whose braces are left as they are."""
    return root + quote(key, safe=_UNQUOTED + "{}")


def source_template(root: str, dataset: Dataset) -> str:
    """Where the complete manifests of any lot of a source are."""
    return template(root, f"{lot_path(dataset, '{lot}')}state={ManifestState.COMPLETE.value}/manifest.json")


def sink_template(root: str, dataset: Dataset) -> str:
    """Where the manifests of any lot, state and attempt of a sink are."""
    return template(root, f"{lot_path(dataset, '{lot}')}state={{state}}{_ATTEMPT}/manifest.json")


def arc_state_template(root: str, arc: ArcKeys) -> str:
    return template(root, f"{arc.path}lot={{lot}}/{{state}}.arc")


def expanded(template: str, lot: Lot, state: ManifestState, attempt: str | None = None) -> str:
    """The URI that *template* (its braces plain or percent-encoded) gives; only partial and removed have attempts.

    Raises:
        InvalidValueError: *attempt* is missing where the template wants one, or given where it goes nowhere.
    """
    plain = _ENCODED.sub(lambda brace: unquote(brace[0]), template)
    keeps_attempts = not state.is_readable and _ATTEMPT in plain
    if keeps_attempts != bool(attempt):
        msg = f"a {state.value} manifest in {template} {'needs an' if keeps_attempts else 'has no'} attempt"
        raise InvalidValueError(msg)
    part = f"/attempt={attempt}" if attempt else ""
    return plain.replace("{lot}", str(lot)).replace("{state}", state.value).replace(_ATTEMPT, part)


# ---- reading keys back -----------------------------------------------------------------------------------------

_SEGMENT = re.compile(r"(?:^|/)([a-z]+)=([^/]*)")


def segments(key: str) -> dict[str, str]:
    """The ``name=value`` segments of a key or URI; a ``{…}`` segment counts as absent, a later one wins."""
    return {name: value for name, value in _SEGMENT.findall(key) if "{" not in value}


@frozen(kw_only=True)
class ManifestKey:
    """What a manifest's key tells; None for what a template leaves open. *child* is a file of a manifest folder."""

    dataset: Dataset
    lot: Lot | None
    state: ManifestState | None
    attempt: str | None
    child: str | None = None


@frozen(kw_only=True)
class ArcStateKey:
    """What the key of an arc's state marker tells; None for what a template leaves open."""

    project: Project
    arc: str
    lot: Lot | None
    state: ArcState | None


_MANIFEST = re.compile(
    r"(?:.*/)?datasets/name=(?P<name>[^/]+)/version=(?P<version>[^/]+)/lot=(?P<lot>[^/]+)"
    r"/state=(?P<state>[^/{]+|\{state\})(?:\{/attempt\*\}|/attempt=(?P<attempt>[^/]+))?"
    r"/manifest\.json(?:/(?P<child>[^/]+\.json))?"
)
_ARC_STATE = re.compile(
    r"(?:.*/)?arcs/project=(?P<project>[^/]+)/version=(?P<version>[^/]+)/arc=(?P<arc>[^/]+)"
    r"/lot=(?P<lot>[^/]+)/(?P<state>[^/]+)\.arc"
)


def parse_manifest(text: str) -> ManifestKey:
    """Read a manifest's URI, absolute path, key or template; ``manifest.json/<child>.json`` too.

    Raises:
        InvalidValueError: it is none.
    """
    parts = _parts(_MANIFEST, text, "a manifest")
    return ManifestKey(
        dataset=Dataset(name=parts["name"], version=parts["version"]),
        lot=_given(parts["lot"], Lot.parse),
        state=_given(parts["state"], ManifestState),
        attempt=parts["attempt"],
        child=parts["child"],
    )


def parse_arc_state(text: str) -> ArcStateKey:
    """Read the URI, absolute path, key or template of an arc's state marker.

    Raises:
        InvalidValueError: it is none.
    """
    parts = _parts(_ARC_STATE, text, "an arc's state")
    return ArcStateKey(
        project=Project(name=parts["project"], version=parts["version"]),
        arc=parts["arc"],
        lot=_given(parts["lot"], Lot.parse),
        state=_given(parts["state"], ArcState),
    )


S = TypeVar("S", ArcState, ManifestState)
V = TypeVar("V")


def state_in(text: str, states: type[S]) -> S | None:
    """The state that *text* spells, in any case: ``partial``, ``state=partial`` or ``partial.arc``; else None."""
    word = text.lower().removeprefix("state=").removesuffix(".arc")
    return next((state for state in states if state.value == word), None)


def _parts(form: re.Pattern[str], text: str, what: str) -> dict[str, str]:
    match = form.fullmatch(unquote(text))
    if not match:
        msg = f"{text} is not the place of {what}"
        raise InvalidValueError(msg)
    return match.groupdict()


def _given(text: str, read: Callable[[str], V]) -> V | None:
    try:
        return None if "{" in text else read(text)
    except InvalidValueError:
        raise
    except ValueError as exc:
        raise InvalidValueError(str(exc)) from None
