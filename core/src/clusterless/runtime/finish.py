"""Finishing a committed entry: what others see is written from the entry alone, so that anyone can do it."""

from __future__ import annotations

from typing import IO

from clusterless.model.dataset import SinkDataset
from clusterless.model.event import Event
from clusterless.model.ledger import Complete, Failed, SinkRecord
from clusterless.runtime.arc import RunningArc
from clusterless.store.ledger import LotLedger
from clusterless.store.manifests import encode


def finish(arc: RunningArc, ledger: LotLedger, number: int, entry: Complete | Failed) -> None:
    """Write the manifests, announce each sink, and then the marker that names entry *number*.

    Raises:
        ObjectConflictError: a manifest holds other bytes; nothing more is announced.
    """
    if isinstance(entry, Complete):
        uris = {role: _publish(arc, ledger, role, entry) for role in entry.sinks}
        for role, uri in uris.items():
            _announce(arc, arc.arc.sinks[role], ledger, entry, uri)
    ledger.mark(number, entry.state)


def _publish(arc: RunningArc, ledger: LotLedger, role: str, entry: Complete) -> str:
    record, sink = entry.sinks[role], arc.arc.sinks[role]
    with _body(arc, record) as body:
        return arc.manifests.publish(sink, ledger.lot, record.state, entry.revision, body)


def _body(arc: RunningArc, record: SinkRecord) -> IO[bytes]:
    """The manifest's bytes, the same for whoever finishes."""
    if record.staged is not None:
        return arc.manifests.store.open(record.staged)
    assert record.manifest is not None
    return encode(record.manifest).open()


def _announce(arc: RunningArc, sink: SinkDataset, ledger: LotLedger, entry: Complete, uri: str) -> None:
    if sink.publish:
        arc.publish(Event(dataset=sink.located, lot=ledger.lot, manifest=uri, revision=entry.revision))
