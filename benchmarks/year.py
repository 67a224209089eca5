"""Writes a year of lots, as runs would have left them, with every kind of gap planted.

``python year.py FOLDER [--lots 105120] [--sound] [--bare]``: the project is in ``FOLDER/project.json``. Five datasets
in a chain: a boundary makes ``in``; the arcs *clean* and *part* copy it; the barrier *both* joins what they make; the
arc *out* copies that. ``--sound`` plants no gaps; ``--bare`` writes manifests of ``in`` only.

Each lot is written by the ledgers and manifests that runs write it by; only syncing is left out. A test compares a
small one with what a real run leaves.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from clusterless import layout
from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve
from clusterless.errors import ObjectExistsError
from clusterless.model.arrival import Arrival
from clusterless.model.ledger import Claim, Complete, Entry, Failure, Missing, Partial, Pin, SinkRecord
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.seal import Seal, SealedLot
from clusterless.model.switch import Switched
from clusterless.plugins import find_plugins
from clusterless.runner.opening import Opened, Workbench, open_sites
from clusterless.runtime.arc import RunningArc, Writer, no_hold
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.clock import SystemClock, random_id
from clusterless.runtime.switches import switch_ledger
from clusterless.store.api import Body, ObjectStore
from clusterless.store.files import FileStore
from clusterless.store.manifests import Manifests, encode

FIRST = Lot.parse("20230101PT5M000")
YEAR = 365 * 288
LONG_AGO = Lot.parse("20140101PT5M000")  # from where on a million lots are none that lie ahead
BY = "made:0"
BODY = b"x"
_SEALED = 288  # lots a seal


class Fate(Enum):
    """What becomes of a lot; where it is not said of whom, of *clean*."""

    WELL = "well"
    EMPTY = "empty"  # nothing arrived
    UNSEEN = "unseen"  # the boundary has not looked there
    UNCLAIMED = "unclaimed"
    FAILED = "failed"
    SPENT = "spent"  # all attempts failed
    PARTIAL = "partial"
    RUNNING = "running"
    EXPIRED = "expired"
    UNANNOUNCED = "unannounced"
    VANISHED = "vanished"
    UNREADABLE = "unreadable"
    WAITING = "waiting"  # *part* has not worked it: the join waits
    STALE = "stale"  # its source has a newer revision
    OFF = "off"  # *out* is turned off


_PLANTED = [fate for fate in Fate if fate not in {Fate.WELL, Fate.OFF, Fate.UNSEEN}]
_RUN = 10  # neighbouring lots of one fate


def fate_of(number: int, lots: int) -> Fate:
    """Each fate comes some times a year, for ten lots together; the last are not looked at, or not worked."""
    if number >= lots - _RUN:
        return Fate.UNSEEN
    if number >= lots - 2 * _RUN:
        return Fate.OFF
    stretch, each = divmod(number, max(lots // (4 * len(_PLANTED)), 3 * _RUN))
    return _PLANTED[stretch % len(_PLANTED)] if _RUN <= each < 2 * _RUN else Fate.WELL


# ---- the project -----------------------------------------------------------------------------------------------


def declare(folder: Path) -> Path:
    """Write the project file; gives its path."""
    (folder / "data/in").mkdir(parents=True)
    (folder / ".clusterless").mkdir()
    file = folder / "project.json"
    file.write_text(json.dumps(_declared(), indent=2))
    return file


def _declared() -> dict[str, Any]:
    def named(name: str) -> dict[str, Any]:
        return {"name": name, "version": "1"}

    def copied(name: str, source: str, **more: Any) -> dict[str, Any]:
        return {
            "type": "cls:core:copyArc",
            "name": name,
            "sources": {"main": {**named(source), "start": "all"}},
            "sinks": {"main": {**named(name), "pathURI": f"data/{name}/"}},
            **more,
        }

    return {
        "project": named("year"),
        "placement": {"provider": "local"},
        "boundaries": [
            {
                "type": "local:core:putListenerBoundary",
                "name": "arrive",
                "lotUnit": "Twelfths",
                "eventArrival": "frequent",
                "dataset": {**named("in"), "pathURI": "data/in/"},
            }
        ],
        "barriers": [
            {
                "type": "cls:core:joinBarrier",
                "name": "both",
                "sources": {name: {**named(name), "start": "all"} for name in ("clean", "part")},
                "dataset": named("both"),
            }
        ],
        "arcs": [
            copied("clean", "in"),
            copied("part", "in", workload={"workloadProps": {"rename": "part-{name}"}}),
            copied("out", "both"),
        ],
    }


class QuickStore(FileStore):
    """Files that are not synced: the same bytes in the same places."""

    def create(self, key: str, body: Body) -> None:
        try:
            self._write(key, body, "xb")
        except FileExistsError:
            raise ObjectExistsError(key) from None

    def put(self, key: str, body: Body) -> None:
        self._write(key, body, "wb")

    def _write(self, key: str, body: Body, mode: str) -> None:
        path = f"{self._folder}/{key}"
        try:
            file = open(path, mode)  # noqa: SIM115  millions of times
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            file = open(path, mode)  # noqa: SIM115
        with file:
            file.write(body if isinstance(body, bytes) else body.read())


def _opened(file: Path) -> Opened:
    """As a run begins: projects, owners and starts are recorded, and nothing is worked."""
    plugins = find_plugins()
    sites = resolve(read_projects([file], plugins.components(), plugins.project_formats()), plugins)
    bench = Workbench(
        plugins=plugins,
        clock=SystemClock(),
        writer=Writer(by=BY, new_id=random_id),
        hold=no_hold,
        stopping=threading.Event().is_set,
        published=lambda: None,
        scratch=file.parent / "scratch",
    )
    (opened,) = open_sites(sites, lambda _: bench)
    return opened


def _quick(store: ObjectStore) -> QuickStore:
    return QuickStore(store.root)


# ---- lots ------------------------------------------------------------------------------------------------------


@frozen
class _Maker:
    """Writes what one boundary and its arcs leave of a lot."""

    boundary: RunningBoundary
    arcs: Mapping[str, RunningArc]
    data: Path

    @classmethod
    def of(cls, opened: Opened, data: Path) -> _Maker:
        (boundary,) = opened.boundaries
        arcs = [
            evolve(arc, state=_quick(arc.state), manifests=Manifests(_quick(arc.manifests.store)))
            for arc, _ in opened.arcs
        ]
        boundary = evolve(boundary, state=_quick(boundary.state), manifests=Manifests(_quick(boundary.manifests.store)))
        return cls(boundary, {arc.arc.name: arc for arc in arcs}, data)

    def make(self, first: Lot, lots: int, *, sound: bool) -> None:
        sealed: deque[SealedLot] = deque()
        for number in range(lots):
            lot = first.plus(number)
            fate = Fate.WELL if sound else fate_of(number, lots)
            if fate is Fate.UNSEEN:
                continue
            sealed += self.arrived(lot, fate)
            self.worked(lot, fate)
            if len(sealed) >= _SEALED:
                self.seal(sealed)
        self.seal(sealed)

    # ---- the boundary ----

    def arrived(self, lot: Lot, fate: Fate) -> list[SealedLot]:
        """The lot's revisions."""
        if fate is Fate.EMPTY:
            return [self.published(lot, Manifest(state=ManifestState.EMPTY, lot=lot), [])]
        sealed = [self.published(lot, *self._received(lot, ""))]
        if fate is Fate.STALE:
            manifest, arrivals = self._received(lot, "-late")
            uris = [*self._received(lot, "")[0].uris, *manifest.uris]
            sealed.append(self.published(lot, evolve(manifest, uris=uris), arrivals, 1))
        return sealed

    def _received(self, lot: Lot, suffix: str) -> tuple[Manifest, list[Arrival]]:
        path = _file(self.data / "in" / f"{lot}{suffix}.txt")
        os.utime(path, (lot.start.timestamp(),) * 2)
        found = path.stat()
        etag = f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"
        arrival = Arrival(path.as_uri(), etag, len(BODY), lot.start)
        return Manifest(state=ManifestState.COMPLETE, lot=lot, uris=[arrival.uri]), [arrival]

    def published(self, lot: Lot, manifest: Manifest, arrivals: Sequence[Arrival], revision: int = 0) -> SealedLot:
        encoded = encode(manifest)
        with encoded.open() as body:
            self.boundary.manifests.publish(self.boundary.dataset, lot, manifest.state, revision, body)
        return SealedLot(
            lot=lot,
            revision=revision,
            state=manifest.state,
            objects=encoded.objects,
            bytes=len(arrivals) * len(BODY),
            digest=encoded.digest,
            arrivals=tuple(arrivals),
        )

    def seal(self, sealed: deque[SealedLot]) -> None:
        if not sealed:
            return
        last = sealed[-1].lot
        number = self.boundary.last + 1
        self.boundary.seals.append(
            number,
            Seal(
                put_id=random_id(),
                at=last.end,
                by=BY,
                lots=tuple(sealed),
                batches=(),
                through=last,
                looked=last.end,
            ),
        )
        self.boundary.seals.mark(number)
        self.boundary.last = number
        sealed.clear()

    # ---- arcs ----

    def worked(self, lot: Lot, fate: Fate) -> None:
        clean = self._work("clean", lot, fate, ["in"])
        part = None if fate is Fate.WAITING else self._work("part", lot, _plain(fate), ["in"])
        if not clean or not part:
            return
        both = self._work("both", lot, _plain(fate), ["clean", "part"])
        if both and fate is not Fate.OFF:
            self._work("out", lot, _plain(fate), ["both"])

    def _work(self, name: str, lot: Lot, fate: Fate, sources: Sequence[str]) -> bool:
        """Whether the lot is committed, for all to see."""
        if fate is Fate.UNCLAIMED:
            return False
        arc = self.arcs[name]
        entries = list(self._entries(arc, lot, fate, sources))
        for number, entry in enumerate(entries, start=1):
            assert arc.ledger(lot).append(number, entry)
        last = entries[-1]
        if fate is Fate.UNREADABLE:
            arc.state.put(f"{arc.keys.lot(lot)}000002.json", b"{")
        if isinstance(last, Complete) and fate not in {Fate.UNANNOUNCED, Fate.UNREADABLE}:
            if fate is not Fate.VANISHED:
                self._publish(arc, lot, last)
            arc.ledger(lot).mark(len(entries), last.state)
        for number, entry in enumerate(entries, start=1):
            if isinstance(entry, Missing | Partial):
                arc.ledger(lot).mark(number, entry.state)
        return isinstance(last, Complete) and fate in {Fate.WELL, Fate.EMPTY, Fate.STALE, Fate.WAITING, Fate.OFF}

    def _publish(self, arc: RunningArc, lot: Lot, complete: Complete) -> None:
        for role, sink in arc.arc.sinks.items():
            manifest = complete.sinks[role].manifest
            assert manifest
            with encode(manifest).open() as body:
                arc.manifests.publish(sink, lot, manifest.state, complete.revision, body)

    def _entries(self, arc: RunningArc, lot: Lot, fate: Fate, sources: Sequence[str]) -> Iterator[Entry]:
        attempts = {Fate.SPENT: 3}.get(fate, 1)
        for attempt in range(1, attempts + 1):
            claim = self._claim(arc, lot, fate, sources, attempt)
            yield claim
            if fate not in {Fate.RUNNING, Fate.EXPIRED}:
                yield self._outcome(arc, lot, fate, claim)

    def _claim(self, arc: RunningArc, lot: Lot, fate: Fate, sources: Sequence[str], attempt: int) -> Claim:
        state = ManifestState.EMPTY if fate is Fate.EMPTY else ManifestState.COMPLETE
        lasts = timedelta(days=36500) if fate is Fate.RUNNING else timedelta(seconds=arc.arc.lease_sec)
        roles = dict(zip(arc.arc.sources, sources, strict=True))
        return Claim(
            put_id=random_id(),
            at=lot.end,
            by=BY,
            attempt=arc.new_attempt(0, attempt),
            revision=0,
            sources={role: _pin(arc, role, lot, state) for role in roles},
            expires=lot.end + lasts,
            declaration=arc.declaration or None,
        )

    def _outcome(self, arc: RunningArc, lot: Lot, fate: Fate, claim: Claim) -> Entry:
        stamp: dict[str, Any] = {
            "put_id": random_id(),
            "at": lot.end + timedelta(seconds=2),
            "by": BY,
            "attempt": claim.attempt,
            "revision": 0,
            "sources": claim.sources,
        }
        if fate in {Fate.FAILED, Fate.SPENT}:
            return Missing(**stamp, error=Failure(type="WorkloadError", message="planted: nothing could be read"))
        state = ManifestState.EMPTY if fate is Fate.EMPTY else ManifestState.COMPLETE
        uris = [] if fate is Fate.EMPTY else self._made(arc.arc.name, lot)
        if fate is Fate.PARTIAL:
            manifest = Manifest(state=ManifestState.PARTIAL, lot=lot)
            error = Failure(type="Partial", message="planted: some of it could not be read")
            return Partial(**stamp, error=error, sinks={"main": _record(manifest, 0)})
        sinks = {"main": _record(Manifest(state=state, lot=lot, uris=uris), 0 if fate is Fate.EMPTY else None)}
        return Complete(**stamp, sinks=sinks)

    def _made(self, name: str, lot: Lot) -> list[str]:
        """What it copies or lists, of each lot."""
        clean, part = f"{lot}.txt", f"part-{lot}.txt"
        match name:
            case "both":
                return [(self.data / "clean" / clean).as_uri(), (self.data / "part" / part).as_uri()]
            case "out":
                return [_file(self.data / "out" / each).as_uri() for each in (clean, part)]
        return [_file(self.data / name / (part if name == "part" else clean)).as_uri()]


def _plain(fate: Fate) -> Fate:
    """What becomes of the lot at the others."""
    return fate if fate is Fate.EMPTY else Fate.WELL


def _pin(arc: RunningArc, role: str, lot: Lot, state: ManifestState) -> Pin:
    source = arc.sources[role]
    uri = layout.uri(source.manifests.store.root, layout.manifest(source.dataset, lot, state))
    return Pin(dataset=arc.arc.sources[role].plain, lot=lot, manifest=uri, state=state, revision=0)


def _record(manifest: Manifest, size: int | None) -> SinkRecord:
    encoded = encode(manifest)
    return SinkRecord(
        state=manifest.state, objects=encoded.objects, bytes=size, digest=encoded.digest, manifest=manifest
    )


def _file(path: Path) -> Path:
    try:
        path.write_bytes(BODY)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_bytes(BODY)
    return path


def make(folder: Path, lots: int, first: Lot = FIRST, *, sound: bool = False, bare: bool = False) -> Path:
    """Write it all; gives the project file."""
    file = declare(folder)
    opened = _opened(file)
    with opened.closing:
        maker = _Maker.of(opened, folder.absolute() / "data")
        if bare:
            for number in range(lots):
                lot = first.plus(number)
                maker.published(lot, Manifest(state=ManifestState.COMPLETE, lot=lot), [])
            return file
        maker.make(first, lots, sound=sound)
        if not sound:
            state, project = maker.boundary.state, maker.boundary.project
            off = Switched(put_id=random_id(), at=datetime.now(UTC), by=BY, element="out", on=False, reason="planted")
            switch_ledger(state, project).append(1, off)
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lots", type=int, default=YEAR)
    parser.add_argument("--sound", action="store_true", help="plant no gaps")
    parser.add_argument("--bare", action="store_true", help="manifests of the first dataset only")
    given = parser.parse_args()
    first = LONG_AGO if given.bare else FIRST
    print(make(given.folder, given.lots, first, sound=given.sound, bare=given.bare))


if __name__ == "__main__":
    main()
