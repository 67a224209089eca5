"""``cls:core:retentionActivity``, as it is declared and run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from clusterless import codec
from clusterless.builtin.retention import RetentionActivity
from clusterless.errors import MalformedError
from clusterless.model.arc import Arc
from clusterless.model.boundary import IngressBoundary
from clusterless.model.dataset import SinkDataset, SourceDataset
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.plugins import find_plugins
from clusterless.provider import Occasion, StoreRoots, Surroundings
from clusterless.runtime.clock import SystemClock
from clusterless.runtime.register import register
from clusterless.store.files import FileStore
from clusterless.store.manifests import Manifests, encode

TYPE = "cls:core:retentionActivity"
LOT = Lot.parse("20240131PT1H007")
HERE = Placement(provider="local", account="local", region="here")


def declared(**more: Any) -> RetentionActivity:
    dataset = {"name": "in", "version": "1"}
    given = {"type": TYPE, "name": "retire", "interval": "Days", "dataset": dataset, "age": "90d", **more}
    return codec.read_declaration(given, RetentionActivity, source="p.json")


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        ({"age": "90"}, r"\$\.age: '90' is not an age: use a number above 0 and s, m, h, d, w, mon or y"),
        ({"age": None}, r"\$\.age"),
        ({"dataset": {"name": "in"}}, r"\$\.dataset"),
        ({"keep": "objects"}, "keep"),
    ],
)
def test_what_is_declared_wrongly_is_told_with_its_place(more: dict[str, Any], finding: str) -> None:
    with pytest.raises(MalformedError, match=finding):
        declared(**more)


def test_it_works_on_folders_and_warns_of_what_holds_it_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first run gives up what nobody waits for; a subscriber is named with its lot."""
    roots = StoreRoots(**{name: f"{tmp_path.as_uri()}/{name}/" for name in ("metadata", "arc_state", "manifest")})
    plugins = find_plugins()
    dataset = SinkDataset(name="in", version="1", path_uri=f"{tmp_path.as_uri()}/in/")
    boundary = IngressBoundary(type="test:core:boundary", name="in", dataset=dataset, lot_unit=LotUnit.HOURS)
    arc = Arc(type="test:core:arc", name="slow", sources={"main": SourceDataset(name="in", version="1", start="all")})
    project = Deployable(project=Project(name="p", version="1"), placement=HERE, boundaries=(boundary,), arcs=(arc,))
    register(FileStore(roots.metadata), project)
    manifest = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=(f"{dataset.path_uri}a",))
    with encode(manifest).open() as body:
        Manifests(FileStore(roots.manifest)).publish(dataset, LOT, manifest.state, 0, body)
    surroundings = Surroundings(
        project=project.project,
        placement=HERE,
        roots=roots,
        open_store=plugins.open_store,
        clock=SystemClock(),
        base=tmp_path,
        scratch=tmp_path,
    )
    component: Any = plugins.component(TYPE)
    runnable = component.load()(declared(), surroundings)
    occasion = Occasion(
        activity="retire", lot=LOT, attempt="1", token="", stopping=lambda: False, output=tmp_path / "output"
    )
    caplog.set_level(logging.WARNING)
    why = f"held back: 'slow' of project p/1 has not consumed lot {LOT}"
    assert runnable.run(occasion) == f"nothing new to remove; {why}"
    assert caplog.messages == [f"retire: dataset in/1: {why}"]
    register(FileStore(roots.metadata), Deployable(project=project.project, placement=HERE, boundaries=(boundary,)))
    assert runnable.run(occasion) == f"marked lots before {LOT.next} for removal by a run two minutes later or more"
    runnable.close()
