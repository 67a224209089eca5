"""Bootstrapping where a store says that the bucket itself is not there yet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clusterless.bootstrap import Plan
from clusterless.deploy.bootstrap import survey_ground
from clusterless.errors import PlaceMissingError, StoreRefusedError
from clusterless.model.placement import Placement
from clusterless.plugins import find_plugins
from clusterless.store.files import FileStore


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that, as long as it is not there, is refused as a bucket is."""
    monkeypatch.setenv("CLS_LOCAL_ROOT", str(tmp_path / "root"))
    for name in ("get", "put", "list", "delete"):
        monkeypatch.setattr(FileStore, name, _only_in_a_place(getattr(FileStore, name)))
    return tmp_path / "root"


def _only_in_a_place(method: Any) -> Any:
    def asked(self: FileStore, *arguments: Any) -> Any:
        if not Path(self.root.removeprefix("file://")).is_dir():
            raise PlaceMissingError(self.root)
        return method(self, *arguments)

    return asked


def test_a_placement_whose_place_is_missing_is_not_bootstrapped_and_has_no_projects(missing: Path) -> None:
    ground = survey_ground(Placement(provider="local"), missing.parent, find_plugins())
    assert (ground.recorded, ground.projects) == (None, [])
    ground.make(ground.to_make())
    again = survey_ground(Placement(provider="local"), missing.parent, find_plugins())
    assert again.recorded
    assert again.recorded.create_date_time < datetime.max.replace(tzinfo=UTC)


def test_what_is_left_without_its_place_can_be_removed(missing: Path) -> None:
    ground = survey_ground(Placement(provider="local"), missing.parent, find_plugins())
    applied: list[str] = []
    ground.remove(Plan(steps=[], apply=lambda: applied.append("removed") or {}))
    assert applied == ["removed"]


def test_it_is_a_refusal_for_all_who_do_not_ask() -> None:
    assert issubclass(PlaceMissingError, StoreRefusedError)
