"""Sweeping: what a lot's ledger disowns is removed, once the lot is committed and announced."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

from attrs import frozen

from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import JoinedDataset
from clusterless.model.ledger import ArcState, Claim, Complete, Entry
from clusterless.model.lot import Lot
from clusterless.model.manifest import UriType
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.attempt import read_record
from clusterless.runtime.reconcile import pictures
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger, Picture

_ATTEMPT = re.compile(r"\d+-\d+-[0-9a-f]{16}")


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


def sweep(arc: RunningArc, open_store: Callable[[str], ObjectStore], *, thorough: bool = False) -> Swept:
    """Remove what attempts left that no complete entry names; what is not surely disowned stays.

    Only lots with something staged, or with several claims, are looked at; a lot is looked at once after each
    of its commits. A *thorough* sweep looks at all of them: a stale worker may have written since.
    """
    seen = pictures(arc.state, arc.keys, None)
    lots = {each.lot: each.picture for each in seen if thorough or each.picture.last > each.picture.swept + 2}
    staged = _sweep_staging(arc)
    data = _sweep_data(arc, lots, open_store)
    return Swept(staged, data)


def _sweep_staging(arc: RunningArc) -> int:
    removed = 0
    known: dict[str, _Lot | None] = {}
    store = arc.manifests.store
    for role in arc.arc.sinks:
        for info in store.list(layout.staging_path(arc.keys, role)):
            names = layout.segments(info.key)
            lot = names.get("lot", "")
            if lot not in known:
                known[lot] = _of(arc, lot)
            settled = known[lot]
            if settled and info.key not in settled.staged and names.get("attempt") in settled.attempts:
                store.delete(info.key)
                removed += 1
    return removed


def _sweep_data(arc: RunningArc, lots: dict[Lot, Picture], open_store: Callable[[str], ObjectStore]) -> int:
    settled = {lot: read for lot in lots if (read := _read(arc.ledger(lot), arc))}
    if not settled:
        return 0
    owners = {attempt: each for each in settled.values() if each.is_listed for attempt in each.attempts}
    written = [sink for sink in arc.arc.sinks.values() if not isinstance(sink, JoinedDataset)]  # others' objects
    removed = sum(_sweep_sink(open_store(sink.path_uri), owners) for sink in written)
    for lot in settled:
        arc.ledger(lot).mark_swept(lots[lot].last)
    return removed


def _sweep_sink(store: ObjectStore, owners: dict[str, _Lot]) -> int:
    removed = 0
    for info in store.list():
        lots = [owners[attempt] for attempt in _ATTEMPT.findall(info.key) if attempt in owners]
        if lots and all(lot.named.isdisjoint(_ends(info.key)) for lot in lots):
            store.delete(info.key)
            removed += 1
    return removed


def _ends(text: str) -> Iterator[str]:
    return (text[match.start() :] for match in _ATTEMPT.finditer(text))


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
