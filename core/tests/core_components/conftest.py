"""A bench to work lots on: folders for data and manifests, and `Work` as the delivery builds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from attrs import define

from clusterless import layout
from clusterless.builtin.folder_provider import FolderProvider
from clusterless.model.arc import Arc
from clusterless.model.dataset import LocatedDataset, SinkDataset, SourceDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.provider import SinkLot, SourceLot, Surroundings, Work
from clusterless.runtime.clock import SystemClock
from clusterless.store.api import ObjectStore
from clusterless.store.files import FileStore
from clusterless.store.manifests import decode, encode

LOT = Lot.parse("20240131PT5M287")
KEYS = layout.ArcKeys(Project(name="demo", version="1"), "work")


def _open(uri: str) -> ObjectStore:
    return find_plugins().open_store(uri)


@define
class Bench:
    """Sources ``main`` (or those named) and sinks ``main`` (or those named), each a folder below *base*."""

    base: Path
    sources: tuple[str, ...] = ("main",)
    sinks: tuple[str, ...] = ("main",)
    absent: tuple[str, ...] = ()
    attempt: str = "0-1-abc"
    stopping: Callable[[], bool] = lambda: False
    open_store: Callable[[str], ObjectStore] = _open

    @property
    def manifests(self) -> FileStore:
        return FileStore(self.uri("manifests"))

    def uri(self, folder: str) -> str:
        return f"{(self.base / folder).as_uri()}/"

    def source(self, role: str = "main") -> FileStore:
        return FileStore(self.uri(f"source-{role}"))

    def sink(self, role: str = "main") -> FileStore:
        return FileStore(self.uri(f"sink-{role}"))

    @property
    def elements(self) -> dict[str, Mapping[str, SourceDataset] | Mapping[str, SinkDataset]]:
        """What an arc is declared with."""
        return {
            "sources": {role: SourceDataset(name=f"source-{role}", version="1") for role in self.sources},
            "sinks": {role: self._sink_dataset(role) for role in self.sinks},
        }

    def declare(self, kind: type[Arc], **workload: object) -> Arc:
        settings = kind.__attrs_attrs__.workload.default.factory  # type: ignore[attr-defined]
        return kind(type="cls:core:x", name="work", workload=settings(**workload), **self.elements)  # type: ignore[arg-type]

    def fill(self, *keys: str, role: str = "main") -> None:
        """Objects whose content is their key, and a manifest that lists them."""
        for key in keys:
            self.source(role).put(key, key.encode())
        self.list(keys, role)

    def list(self, keys: Iterable[str], role: str = "main") -> None:
        uris = tuple(layout.uri(self.uri(f"source-{role}"), key) for key in keys)
        state = ManifestState.COMPLETE if uris else ManifestState.EMPTY
        with encode(Manifest(state=state, lot=LOT, uris=uris)).open() as body:
            self.manifests.put(f"{role}.json", body)

    def surroundings(self) -> Surroundings:
        scratch = self.base / "scratch"
        scratch.mkdir(exist_ok=True)
        return Surroundings(
            project=KEYS.project,
            placement=Placement(provider="local"),
            roots=FolderProvider().roots(Placement(provider="local"), self.base),
            open_store=self.open_store,
            clock=SystemClock(),
            base=self.base,
            scratch=scratch,
        )

    def work(self, earlier: Mapping[str, Sequence[Manifest]] | None = None) -> Work:
        return Work(
            arc="work",
            lot=LOT,
            attempt=self.attempt,
            revision=0,
            token=f"sink-main/1/{LOT}/0/work",
            role=next(role for role in self.sources if role not in self.absent),
            sources={role: self._source_lot(role) for role in self.sources if role not in self.absent},
            sinks={
                role: SinkLot(
                    dataset=self._sink_dataset(role), staging=self._staging(role), earlier=(earlier or {}).get(role, ())
                )
                for role in self.sinks
            },
            collect=self._collect,
            stopping=self.stopping,
            output=self.base / "outputs" / f"{self.attempt}.log",
        )

    def output(self) -> str:
        return self.work().output.read_text()

    def _source_lot(self, role: str) -> SourceLot:
        return SourceLot(
            dataset=LocatedDataset(name=f"source-{role}", version="1", path_uri=self.uri(f"source-{role}")),
            manifest_uri=f"{self.uri('manifests')}{role}.json",
            revision=0,
            read=lambda: decode(self.manifests, f"{role}.json"),
        )

    def _sink_dataset(self, role: str) -> SinkDataset:
        return SinkDataset(name=f"sink-{role}", version="1", path_uri=self.uri(f"sink-{role}"))

    def _staging(self, role: str) -> str:
        return (
            f"{self.uri('manifests')}{layout.staging(KEYS, role, '{lot}', self.attempt)}state={{state}}/manifest.json"
        )

    def _collect(self) -> dict[str, Manifest]:
        found = {}
        for role in self.sinks:
            for info in self.manifests.list(layout.staging(KEYS, role, LOT, self.attempt)):
                found[role] = decode(self.manifests, info.key)
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "manifests").mkdir()
    return Bench(tmp_path)
