"""How lots stand: one state a lot, from listings, and from ledgers where a listing leaves it open."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby

from clusterless import layout
from clusterless.engine.ranges import LotRange
from clusterless.errors import InvalidValueError, MalformedError
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import ArcState, Claim, Complete, Failed
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger, picture

_log = logging.getLogger(__name__)


def unit_of(store: ObjectStore, path: str) -> LotUnit | None:
    """The unit of the first lot below *path*; None where there is none."""
    return next((lot.unit for lot, _ in _lots(store, path, "")), None)


def dataset_lots(store: ObjectStore, dataset: Dataset, wanted: LotRange) -> Iterator[tuple[Lot, ManifestState]]:
    """Each of the *wanted* lots that has a manifest, and the state that a reader would find it in."""
    for lot, names in _within(store, layout.dataset_path(dataset), wanted):
        if state := _manifest_state(names):
            yield lot, state


def arc_lots(store: ObjectStore, keys: layout.ArcKeys, wanted: LotRange) -> Iterator[tuple[Lot, ArcState]]:
    """Each of the *wanted* lots that was ever claimed, and its state."""
    for lot, names in _within(store, keys.path, wanted):
        if state := _arc_state(LotLedger(store, keys, lot), names):
            yield lot, state


# ---- listing ---------------------------------------------------------------------------------------------------


def _within(store: ObjectStore, path: str, wanted: LotRange) -> Iterator[tuple[Lot, list[str]]]:
    for lot, names in _lots(store, path, f"{path}lot={wanted.first}"):
        # Lots of another unit may lie between: their text sorts by day first.
        if lot.day > wanted.last.day or (lot.unit is wanted.last.unit and lot > wanted.last):
            return
        if lot in wanted:
            yield lot, names


def _lots(store: ObjectStore, path: str, after: str) -> Iterator[tuple[Lot, list[str]]]:
    """Each lot that something is listed of, and the names below it."""
    prefix = f"{path}lot="
    keys = (info.key.removeprefix(prefix).partition("/") for info in store.list(prefix, after))
    for text, parts in groupby(keys, lambda key: key[0]):
        try:
            lot = Lot.parse(text)
        except InvalidValueError:
            continue
        yield lot, [name for _, _, name in parts]


# ---- states ----------------------------------------------------------------------------------------------------

_PRECEDENCE = (ManifestState.REMOVED, ManifestState.PARTIAL)


def _manifest_state(names: Sequence[str]) -> ManifestState | None:
    """The newest revision that can be read counts; where there is none, that all was removed, or fell short."""
    found = [each for each in map(_revision, names) if each]
    readable = [(revision, state is ManifestState.COMPLETE, state) for revision, state in found if state.is_readable]
    if readable:
        return max(readable, key=lambda each: each[:2])[2]
    states = {state for _, state in found}
    return next((state for state in _PRECEDENCE if state in states), None)


def _revision(name: str) -> tuple[int, ManifestState] | None:
    if "manifest.json" not in name.split("/"):
        return None
    segments = layout.segments(name)
    attempt = segments.get("attempt", "0")
    try:
        # Others name attempts by whatever identifies them.
        return int(attempt) if attempt.isdecimal() else 0, ManifestState(segments.get("state"))
    except ValueError:
        return None


def _arc_state(ledger: LotLedger, names: Sequence[str]) -> ArcState | None:
    seen = picture(names)
    if seen.final:
        return seen.final
    if not seen.numbers:
        return _foreign(names)
    if seen.numbers == (1,) and not seen.markers:
        return ArcState.RUNNING
    return _read(ledger, seen.last)


def _foreign(names: Sequence[str]) -> ArcState | None:
    """The reference system keeps a state object alone."""
    return next((state for state in ArcState if f"{state.value}.arc" in names), None)


def _read(ledger: LotLedger, last: int) -> ArcState:
    try:
        entry = ledger.read(last)
    except MalformedError as error:
        _log.warning("counted as running: %s", error.problem)
        return ArcState.RUNNING
    if isinstance(entry, Complete | Failed):
        # Committed, but not yet announced: someone will finish it.
        return entry.state if ledger.is_marked(last, entry.state) else ArcState.RUNNING
    return ArcState.RUNNING if isinstance(entry, Claim) else ArcState.MISSING
