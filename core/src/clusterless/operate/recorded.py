"""What is recorded of lots: from listings, and from ledgers where a listing leaves it open."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from attrs import frozen

from clusterless import layout
from clusterless.engine.lot_states import Ledger
from clusterless.engine.ranges import LotRange
from clusterless.errors import MalformedError
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import ArcState, Claim, Complete, Failed
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.operate.listing import list_lots
from clusterless.runtime.clock import is_gone
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger, Picture, picture

_log = logging.getLogger(__name__)


def dataset_lots(store: ObjectStore, dataset: Dataset, wanted: LotRange) -> Iterator[tuple[Lot, ManifestState]]:
    """Each of the *wanted* lots that has a manifest, and the state that a reader would find it in."""
    for listed in list_lots(store, layout.dataset_path(dataset), wanted):
        if shown := shown_of(listed.names):
            yield listed.lot, shown.state


def arc_lots(store: ObjectStore, keys: layout.ArcKeys, wanted: LotRange) -> Iterator[tuple[Lot, ArcState]]:
    """Each of the *wanted* lots that was ever claimed, and its state."""
    for listed in list_lots(store, keys.path, wanted):
        if state := _arc_state(LotLedger(store, keys, listed.lot), listed.names):
            yield listed.lot, state


# ---- manifests -------------------------------------------------------------------------------------------------

_PRECEDENCE = (ManifestState.REMOVED, ManifestState.PARTIAL)


@frozen
class Shown:
    """The *state* that a reader finds a lot in, and at which *revision*."""

    state: ManifestState
    revision: int = 0


@lru_cache(maxsize=256)  # most lots look alike
def shown_of(names: tuple[str, ...]) -> Shown | None:
    """The newest revision that can be read counts; where there is none, that all was removed, or fell short."""
    found = [each for each in map(_revision, names) if each]
    readable = [(revision, state is ManifestState.COMPLETE, state) for revision, state in found if state.is_readable]
    if readable:
        revision, _, state = max(readable, key=lambda each: each[:2])
        return Shown(state, revision)
    states = {state for _, state in found}
    return next((Shown(state) for state in _PRECEDENCE if state in states), None)


def readable_of(names: tuple[str, ...] | None) -> Shown | None:
    """As `shown_of`, where what is shown is there to be read; None too where nothing is listed."""
    shown = shown_of(names) if names else None
    return shown if shown and shown.state.is_readable else None


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


# ---- ledgers ---------------------------------------------------------------------------------------------------


@frozen
class Glimpse:
    """A lot's ledger as a listing shows it, and the *final* state that it tells alone, if it does."""

    picture: Picture = Picture()
    final: ArcState | None = None


@lru_cache(maxsize=256)
def glimpse_of(names: tuple[str, ...]) -> Glimpse:
    seen = picture(names)
    return Glimpse(seen, seen.final if seen.numbers else _foreign(names))


def _foreign(names: Sequence[str]) -> ArcState | None:
    """The reference system keeps a state object alone."""
    return next((state for state in ArcState if f"{state.value}.arc" in names), None)


def read_ledger(ledger: LotLedger, seen: Picture) -> Ledger:
    """The last entry, and what else is asked of it.

    Raises:
        MalformedError: it is no entry.
    """
    last = ledger.read(seen.last)
    if isinstance(last, Claim):
        return Ledger(last=last, expires=_expires(ledger, last))
    if isinstance(last, Complete | Failed):
        marked = last.state.value in seen.markers and ledger.is_marked(seen.last, last.state)
        return Ledger(last=last, marked=marked)
    return Ledger(last=last)


def _expires(ledger: LotLedger, claim: Claim) -> datetime | None:
    if is_gone(claim.by):
        return None
    renewed = ledger.renewed(claim.attempt)
    return max(claim.expires, renewed) if renewed else claim.expires


def _arc_state(ledger: LotLedger, names: tuple[str, ...]) -> ArcState | None:
    seen = glimpse_of(names)
    if seen.final or not seen.picture.numbers:
        return seen.final
    if seen.picture.numbers == (1,) and not seen.picture.markers:
        return ArcState.RUNNING
    return _read(ledger, seen.picture)


def _read(ledger: LotLedger, seen: Picture) -> ArcState:
    try:
        read = read_ledger(ledger, seen)
    except MalformedError as error:
        _log.warning("counted as running: %s", error.problem)
        return ArcState.RUNNING
    if isinstance(read.last, Complete | Failed):
        # Committed, but not yet announced: someone will finish it.
        return read.last.state if read.marked else ArcState.RUNNING
    return ArcState.RUNNING if isinstance(read.last, Claim) else ArcState.MISSING
