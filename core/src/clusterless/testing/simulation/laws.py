"""What must hold after every write and announcement, and what must hold at rest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from attrs import define, field

from clusterless import codec, layout
from clusterless.model.arc import Arc
from clusterless.model.event import Event
from clusterless.model.ledger import Claim, Complete, Entry, Rollback
from clusterless.model.lot import Lot
from clusterless.model.seal import Seal
from clusterless.store.api import Body, ObjectStore
from clusterless.testing.faults import ObservedStore

T = TypeVar("T")


class BrokenLawError(AssertionError):
    """A law of the protocol does not hold."""


@define(eq=False)
class Laws:
    """Watches everything that is written and announced."""

    committed: dict[str, str] = field(factory=dict)  # manifest key → digest that an entry committed
    announced: dict[tuple[str, str, int], tuple[str, str]] = field(factory=dict)  # dataset, lot, revision → manifest
    sealed: dict[tuple[str, str, str], str] = field(factory=dict)  # dataset path, uri, etag → seal
    ledgers: dict[str, list[Entry]] = field(factory=dict)
    sinks: dict[str, dict[str, str]] = field(factory=dict)  # arc → sink role → dataset path
    boundaries: dict[str, str] = field(factory=dict)  # boundary → dataset path
    arcs: dict[str, Arc] = field(factory=dict)
    written: dict[str, str] = field(factory=dict)  # manifest key → digest

    def state_written(self, key: str, body: bytes) -> None:
        names = layout.segments(key)
        if "/seals/" in key and key.endswith(".json"):
            self._seal(key, names["boundary"], codec.read_record(body, Seal, source=key))
        elif "lot" in names and key.rpartition("/")[2][0].isdigit() and key.endswith(".json"):
            self._entry(key, names, codec.read_ledger_entry(body, source=key))

    def manifest_written(self, key: str, body: bytes) -> None:
        """A manifest under ``datasets/`` is one that a complete entry or a seal names."""
        if "/horizon/" in key:
            return
        if "/state=removed/" in key:
            self._removed(key, body)
        elif key.startswith("datasets/"):
            digest = hashlib.sha256(body).hexdigest()
            if self.committed.get(key) != digest:
                raise BrokenLawError(f"{key} was written, but no entry names these bytes")
            self.written[key] = digest

    def _removed(self, key: str, body: bytes) -> None:
        """What is said to be removed was committed, as that revision, and is named as it was."""
        lot, _, attempt = key.partition("state=removed/attempt=")
        revision = int(attempt.partition("/")[0])
        part = f"attempt={revision}/" if revision else ""
        for state in ("complete", "empty"):
            was = body.replace(b'"removed"', f'"{state}"'.encode(), 1)
            if self.written.get(f"{lot}state={state}/{part}manifest.json") == hashlib.sha256(was).hexdigest():
                return
        raise BrokenLawError(f"{key} was written, but no such revision was committed")

    def published(self, event: Event) -> None:
        """One revision is never announced with two answers, and never before it is there."""
        key = event.manifest.partition("///")[2]
        if key not in self.written:
            raise BrokenLawError(f"{key} was announced before it was written")
        named = (event.dataset.id, str(event.lot), event.revision)
        answer = (key, self.written[key])
        if self.announced.setdefault(named, answer) != answer:
            raise BrokenLawError(f"{named} was announced with two answers")

    def _seal(self, key: str, boundary: str, seal: Seal) -> None:
        """No arrival is in two seals."""
        for lot in seal.lots:
            self._commit(layout_manifest(self.boundaries[boundary], lot.lot, lot.state.value, lot.revision), lot.digest)
            for arrival in lot.arrivals or ():
                named = (self.boundaries[boundary], arrival.uri, arrival.etag)
                if named in self.sealed:
                    raise BrokenLawError(f"{arrival.uri} is in {self.sealed[named]} and in {key}")
                self.sealed[named] = key

    def _entry(self, key: str, names: dict[str, str], entry: Entry) -> None:
        """Entries follow each other without a gap, and only a rollback follows a complete."""
        path, _, name = key.rpartition("/")
        entries = self.ledgers.setdefault(path, [])
        if int(name.removesuffix(".json")) != len(entries) + 1:
            raise BrokenLawError(f"{key} does not follow entry {len(entries)}")
        if entries and isinstance(entries[-1], Complete) and not isinstance(entry, Rollback):
            raise BrokenLawError(f"{key}: a {entry.kind} follows a complete")
        entries.append(entry)
        if isinstance(entry, Claim) and self.arcs[names["arc"]].lot_unit:
            self._rolled(key, self.arcs[names["arc"]], Lot.parse(names["lot"]), entry)
        if isinstance(entry, Complete):
            for role, sink in entry.sinks.items():
                path = self.sinks[names["arc"]][role]
                self._commit(layout_manifest(path, names["lot"], sink.state.value, entry.revision), sink.digest)

    def _rolled(self, key: str, arc: Arc, lot: Lot, claim: Claim) -> None:
        """A larger lot is worked whole, or when it is over and its deadline too."""
        if lot.unit is not arc.lot_unit:
            raise BrokenLawError(f"{key}: not a lot of {arc.name}")
        minutes = sum(pin.lot.unit.minutes for pin in claim.sources.values())
        deadline = lot.end + timedelta(seconds=arc.wait.deadline_sec or 0)
        if minutes < lot.unit.minutes and claim.at < deadline:
            raise BrokenLawError(f"{key}: claimed with {minutes} minutes, before {deadline}")

    def _commit(self, key: str, digest: str) -> None:
        if self.committed.setdefault(key, digest) != digest:
            raise BrokenLawError(f"two answers were committed for {key}")


def layout_manifest(dataset_path: str, lot: object, state: str, revision: int) -> str:
    attempt = f"attempt={revision}/" if revision else ""
    return f"{dataset_path}lot={lot}/state={state}/{attempt}manifest.json"


class WatchedStore(ObservedStore):
    """The store itself: every write of a new object is held against the laws."""

    def __init__(self, store: ObjectStore, written: Callable[[str, bytes], None]) -> None:
        super().__init__(store)
        self._written = written

    def create(self, key: str, body: Body) -> None:
        content = body if isinstance(body, bytes) else body.read()
        self.store.create(key, content)
        self._written(key, content)

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        return ask()


def contents(data: ObjectStore, uris: Iterator[str]) -> Counter[bytes]:
    return Counter(data.get(layout.key(data.root, uri)) for uri in uris)
