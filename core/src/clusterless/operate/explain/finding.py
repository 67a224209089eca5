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
from clusterless.operate.listing import list_lots
from clusterless.runtime.ownership import recorded
from clusterless.store.ledger import LotLedger, picture
from clusterless.store.manifests import Manifests, decode


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
    """The lots within *window* whose newest manifest lists *uri*, the newest first of each dataset."""
    looked_in = candidates(places, uri)
    for number, (place, dataset) in enumerate(looked_in):
        unit = unit_of(place.manifests, layout.dataset_path(dataset))
        if unit is None:
            continue
        lots, manifests = window(unit), Manifests(place.manifests)
        listed = list_lots(place.manifests, layout.dataset_path(dataset), lots)
        for each in reversed([each.lot for each in listed]):
            found = manifests.newest(dataset, each)
            if found and found.state is ManifestState.COMPLETE and _lists(manifests, found.key, uri):
                yield Listing(dataset, each, found.uri)
        step((number + 1) / len(looked_in))


def _lists(manifests: Manifests, key: str, uri: str) -> bool:
    try:
        return any(
            uri == each or (each.endswith("/") and uri.startswith(each)) for each in decode(manifests.store, key).uris
        )
    except (MalformedError, ObjectMissingError):
        return False
