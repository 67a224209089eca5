"""The table of docs/layout.md: every kind of object that is written, by the functions that make its key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from clusterless import layout
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project

PROJECT, DATASET, LOT = (
    Project(name="PROJECT", version="1"),
    Dataset(name="DATASET", version="1"),
    Lot.parse("20240131PT5M287"),
)
ARC, BOUNDARY = layout.ArcKeys(PROJECT, "ARC"), layout.BoundaryKeys(PROJECT, "BOUNDARY")
ACTIVITY, NOTIFIER = layout.ActivityKeys(PROJECT, "ACTIVITY"), layout.NotifierKeys(PROJECT, "NOTIFIER")
PLAN = layout.PlanKeys(PROJECT, "PLAN")
ATTEMPT = "0-1-8c1f0a5b2e7d4936"
DUE = datetime(2024, 1, 31, tzinfo=UTC)


def object_layout() -> str:
    """A table a store of the placement."""
    names = layout.store_names(Placement(provider="local", stage="STAGE", account="ACCOUNT", region="REGION"))
    kinds = (_metadata(), _arc_state(), _manifests())
    return "\n\n".join(f"### {name}\n\n{_table(rows)}" for name, rows in zip(names, kinds, strict=True))


def _table(rows: Iterator[tuple[str, str]]) -> str:
    return "\n".join(["| key | what it is |", "|---|---|", *(f"| `{key}` | {meaning} |" for key, meaning in rows)])


def _metadata() -> Iterator[tuple[str, str]]:
    yield layout.project_meta(PROJECT), "the project as it was last run or deployed"
    yield layout.materials(PROJECT), "the URIs of what the project has here"
    yield layout.arc_meta(ARC), "whatever works lots, as an arc: also a barrier, and a boundary on the way out"
    yield layout.ownership(DATASET), "who owns the dataset, and where its objects lie"


def _arc_state() -> Iterator[tuple[str, str]]:
    yield f"{ARC.lot(LOT)}000001.json", "an entry of the lot's ledger: claim, complete, partial, missing or rollback"
    yield (
        ARC.marker(LOT, "complete"),
        "names the entry that is committed and announced; also `partial`, `missing`",
    )
    yield ARC.alive(LOT), "a claim's renewal, while its work goes on"
    yield ARC.start, "from which lots on the arc works, decided once"
    yield BOUNDARY.batch(str(LOT), "NAME"), "arrivals, written down before their notices were acknowledged"
    yield (
        f"{BOUNDARY.seals}000000001.json",
        "a seal: which arrivals are in which lots; `.done` when all is announced",
    )
    yield BOUNDARY.hint, "the number of a recent seal"
    yield BOUNDARY.staged("PUT", LOT), "the arrivals of a lot that are too many to be in the seal"
    yield BOUNDARY.unreadable(BOUNDARY.batch(str(LOT), "NAME")), "a batch that could not be read, set aside"
    yield PLAN.key, "a plan of work on lots: which, why, in which order"
    yield f"{PLAN.done}NAME.json", "what became of some lots of a plan"
    yield PLAN.hint, "how far a plan is, as whoever is at it says"
    yield PLAN.before(0, LOT), "what tells apart the bytes of a lot before it is worked again"
    yield f"{layout.SwitchKeys(PROJECT).path}000000001.json", "what was turned off or on, by whom, and what is left out"
    yield f"{ACTIVITY.path}000000001.json", "an entry of the activity's ledger: a run began, or ended"
    yield (
        NOTIFIER.pending + NOTIFIER.name(DUE, "NAME"),
        "an event to announce again; given up below `dead/`",
    )


def _manifests() -> Iterator[tuple[str, str]]:
    yield (
        layout.manifest(DATASET, LOT, ManifestState.COMPLETE),
        "a committed manifest; `empty` without objects",
    )
    yield layout.manifest(DATASET, LOT, ManifestState.COMPLETE, 1), "its next revision"
    yield layout.manifest(DATASET, LOT, ManifestState.REMOVED, 0), "what retention removed"
    yield (
        f"{layout.staging(ARC, 'ROLE', LOT, ATTEMPT)}state=complete/manifest.json",
        "what an attempt left, to be committed or swept",
    )
