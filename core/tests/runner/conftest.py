"""An arc whose parts are all in memory, for tests of what goes on around its lots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clusterless.model.arc import Arc
from clusterless.model.dataset import LocatedDataset, SourceDataset
from clusterless.model.project import Project
from clusterless.runtime.arc import RunningArc, SourceSide, Writer
from clusterless.store.manifests import Manifests
from clusterless.store.memory import MemoryStore


def _an_arc(name: str = "work") -> RunningArc:
    manifests = Manifests(MemoryStore("memory:///m/"))
    source = LocatedDataset(name="in", version="1", path_uri="memory:///in/")
    return RunningArc(
        project=Project(name="p", version="1"),
        arc=Arc(type="t:core:arc", name=name, sources={"main": SourceDataset(name="in", version="1", start="all")}),
        state=MemoryStore("memory:///s/"),
        manifests=manifests,
        sources={"main": SourceSide(dataset=source, manifests=manifests)},
        workload=None,  # type: ignore[arg-type]
        publish=lambda _: None,
        writer=Writer(by="me", new_id=lambda: "0" * 16),
        outputs=Path("output"),
    )


@pytest.fixture
def an_arc() -> Callable[..., RunningArc]:
    """Call it for one of a name: nothing works its lots, and all history of its source ``in`` is to be worked."""
    return _an_arc
