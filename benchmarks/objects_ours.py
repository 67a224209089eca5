"""Copy what is in one place to another by our copy arc; prints the seconds, and the processor's.

``python objects_ours.py SOURCE TARGET THREADS``: run by `objects.py`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from clusterless import layout
from clusterless.codec import read_declaration
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.provider import ArcComponent, SinkLot, SourceLot, StoreRoots, Surroundings, Work
from clusterless.runtime.clock import SystemClock, jitter
from clusterless.store.api import ObjectStore
from clusterless.store.retrying import RetryingStore

LOT = Lot.parse("20260131PT5M000")


def main(source: str, target: str, threads: int) -> None:
    plugins, clock = find_plugins(), SystemClock()

    def open_store(uri: str) -> ObjectStore:
        return RetryingStore(plugins.open_store(uri), clock.sleep, jitter=jitter)

    component = plugins.component("cls:core:copyArc")
    assert isinstance(component, ArcComponent)
    declared = {
        "type": component.type,
        "name": "copy",
        "sources": {"main": {"name": "from", "version": "1"}},
        "sinks": {"main": {"name": "to", "version": "1", "pathURI": target}},
        "workload": {"workloadProps": {"parallel": threads}},
    }
    arc = read_declaration(declared, component.model, source="benchmark")
    with tempfile.TemporaryDirectory() as folder:
        keys = [info.key for info in open_store(source).list()]
        open_store(target).now()  # what is asked with is loaded, as it is in a run after its first lot
        begun = time.monotonic(), time.process_time()
        roots = StoreRoots(metadata=target, arc_state=target, manifest=target)
        surroundings = Surroundings(
            project=Project(name="objects", version="1"),
            placement=Placement(provider="local"),
            roots=roots,
            open_store=open_store,
            clock=clock,
            base=Path(folder),
            scratch=Path(folder),
        )
        workload = component.load()(arc, surroundings)
        result = workload.run(_work(source, target, keys, Path(folder)))
        workload.close()
        assert not result.problem, result.problem
        print(time.monotonic() - begun[0], time.process_time() - begun[1])


def _work(source: str, target: str, keys: list[str], folder: Path) -> Work:
    uris = tuple(layout.uri(source, key) for key in keys)
    manifest = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=uris)
    origin = LocatedDataset(name="from", version="1", path_uri=source)
    goal = LocatedDataset(name="to", version="1", path_uri=target)
    return Work(
        arc="copy",
        lot=LOT,
        attempt="0-1-x",
        revision=0,
        token="x",
        role="main",
        sources={"main": SourceLot(dataset=origin, manifest_uri=f"{source}m", revision=0, read=lambda: manifest)},
        sinks={"main": SinkLot(dataset=goal, staging=f"{target}s")},
        collect=dict,
        stopping=lambda: False,
        output=folder / "output",
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
