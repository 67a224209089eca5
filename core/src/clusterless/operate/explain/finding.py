"""Which lot an attempt was made at, and which lots list an object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from attrs import frozen

from clusterless import layout
from clusterless.engine.ranges import LotRange
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import Claim
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState
from clusterless.operate.explain.places import Place, arcs_of, datasets_of, unit_of
from clusterless.operate.listing import Listed, list_lots
from clusterless.runtime.ownership import recorded
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger, picture
from clusterless.store.manifests import decode


@frozen
class Listing:
    """Where an object is listed."""

    dataset: Dataset
    lot: Lot
    manifest: str


def find_attempt(
    places: Sequence[Place], attempt: str, window: Callable[[LotUnit], LotRange]
) -> tuple[layout.ArcKeys, Lot] | None:
    """The arc's lot that *attempt* was made at, the newest of those within *window* first."""
    for place in places:
        for keys in arcs_of(place):
            unit = unit_of(place.state, keys.path)
            lots = list(list_lots(place.state, keys.path, window(unit))) if unit else []
            for each in reversed(lots):
                if _has_attempt(LotLedger(place.state, keys, each.lot), picture(each.names).numbers, attempt):
                    return keys, each.lot
    return None


def _has_attempt(ledger: LotLedger, numbers: Iterable[int], attempt: str) -> bool:
    for number in numbers:
        with suppress(MalformedError, ObjectMissingError):
            entry = ledger.read(number)
            if isinstance(entry, Claim) and entry.attempt == attempt:
                return True
    return False


def candidates(places: Sequence[Place], uri: str) -> list[tuple[Place, Dataset]]:
    """The datasets that may list *uri*: those whose location holds it, or where none is known to, all."""
    known = [(place, dataset) for place in places for dataset in datasets_of(place)]
    fitting = [
        (place, dataset)
        for place, dataset in known
        if (owned := recorded(place.metadata, dataset)) and any(uri.startswith(root) for root in owned.all_roots)
    ]
    return fitting or known


def find_object(
    places: Sequence[Place], uri: str, window: Callable[[LotUnit], LotRange], step: Callable[[float], None]
) -> Iterator[Listing]:
    """The lots within *window* that list *uri*, or did before it was removed, the newest first of each dataset."""
    looked_in = candidates(places, uri)
    for number, (place, dataset) in enumerate(looked_in):
        unit = unit_of(place.manifests, layout.dataset_path(dataset))
        if unit is None:
            continue
        listed = list_lots(place.manifests, layout.dataset_path(dataset), window(unit))
        for each in reversed(list(listed)):
            keys = _manifests(dataset, each)
            if found := next((key for key in keys if _lists(place.manifests, key, uri)), None):
                yield Listing(dataset, each.lot, layout.uri(place.manifests.root, found))
        step((number + 1) / len(looked_in))


def _manifests(dataset: Dataset, listed: Listed) -> list[str]:
    """The keys of the lot's manifests that may list something, the newest first."""
    found = {named for name in listed.names if (named := layout.manifest_below_lot(name))}
    newest = sorted(found, key=lambda named: (named[1], named[0] is ManifestState.COMPLETE), reverse=True)
    return [
        layout.manifest(dataset, listed.lot, state, revision)
        for state, revision in newest
        if state is not ManifestState.EMPTY
    ]


def _lists(manifests: ObjectStore, key: str, uri: str) -> bool:
    try:
        uris = decode(manifests, key).uris
        return any(uri == each or (each.endswith("/") and uri.startswith(each)) for each in uris)
    except (MalformedError, ObjectMissingError):
        return False
