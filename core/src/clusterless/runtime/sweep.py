"""Sweeping: what a lot's ledger disowns is removed, once the lot is committed and announced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import takewhile
from typing import TypeVar
from urllib.parse import unquote

from attrs import frozen

from clusterless import layout
from clusterless.engine.strays import ATTEMPT
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import JoinedDataset, SinkDataset
from clusterless.model.ledger import ArcState, Claim, Complete, Entry
from clusterless.model.lot import Lot
from clusterless.model.manifest import UriType
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.attempt import read_record
from clusterless.runtime.reconcile import pictures
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger

T = TypeVar("T")


@frozen
class Swept:
    """How many staged objects, and how many data objects, were removed."""

    staged: int = 0
    data: int = 0


@frozen(kw_only=True)
class _Lot:
    """A committed and announced lot: its *attempts*, and what its complete entries name.

    *named* are the ends of URIs, from an attempt on; *is_listed*: the manifests name each object, not folders.
    """

    attempts: frozenset[str]
    named: frozenset[str]
    is_listed: bool
    staged: frozenset[str]


@frozen
class Part:
    """What of an arc is swept: what its attempts at these *lots* wrote for the sinks of these *roles*."""

    roles: frozenset[str]
    lots: frozenset[Lot]


def sweep(
    arc: RunningArc,
    open_store: Callable[[str], ObjectStore],
    *,
    thorough: bool = False,
    only: Part | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Swept:
    """Remove what attempts left that no complete entry names; what is not surely disowned stays.

    Only lots with something staged, or with several claims, are looked at; a lot is looked at once after each
    of its commits. A *thorough* sweep looks at all of them: a stale worker may have written since. Whatever
    is swept *only* is looked at, and counts as swept no more than before. Once *stopping* is true nothing more is
    removed, and no lot counts as swept.
    """
    if only:
        sinks = {role: sink for role, sink in arc.arc.sinks.items() if role in only.roles}
        staged = _sweep_staging(arc, sinks, stopping, only.lots)
        return Swept(staged, _sweep_data(sinks.values(), _settled(arc, only.lots, stopping), open_store, stopping))
    seen = pictures(arc.state, arc.keys, None)
    lots = {each.lot: each.picture for each in seen if thorough or each.picture.last > each.picture.swept + 2}
    staged = _sweep_staging(arc, arc.arc.sinks, stopping)
    settled = _settled(arc, lots, stopping)
    data = _sweep_data(arc.arc.sinks.values(), settled, open_store, stopping)
    for lot in () if stopping() else settled:
        arc.ledger(lot).mark_swept(lots[lot].last)
    return Swept(staged, data)


def _sweep_staging(
    arc: RunningArc, roles: Iterable[str], stopping: Callable[[], bool], lots: Collection[Lot] | None = None
) -> int:
    removed = 0
    texts = None if lots is None else {str(lot) for lot in lots}
    known: dict[str, _Lot | None] = {}
    store = arc.manifests.store
    for role in roles:
        for info in _until(stopping, store.list(layout.staging_path(arc.keys, role))):
            names = layout.segments(info.key)
            lot = names.get("lot", "")
            if texts is not None and lot not in texts:
                continue
            if lot not in known:
                known[lot] = _of(arc, lot)
            settled = known[lot]
            if settled and info.key not in settled.staged and names.get("attempt") in settled.attempts:
                store.delete(info.key)
                removed += 1
    return removed


def _settled(arc: RunningArc, lots: Iterable[Lot], stopping: Callable[[], bool]) -> dict[Lot, _Lot]:
    return {lot: read for lot in _until(stopping, lots) if (read := _read(arc.ledger(lot), arc))}


def _sweep_data(
    sinks: Iterable[SinkDataset],
    settled: Mapping[Lot, _Lot],
    open_store: Callable[[str], ObjectStore],
    stopping: Callable[[], bool],
) -> int:
    if not settled:
        return 0
    owners = {attempt: each for each in settled.values() if each.is_listed for attempt in each.attempts}
    written = [sink for sink in sinks if not isinstance(sink, JoinedDataset)]  # others' objects
    return sum(_sweep_sink(open_store(sink.path_uri), owners, stopping) for sink in written)


def _sweep_sink(store: ObjectStore, owners: dict[str, _Lot], stopping: Callable[[], bool]) -> int:
    removed = 0
    for info in _until(stopping, store.list()):
        lots = [owners[attempt] for attempt in ATTEMPT.findall(info.key) if attempt in owners]
        if lots and all(lot.named.isdisjoint(_ends(info.key)) for lot in lots):
            store.delete(info.key)
            removed += 1
    return removed


def _until(stopping: Callable[[], bool], each: Iterable[T]) -> Iterator[T]:
    return takewhile(lambda _: not stopping(), each)


def _ends(text: str) -> Iterator[str]:
    return (text[match.start() :] for match in ATTEMPT.finditer(text))


def _named(uris: Iterable[str]) -> Iterator[str]:
    """Compared are the ends of names: others write the same scheme, root and escapes in their own ways."""
    for uri in uris:
        yield from _ends(uri)
        yield from _ends(unquote(uri))


def _of(arc: RunningArc, lot: str) -> _Lot | None:
    try:
        return _read(arc.ledger(Lot.parse(lot)), arc)
    except InvalidValueError:
        return None  # somebody else's object


def _read(ledger: LotLedger, arc: RunningArc) -> _Lot | None:
    """What the ledger owns, or None unless its last entry is a complete that a marker names."""
    picture = ledger.look()
    if ArcState.COMPLETE.value not in picture.markers:
        return None
    entries = [ledger.read(number) for number in picture.numbers]
    if not isinstance(entries[-1], Complete) or not ledger.is_marked(picture.last, ArcState.COMPLETE):
        return None
    records = [record for entry in entries if isinstance(entry, Complete) for record in entry.sinks.values()]
    manifests = [read_record(arc, record) for record in records]
    return _Lot(
        attempts=frozenset(_attempts(entries)),
        named=frozenset(end for manifest in manifests for end in _named(manifest.uris)),
        is_listed=all(manifest.uri_type is UriType.IDENTIFIER for manifest in manifests),
        staged=frozenset(record.staged for record in records if record.staged),
    )


def _attempts(entries: Iterable[Entry]) -> Iterator[str]:
    return (entry.attempt for entry in entries if isinstance(entry, Claim))
