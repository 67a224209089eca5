from __future__ import annotations

import os
from pathlib import Path

import pytest

from clusterless.builtin.folder_components import FolderResource
from clusterless.builtin.folder_provider import FolderProvider
from clusterless.builtin.folder_resource import make_folder
from clusterless.errors import StoreRefusedError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import Surroundings
from clusterless.runtime.clock import SystemClock
from clusterless.store.files import FileStore

PROVIDER = FolderProvider()
PLACEMENT = Placement(provider="local")


@pytest.fixture(autouse=True)
def _no_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)


def surroundings(base: Path, placement: Placement = PLACEMENT) -> Surroundings:
    return Surroundings(
        project=Project(name="p", version="1"),
        placement=placement,
        roots=FolderProvider().roots(Placement(provider="local"), base),
        open_store=FileStore,
        clock=SystemClock(),
        base=base,
        scratch=base,
    )


def test_what_a_placement_leaves_out_is_filled_in() -> None:
    assert PROVIDER.complete(PLACEMENT).id == "local:null:local:here"
    given = Placement(provider="local", stage="dev", account="me", region="attic")
    assert PROVIDER.complete(given) == given


def test_stores_are_named_as_everywhere(tmp_path: Path) -> None:
    roots = PROVIDER.roots(Placement(provider="local", stage="Dev"), tmp_path / "my project")
    root = (tmp_path / "my project" / ".clusterless").as_uri()
    assert roots.metadata == f"{root}/dev-clusterless-metadata-local-here/"
    assert roots.arc_state == f"{root}/dev-clusterless-arc-state-local-here/"
    assert roots.manifest == f"{root}/dev-clusterless-manifest-local-here/"


def test_asking_for_roots_makes_nothing_and_writing_makes_them(tmp_path: Path) -> None:
    roots = PROVIDER.roots(PLACEMENT, tmp_path)
    assert os.listdir(tmp_path) == []
    FileStore(roots.manifest).put("a/b", b"x")
    assert (tmp_path / ".clusterless/clusterless-manifest-local-here/a/b").read_bytes() == b"x"


def test_the_nearest_root_at_or_above_the_project_is_taken(tmp_path: Path) -> None:
    base = tmp_path / "a/b/c"
    base.mkdir(parents=True)
    (tmp_path / ".clusterless").mkdir()
    assert PROVIDER.roots(PLACEMENT, base).metadata.startswith((tmp_path / ".clusterless").as_uri())
    (tmp_path / "a/b/.clusterless").mkdir()
    assert PROVIDER.roots(PLACEMENT, base).metadata.startswith((tmp_path / "a/b/.clusterless").as_uri())


def test_a_file_of_that_name_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / ".clusterless").touch()
    assert PROVIDER.roots(PLACEMENT, tmp_path / "a").metadata.startswith((tmp_path / "a/.clusterless").as_uri())


def test_the_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".clusterless").mkdir()
    monkeypatch.setenv("CLS_LOCAL_ROOT", str(tmp_path / "root"))
    assert PROVIDER.roots(PLACEMENT, tmp_path).metadata.startswith((tmp_path / "root").as_uri() + "/clusterless-")


def test_an_event_reaches_subscribers_of_its_placement_only(tmp_path: Path) -> None:
    dataset = LocatedDataset(name="d", version="1", path_uri="file:///d/")
    event = Event(dataset=dataset, lot=Lot.parse("20240131PT5M287"), manifest="file:///m")
    dev = surroundings(tmp_path, Placement(provider="local", stage="dev"))
    here, there = (
        PROVIDER.subscription(each, "p-1-arc", [Dataset(name="d", version="1")])
        for each in (surroundings(tmp_path), dev)
    )
    PROVIDER.publisher(dev).publish(event)
    assert here.receive(10) == []
    assert [delivery.event for delivery in there.receive(10)] == [event]


def test_a_placement_completed_or_not_is_the_same(tmp_path: Path) -> None:
    dataset = LocatedDataset(name="d", version="1", path_uri="file:///d/")
    event = Event(dataset=dataset, lot=Lot.parse("20240131PT5M287"), manifest="file:///m")
    queue = PROVIDER.subscription(surroundings(tmp_path), "p-1-arc", [dataset])
    PROVIDER.publisher(surroundings(tmp_path, PROVIDER.complete(PLACEMENT))).publish(event)
    assert len(queue.receive(10)) == 1


def folder(path: str) -> FolderResource:
    return FolderResource(type="local:core:folder", name="f", path=path)


def test_a_folder_is_made_where_the_project_means_it(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(folder("data/in"), surroundings(tmp_path))
    make_folder(folder(str(tmp_path / "absolute")), surroundings(tmp_path / "elsewhere"))
    assert (tmp_path / "data/in").is_dir()
    assert (tmp_path / "absolute").is_dir()


def test_a_file_in_the_folders_place_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    for path in ("in", "in/below"):
        with pytest.raises(StoreRefusedError, match="is not a folder"):
            make_folder(folder(path), surroundings(tmp_path))
