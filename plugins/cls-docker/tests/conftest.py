"""A real engine where one can be had, and an image made of nothing but busybox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import pytest
from attrs import Factory, define
from beds import docker as bed

from cls_docker.components import ContainerArc, ContainerSettings
from cls_docker.workload import open_arc
from clusterless import layout
from clusterless.model.dataset import Dataset, LocatedDataset, SinkDataset, SourceDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import SinkLot, SourceLot, StoreRoots, Surroundings, Work, WorkResult
from clusterless.runtime.clock import SystemClock
from clusterless.store.api import ObjectStore
from clusterless.store.files import FileStore
from clusterless.store.manifests import decode, encode


@pytest.fixture(scope="session")
def docker_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an engine that answers; the environment names it, too."""
    with bed.engine(tmp_path_factory) as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", host)
        yield host


@pytest.fixture(scope="session")
def busybox(docker_host: str) -> str:
    return bed.busybox(docker_host)


LOT = Lot.parse("20240131PT5M287")
_KEYS = layout.ArcKeys(Project(name="demo", version="1"), "work")


@define
class Bench:
    """A source and a sink, each a folder below *base*, and attempts to work them."""

    base: Path
    image: str = ""
    attempt: str = "0-1-abc"
    stopping: Callable[[], bool] = lambda: False
    open_store: Callable[[str], ObjectStore] = FileStore
    around: Mapping[str, object] = Factory(dict)  # of the surroundings, otherwise than usual

    def uri(self, folder: str) -> str:
        return f"{(self.base / folder).as_uri()}/"

    @property
    def manifests(self) -> FileStore:
        return FileStore(self.uri("manifests"))

    def fill(self, **objects: str) -> None:
        """Objects of the source lot, by name, and a manifest that lists them."""
        source = FileStore(self.uri("source"))
        for name, content in objects.items():
            source.put(name, content.encode())
        uris = tuple(layout.uri(source.root, name) for name in objects)
        with encode(Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=uris)).open() as body:
            self.manifests.put(self._manifest, body)

    @property
    def _manifest(self) -> str:
        return layout.manifest(Dataset(name="source", version="1"), LOT, ManifestState.COMPLETE)

    def arc(self, *command: str, **settings: Any) -> ContainerArc:
        """An arc that runs *command* in the bench's image, or a shell with the one text that it is."""
        told = ("sh", "-euc", *command) if len(command) == 1 else command
        source = settings if "image_path" in settings else {"image": self.image, **settings}
        return ContainerArc(
            type="docker:core:containerArc",
            name="work",
            sources={"main": SourceDataset(name="source", version="1")},
            sinks={"main": self._sink},
            workload=ContainerSettings(command=told, **source),
        )

    def surroundings(self) -> Surroundings:
        (self.base / "scratch").mkdir(exist_ok=True)
        folders = StoreRoots(metadata=self.uri("meta"), arc_state=self.uri("state"), manifest=self.uri("manifests"))
        told: dict[str, Any] = {
            "project": _KEYS.project,
            "placement": Placement(provider="local"),
            "roots": folders,
            "open_store": self.open_store,
            "clock": SystemClock(),
            "base": self.base,
            "scratch": self.base / "scratch",
        }
        return Surroundings(**{**told, **self.around})

    def work(self, earlier: Sequence[Manifest] = ()) -> Work:
        source = LocatedDataset(name="source", version="1", path_uri=self.uri("source"))
        return Work(
            arc="work",
            lot=LOT,
            attempt=self.attempt,
            revision=0,
            token=f"sink/1/{LOT}/0/work",
            role="main",
            sources={
                "main": SourceLot(
                    dataset=source,
                    manifest_uri=layout.uri(self.manifests.root, self._manifest),
                    revision=0,
                    read=lambda: decode(self.manifests, self._manifest),
                )
            },
            sinks={
                "main": SinkLot(
                    dataset=self._sink,
                    staging=f"{self.manifests.root}{self._staging('{lot}')}state={{state}}/manifest.json",
                    earlier=earlier,
                )
            },
            collect=self._collect,
            stopping=self.stopping,
            output=self.base / "outputs" / f"{self.attempt}.log",
        )

    def run(self, *command: str, **settings: Any) -> WorkResult:
        """What comes of an attempt at working *command*."""
        return self.worked(self.arc(*command, **settings), self.work())

    def worked(self, arc: ContainerArc, work: Work) -> WorkResult:
        workload = open_arc(arc, self.surroundings())
        try:
            return workload.run(work)
        finally:
            workload.close()

    @property
    def printed(self) -> str:
        return self.work().output.read_text()

    def containers(self, api: Any) -> list[str]:
        """The attempts that have a container, running or not."""
        found = api.containers(all=True, filters={"label": f"clusterless.store={self.uri('state')}"})
        return sorted(each["Labels"]["clusterless.attempt"] for each in found)

    def staged(self) -> str:
        """The path of the manifest that the attempt is to write."""
        return str(self.base / "manifests" / self._staging(str(LOT)) / "state=complete/manifest.json")

    def writes(self, name: str) -> str:
        """A line of shell that writes the object *name*, and a manifest that lists it."""
        folder = self.base / "sink-main"
        uris = [f"file://{folder}/{name}"]
        told = json.dumps({"state": "complete", "lotId": str(LOT), "uriType": "identifier", "uris": uris})
        path = self.staged()
        return f"echo {name} >{folder}/{name}; mkdir -p {Path(path).parent}; echo '{told}' >{path}\n"

    @property
    def _sink(self) -> SinkDataset:
        return SinkDataset(name="sink-main", version="1", path_uri=self.uri("sink-main"))

    def _staging(self, lot: str) -> str:
        return layout.staging(_KEYS, "main", lot, self.attempt)

    def _collect(self) -> dict[str, Manifest]:
        found = next(self.manifests.list(self._staging(str(LOT))), None)
        return {"main": decode(self.manifests, found.key)} if found else {}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Where nothing needs an engine."""
    made = Bench(tmp_path, image="nothing:1")
    made.fill(one="1", two="2")
    return made


@pytest.fixture
def engine_bench(bench: Bench, busybox: str) -> Bench:
    """Where containers are run, of an image with nothing but busybox, and without a network."""
    bench.image = busybox
    return bench


@pytest.fixture
def api(docker_host: str) -> Iterator[Any]:
    """The engine itself, to look what is there."""
    client = docker.APIClient(base_url=docker_host, version="auto")
    yield client
    client.close()
