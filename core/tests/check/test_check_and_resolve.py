"""Project files on the real local provider: placed, checked together, their sources found."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusterless.deploy.check import check
from clusterless.deploy.read import Declared, read_projects
from clusterless.deploy.resolve import resolve
from clusterless.errors import MalformedError
from clusterless.model.lot import LotUnit
from clusterless.plugins import find_plugins
from clusterless.runtime.register import register

Project = dict[str, Any]
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLS_LOCAL_ROOT", str(tmp_path / "root"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_(name: str, *projects: Project) -> Path:
        file = tmp_path / name
        file.write_text(json.dumps(projects[0] if len(projects) == 1 else projects))
        return file

    return write_


def project(name: str, *elements: dict[str, Any], placement: dict[str, Any] | None = None, **others: Any) -> Project:
    return {
        "project": {"name": name, "version": "1"},
        "placement": placement or {"provider": "local"},
        "boundaries": [each for each in elements if "lotUnit" in each],
        "arcs": [each for each in elements if "sources" in each],
        **others,
    }


def boundary(name: str, where: str = "", **others: Any) -> dict[str, Any]:
    dataset = {"name": name, "version": "1", "pathURI": where or f"data/{name}/"}
    type_ = "local:core:putListenerBoundary"
    return {"type": type_, "name": f"{name}In", "dataset": dataset, "lotUnit": "Hours", **others}


def arc(name: str, source: str, sink: str, **source_settings: Any) -> dict[str, Any]:
    return {
        "type": "cls:core:copyArc",
        "name": name,
        "sources": {"main": {"name": source, "version": "1", **source_settings}},
        "sinks": {"main": {"name": sink, "version": "1", "pathURI": f"data/{sink}/"}},
    }


def read(*files: Path) -> tuple[Declared, ...]:
    plugins = find_plugins()
    return read_projects(files, plugins.components(), plugins.project_formats())


def findings(*files: Path) -> list[str]:
    return [str(finding) for finding in check(read(*files), find_plugins())]


def record(file: Path) -> None:
    """As a run does at its start."""
    for site in resolve(read(file), find_plugins()):
        register(find_plugins().open_store(site.roots.metadata), site.deployable)


def test_a_source_is_found_in_another_of_the_files(write: Write, tmp_path: Path) -> None:
    first = write("first.json", project("p", boundary("a")))
    second = write("second.json", project("q", arc("copy", "a", "b")))
    site = resolve(read(first, second), find_plugins())[1]
    source = site.sources["copy", "main"]
    assert source.dataset.path_uri == f"{tmp_path.as_uri()}/data/a/"
    assert source.stores.manifest == site.roots.manifest
    assert source.unit is LotUnit.HOURS
    assert (site.deployable.placement.account, site.deployable.placement.region) == ("local", "here")
    assert (site.file, site.base) == (str(second), tmp_path)


def test_a_source_is_found_in_what_an_earlier_run_recorded(write: Write, tmp_path: Path) -> None:
    record(write("first.json", project("p", boundary("a"))))
    (site,) = resolve(read(write("second.json", project("q", arc("copy", "a", "b")))), find_plugins())
    source = site.sources["copy", "main"]
    assert source.dataset.path_uri == f"{tmp_path.as_uri()}/data/a/"
    assert source.unit is None


def test_the_unit_of_a_recorded_source_is_that_of_a_lot_it_has(write: Write) -> None:
    record(write("first.json", project("p", boundary("a"))))
    declared = read(write("second.json", project("q", arc("copy", "a", "b"))))
    (site,) = resolve(declared, find_plugins())
    manifests = find_plugins().open_store(site.roots.manifest)
    manifests.put("datasets/name=a/version=1/lot=20240131PT1H003/state=empty/manifest.json", b"{}")
    (site,) = resolve(declared, find_plugins())
    assert site.sources["copy", "main"].unit is LotUnit.HOURS


def test_a_source_may_live_in_another_placement(write: Write) -> None:
    there = {"provider": "local", "stage": "there"}
    record(write("first.json", project("p", boundary("a"), placement=there)))
    unnamed = write("second.json", project("q", arc("copy", "a", "b")))
    with pytest.raises(MalformedError, match="nobody owns dataset a/1"):
        resolve(read(unnamed), find_plugins())
    named = write("third.json", project("q", arc("copy", "a", "b", placement=there)))
    (site,) = resolve(read(named), find_plugins())
    source = site.sources["copy", "main"]
    assert source.placement.stage == "there"
    assert source.placement.account == "local"
    assert "/there-clusterless-manifest-" in source.stores.manifest


def test_what_is_recorded_as_anothers_is_refused(write: Write) -> None:
    record(write("first.json", project("p", boundary("a"))))
    (finding,) = findings(write("second.json", project("q", boundary("a", "other/"))))
    assert "dataset a/1 belongs to project p/1" in finding


def test_all_mistakes_of_all_files_are_told_at_once(write: Write) -> None:
    files = (
        write("first.json", project("p", boundary("a"), arc("one", "x", "b"), arc("two", "y", "c"))),
        write("second.json", project("q", boundary("a", "other/"), arc("three", "z", "a"))),
    )
    found = findings(*files)
    for text in ("nobody owns dataset x/1", "nobody owns dataset y/1", "nobody owns dataset z/1", "two owners"):
        assert any(text in each for each in found), text
    with pytest.raises(MalformedError) as raised:
        resolve(read(*files), find_plugins())
    assert all(text in raised.value.problem for text in found)


def test_the_paths_of_several_projects_in_a_file_are_told_apart(write: Write) -> None:
    file = write("both.json", project("p", boundary("a")), project("q", arc("copy", "x", "b")))
    (finding,) = findings(file)
    assert "$[1].arcs[0].sources.main: nobody owns" in finding


def test_a_provider_that_is_not_installed_is_one_finding_among_others(write: Write) -> None:
    found = findings(
        write("first.json", project("p", boundary("a"), placement={"provider": "venus"})),
        write("second.json", project("q", arc("copy", "x", "b"))),
    )
    assert any("$.placement: no provider named 'venus'" in each and "pip install cls-venus" in each for each in found)
    assert any("nobody owns dataset x/1" in each for each in found)


def test_a_dataset_among_the_placements_own_records_is_refused(write: Write) -> None:
    (site,) = resolve(read(write("first.json", project("p", boundary("a")))), find_plugins())
    (finding,) = findings(write("second.json", project("q", boundary("b", f"{site.roots.manifest}b/"))))
    assert "among the placement's own records" in finding
    assert "$.boundaries[0].dataset.pathURI" in finding


def test_a_record_that_cannot_be_read_is_a_finding(write: Write) -> None:
    file = write("first.json", project("p", boundary("a")))
    (site,) = resolve(read(file), find_plugins())
    find_plugins().open_store(site.roots.metadata).put("datasets/name=a/version=1/dataset.json", b"{")
    (finding,) = findings(file)
    assert "$.boundaries[0].dataset" in finding
    assert "dataset.json" in finding


def test_warnings_do_not_stop_a_run(
    write: Write, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logging set-up elsewhere in the process (import-linter's, for one) turns off the loggers it does not know.
    monkeypatch.setattr(logging.getLogger("clusterless.deploy.resolve"), "disabled", False)
    file = write("first.json", project("p", boundary("a"), arc("copy", "a", "b", subscribe=False)))
    assert len(resolve(read(file), find_plugins())) == 1
    assert "nothing starts it" in caplog.text


# ---- barriers and ways out -------------------------------------------------------------------------------------


def join(name: str, *sources: str, **dataset: Any) -> dict[str, Any]:
    return {
        "type": "cls:core:joinBarrier",
        "name": f"join-{name}",
        "sources": {source: {"name": source, "version": "1"} for source in sources},
        "dataset": {"name": name, "version": "1", **dataset},
    }


def frequent(name: str) -> dict[str, Any]:
    return boundary(name, eventArrival="frequent")


def test_whoever_reads_a_joined_dataset_learns_where_its_objects_lie(write: Write, tmp_path: Path) -> None:
    """From the files that declare it, and later from what was recorded; a join of it learns it too."""
    first = write("first.json", project("p", frequent("a"), frequent("b"), barriers=[join("c", "a", "b")]))
    second = write("second.json", project("q", arc("copy", "c", "out"), barriers=[join("d", "c", "b")]))
    data = f"{tmp_path.as_uri()}/data/"
    together = resolve(read(first, second), find_plugins())[1]
    record(first)
    for site in (together, resolve(read(second), find_plugins())[0]):
        source = site.sources["copy", "main"]
        assert (source.dataset.path_uri, source.roots) == (data, (f"{data}a/", f"{data}b/"))
        (barrier,) = site.deployable.barriers
        assert (barrier.dataset.path_uri, barrier.dataset.roots) == (data, (f"{data}a/", f"{data}b/"))


def owned(tmp_path: Path, name: str) -> dict[str, Any]:
    (found,) = (tmp_path / "root").rglob(f"name={name}/version=1/dataset.json")
    read_: dict[str, Any] = json.loads(found.read_text())
    return read_


def test_roots_are_recorded_only_where_the_location_is_not_the_only_one(write: Write, tmp_path: Path) -> None:
    barriers = [join("c", "a", "b"), join("d", "a"), join("e", "a", "b", pathURI="data")]
    record(write("p.json", project("p", frequent("a"), frequent("b"), barriers=barriers)))
    data = f"{tmp_path.as_uri()}/data/"
    assert owned(tmp_path, "c")["roots"] == [f"{data}a/", f"{data}b/"]
    assert all(set(owned(tmp_path, name)) == {"owner", "dataset"} for name in "ade")
    assert owned(tmp_path, "d")["dataset"]["pathURI"] == f"{data}a/"
    record(write("p.json", project("p", frequent("a"), frequent("b"), barriers=[join("c", "a"), *barriers[1:]])))
    assert set(owned(tmp_path, "c")) == {"owner", "dataset"}, "they are recorded anew when the sources change"


def test_whatever_works_lots_is_recorded_as_an_arc(write: Write, tmp_path: Path) -> None:
    out = {
        "type": "cls:core:copyEgressBoundary",
        "name": "out",
        "sources": {"main": {"name": "c", "version": "1"}},
        "pathURI": "outside",
    }
    declared = project("p", frequent("a"), barriers=[join("c", "a")])
    declared["boundaries"].append(out)
    file = write("p.json", declared)
    (site,) = resolve(read(file), find_plugins())
    assert [each.path for each in site.deployable.consumers] == [".barriers[0]", ".boundaries[1]"]
    assert site.sources["out", "main"].dataset.path_uri == f"{tmp_path.as_uri()}/data/a/"
    record(file)
    recorded = {path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "root").rglob("arc.json")}
    assert {name: list(each["sources"]) for name, each in recorded.items()} == {
        "arc=join-c": ["a"],
        "arc=out": ["main"],
    }
    assert (list(recorded["arc=join-c"]["sinks"]), recorded["arc=out"]["sinks"]) == (["main"], {})


def test_a_way_out_does_not_lead_into_the_placements_own_records(write: Write, tmp_path: Path) -> None:
    out = {"type": "cls:core:copyEgressBoundary", "name": "out", "sources": {"main": {"name": "a", "version": "1"}}}
    (metadata,) = {site.roots.metadata for site in resolve(read(write("q.json", project("q"))), find_plugins())}
    declared = project("p", frequent("a"))
    declared["boundaries"].append({**out, "pathURI": metadata})
    (finding,) = findings(write("p.json", declared))
    assert "$.boundaries[1].pathURI" in finding


def test_the_placement_of_a_barriers_source_is_completed(write: Write) -> None:
    there = {"provider": "local", "stage": "there"}
    other = project("other", frequent("a"), placement=there)
    barrier = join("c", "a")
    barrier["sources"]["a"]["placement"] = there
    sites = resolve(read(write("p.json", project("p", barriers=[barrier]), other)), find_plugins())
    assert sites[0].sources["join-c", "a"].stores.manifest == sites[1].roots.manifest
