"""Whether the report says what the manifests do, on any screen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

import report
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.store.manifests import encode
from feeder import Outbox, drops, feed
from tally import Pipeline

HERE = Path(__file__).parent


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The example's projects in a folder of their own, with nothing committed."""
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    (tmp_path / ".clusterless").mkdir()
    files = [Path(shutil.copy(HERE / name, tmp_path)) for name in ("flights.json", "operations.json")]
    return Pipeline.declared_in(files)


def commit(pipeline: Pipeline, name: str, lot: str, files: Sequence[Path], revision: int = 0) -> None:
    """Publish a manifest as a boundary or an arc would."""
    state = ManifestState.COMPLETE if files else ManifestState.EMPTY
    manifest = Manifest(state=state, lot=Lot.parse(lot), uris=tuple(file.as_uri() for file in files))
    with encode(manifest).open() as stream:
        dataset = Dataset(name=name, version="20130101")
        pipeline.manifests.publish(dataset, manifest.lot, state, revision, stream)


def commit_first_day(pipeline: Pipeline, folder: Path) -> list[Path]:
    """All flights of the first day, as they arrive: the files."""
    outbox = Outbox.below(folder)
    feed(drops(1), outbox, lambda: None)
    files = sorted((outbox.arrivals / "flights").iterdir())
    for file in files:
        day, hour = re.findall(r"\d+", file.name)
        commit(pipeline, "flights", f"{day}PT1H0{hour}", [file])
    return files


def line(pipeline: Pipeline, start: str) -> str:
    (found,) = [line for line in report.report(pipeline, 1).lines if line.strip().startswith(start)]
    return found.strip()


def test_nothing_committed_is_not_equal(pipeline: Pipeline) -> None:
    outcome = report.report(pipeline, 1)
    assert not outcome.equal
    assert "  flights-by-carrier: 0 of 842 rows, NOT EQUAL" in outcome.lines


def test_rows_files_and_bytes_are_those_that_manifests_list(pipeline: Pipeline, tmp_path: Path) -> None:
    files = commit_first_day(pipeline, tmp_path)
    stray = files[0].with_name("stray.csv")
    stray.write_text("a\n1\n", "utf-8")
    size = sum(file.stat().st_size for file in files)
    assert line(pipeline, "flights: 842 rows") == f"flights: 842 rows in 19 files ({size:,} bytes)"
    assert line(pipeline, "flights: 842 of") == "flights: 842 of 842 rows, equal"


def test_lots_that_an_arc_has_not_worked_are_waiting(pipeline: Pipeline, tmp_path: Path) -> None:
    (file, *_) = commit_first_day(pipeline, tmp_path)
    commit(pipeline, "flights-by-carrier", "20130101PT1H010", [file])
    commit(pipeline, "flights-by-carrier", "20130101PT1H011", [])
    assert line(pipeline, "byCarrier").endswith("lots: 1 complete, 1 empty, 17 waiting")


def test_lots_before_the_start_of_a_source_are_not_waiting(pipeline: Pipeline) -> None:
    for hour in ("09", "10"):
        commit(pipeline, "weather", f"20130101PT1H0{hour}", [])
    assert line(pipeline, "withWeather").endswith("0 empty, 1 waiting")


def test_the_newest_revision_of_a_lot_counts(pipeline: Pipeline, tmp_path: Path) -> None:
    files = commit_first_day(pipeline, tmp_path)
    before = pipeline.committed()
    commit(pipeline, "flights", "20130101PT1H010", files[:2], revision=1)
    assert line(pipeline, f"flights: {842 + rows(files[1])} rows in 20 files")
    assert pipeline.committed() != before


def rows(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines()) - 1


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_screen(pipeline: Pipeline, tmp_path: Path, width: int) -> None:
    commit_first_day(pipeline, tmp_path)
    text = report.report(pipeline, 1).text(width)
    assert max(map(len, text.splitlines())) <= width
    assert " ".join(text.split()) == " ".join(report.report(pipeline, 1).text(1000).split())
