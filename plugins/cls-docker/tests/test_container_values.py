"""What is asked of an engine, as values: no engine is needed to know it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cls_docker.confinement import Confinement, Volume
from cls_docker.images import digest, slug
from cls_docker.mounts import Mount, mounts
from cls_docker.run import Run, check_set, creation, handed_on, user_of
from cls_docker.workload import ContainerWorkload, open_any, open_arc
from clusterless.errors import VariableUnsetError, WorkloadError
from clusterless.provider import Container, SourceLot

LABELS = {"store": "file:///s/", "arc": "a", "lot": "l", "attempt": "1"}
RUN = Run(
    image="tea:1",
    command=("brew", "green"),
    environment={"COLOUR": "green"},
    labels={f"clusterless.{name}": value for name, value in LABELS.items()},
)


# ---- what an engine is asked for -------------------------------------------------------------------------------


def test_what_is_asked_for_is_what_docker_run_would_ask_for() -> None:
    confinement = Confinement(
        user="1:2", network="none", pids_limit=9, read_only_root=True, scratch_size_mb=8, keeps_capabilities=False
    )
    run = evolve(RUN, confinement=confinement, user="1:2", memory_mb=64, cpus=0.5, mounts=(Mount("/a", "/b", True),))
    asked = creation(run, {})
    assert asked["Image"] == "tea:1"
    assert asked["Cmd"] == ["brew", "green"]
    assert asked["Env"] == ["COLOUR=green"]
    assert asked["User"] == "1:2"
    assert asked["HostConfig"] == {
        "Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": True}],
        "SecurityOpt": ["no-new-privileges"],
        "PidsLimit": 9,
        "ReadonlyRootfs": True,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "64m"}},
        "NetworkMode": "none",
        "CapDrop": ["ALL"],
        "Tmpfs": {"/tmp": "rw,nosuid,nodev,exec,mode=1777,size=8m"},
        "Memory": 64 * 1024 * 1024,
        "MemorySwap": 64 * 1024 * 1024,
        "NanoCpus": 500_000_000,
    }


def test_by_default_an_image_runs_as_a_clouds_engine_runs_it() -> None:
    asked = creation(evolve(RUN, command=()), {})
    assert asked["Cmd"] is None
    assert not asked["User"]
    assert not asked["HostConfig"]["ReadonlyRootfs"]
    assert asked["HostConfig"].keys().isdisjoint({"NetworkMode", "CapDrop", "Tmpfs", "Memory", "NanoCpus"})


def test_what_is_passed_comes_from_around_and_what_is_set_goes_first() -> None:
    run = evolve(RUN, passed=("KEY", "COLOUR", "UNSET"))
    assert creation(run, {"KEY": "k", "COLOUR": "red", "SECRET": "s"})["Env"] == ["KEY=k", "COLOUR=green"]
    assert "k" not in repr(run).replace("KEY", "").split("'")


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)), st.lists(st.text(max_size=5)))
def test_nothing_is_handed_on_that_is_not_named(around: dict[str, str], names: list[str]) -> None:
    handed = handed_on(names, around)
    assert handed.items() <= around.items()
    assert handed.keys() == set(names) & around.keys()


def test_a_variable_that_is_needed_and_not_there_is_named() -> None:
    check_set(["A"], {"A": ""})
    with pytest.raises(VariableUnsetError, match="B is to be passed") as unset:
        check_set(["A", "B"], {"A": ""})
    assert "export B=" in unset.value.hint


def test_who_is_who_in_a_container() -> None:
    assert user_of(Confinement(user=None), 1000, 100, rootless=False) == "1000:100"
    assert user_of(Confinement(user=None), 1000, 100, rootless=True) == "0:0"
    assert user_of(Confinement(user=""), 1000, 100, rootless=True) == ""
    assert user_of(Confinement(user="7"), 1000, 100, rootless=True) == "7"


def test_a_name_tells_stores_apart() -> None:
    other = evolve(RUN, labels={**RUN.labels, "clusterless.store": "file:///t/"})
    assert RUN.name.startswith("cls-a-l-1-")
    assert RUN.name != other.name


# ---- what a container sees -------------------------------------------------------------------------------------


def test_folders_of_sources_are_to_read_and_those_of_sinks_to_write(bench: Any) -> None:
    manifest = bench.work().sources["main"].manifest_uri.removeprefix("file://").rpartition("/")[0]
    staged = str(Path(bench.staged()).parent.parent)
    seen = mounts(bench.work(), (), {})
    assert set(seen) == {
        Mount(str(bench.base / "source"), str(bench.base / "source"), True),
        Mount(manifest, manifest, True),
        Mount(str(bench.base / "sink-main"), str(bench.base / "sink-main"), False),
        Mount(staged, staged, False),
    }
    assert all(os.path.isdir(each.source) for each in seen)


def test_what_is_source_and_sink_is_to_write(bench: Any) -> None:
    work = bench.work()
    both = evolve(work.sources["main"], roots=(bench.uri("sink-main"),))
    seen = mounts(evolve(work, sources={"main": both}), (), {})
    assert [each.read_only for each in seen if each.target.endswith("sink-main")] == [False]


def test_what_lies_elsewhere_is_not_mounted(bench: Any) -> None:
    source = SourceLot(
        dataset=evolve(bench.work().sources["main"].dataset, path_uri="s3://bucket/in/"),
        manifest_uri="s3://bucket/manifest.json",
        revision=0,
        read=dict,  # type: ignore[arg-type]
    )
    seen = mounts(evolve(bench.work(), sources={"main": source}), (), {})
    assert all("bucket" not in each.target for each in seen)


def test_a_link_is_seen_where_the_uri_says(bench: Any) -> None:
    (bench.base / "real").mkdir()
    (bench.base / "sink-main").symlink_to(bench.base / "real")
    seen = {each.target: each.source for each in mounts(bench.work(), (), {})}
    assert seen[str(bench.base / "sink-main")] == str(bench.base / "real")


def test_a_sink_that_cannot_be_made_is_named(bench: Any) -> None:
    (bench.base / "sink-main").write_text("in the way")
    with pytest.raises(WorkloadError, match="sink-main cannot be made"):
        mounts(bench.work(), (), {})


def test_manifests_of_earlier_attempts_are_to_read(bench: Any) -> None:
    (bench.base / "earlier").mkdir()
    seen = mounts(bench.work(), (), {"main": [bench.uri("earlier") + "manifest.json"]})
    assert Mount(str(bench.base / "earlier"), str(bench.base / "earlier"), True) in seen


def test_a_volume_is_there_beforehand(bench: Any) -> None:
    volume = Volume(source=str(bench.base), target="/v")
    assert mounts(bench.work(), (volume,), {})[-1] == Mount(str(bench.base), "/v", True)
    with pytest.raises(WorkloadError, match="gone is not there"):
        mounts(bench.work(), (Volume(source=f"{bench.base}/gone", target="/v"),), {})


@pytest.mark.parametrize("leads", ["engine/d.sock", "engine", "."])
def test_no_folder_leads_to_the_engine(bench: Any, monkeypatch: pytest.MonkeyPatch, leads: str) -> None:
    (bench.base / "engine").mkdir()
    (bench.base / "engine" / "d.sock").touch()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{bench.base}/engine/d.sock")
    (bench.base / "innocent").symlink_to(bench.base / leads)
    volume = Volume(source=f"{bench.base}/innocent", target="/v")
    with pytest.raises(WorkloadError, match=r"innocent is not mounted: .* would let the container out"):
        mounts(bench.work(), (volume,), {})


def test_no_link_leads_to_the_kernel(bench: Any) -> None:
    (bench.base / "innocent").symlink_to("/proc/1")
    with pytest.raises(WorkloadError, match="the kernel's"):
        mounts(bench.work(), (Volume(source=f"{bench.base}/innocent", target="/v"),), {})


def test_no_sink_is_a_link_to_the_engine(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.base / "engine").mkdir()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{bench.base}/engine/d.sock")
    (bench.base / "sink-main").symlink_to(bench.base / "engine")
    with pytest.raises(WorkloadError, match="sink-main is not mounted"):
        mounts(bench.work(), (), {})


# ---- how it gets to what lies elsewhere ------------------------------------------------------------------------


def test_the_way_to_its_objects_is_told_as_its_stores_know_it(bench: Any) -> None:
    ways = {bench.uri("source"): {"WAY": "in", "IN": "1"}, bench.uri("sink-main"): {"WAY": "out", "REGION": "here"}}
    bench.around = {"variables": lambda uri: ways.get(uri, {})}
    arc = bench.arc("true", environment={"REGION": "declared"})
    told = open_arc(arc, bench.surroundings()).described(bench.work(), {}).environment
    assert {name: told[name] for name in ("WAY", "IN", "REGION")} == {"WAY": "out", "IN": "1", "REGION": "declared"}


def test_it_is_told_what_the_platform_would_tell_that_it_was_made_for(bench: Any) -> None:
    container = Container(image="tea:1", told=lambda work: {"JOB": work.attempt, "CLS_LOT": "none"})
    run = open_any(bench.arc(image="x"), container, bench.surroundings()).described(bench.work(), {})
    assert (run.environment["JOB"], run.environment["CLS_LOT"]) == (bench.attempt, str(bench.work().lot))


# ---- what is described -----------------------------------------------------------------------------------------


def test_an_attempt_is_described_with_its_labels(bench: Any) -> None:
    workload = open_arc(bench.arc("brew", "$.role", image="tea:1"), bench.surroundings())
    run = workload.described(bench.work(), {})
    assert run.command == ["brew", "main"]
    assert run.labels == {
        "clusterless.store": bench.uri("state"),
        "clusterless.project": "demo",
        "clusterless.version": "1",
        "clusterless.arc": "work",
        "clusterless.lot": "20240131PT5M287",
        "clusterless.attempt": "0-1-abc",
    }
    assert json.loads(run.environment["CLS_ARC_PROPS_JSON"])["sinks"]["main"]["name"] == "sink-main"


def test_an_arc_of_another_provider_is_let_as_far_as_its_cloud_lets_it(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench.base)
    (bench.base / ".clsconfig-docker").write_text('network = "host"\n')
    container = Container(image="tea:1", environment={"A": "1"}, passed=("HOME",), memory_mb=512)
    workload = open_any(bench.arc(image="x"), container, bench.surroundings())
    assert isinstance(workload, ContainerWorkload)
    run = workload.described(bench.work(), {})
    assert run.image == "tea:1"
    assert run.memory_mb == 512
    assert run.confinement == Confinement(network="host")


# ---- what an image is built from -------------------------------------------------------------------------------


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "My Image"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / "src/a").write_text("a")
    return folder


def test_a_digest_changes_with_what_is_built_from_and_with_nothing_else(context: Path) -> None:
    before = digest(context)
    os.utime(context / "src/a", (1, 1))
    assert digest(context) == before
    assert digest(context, "linux/arm64") != before
    for change in (
        lambda: (context / "src/a").write_text("b"),
        lambda: (context / "src/a").chmod(0o755),
        lambda: (context / "src/a").rename(context / "src/b"),
        lambda: (context / "src/c").symlink_to("b"),
        (context / "src/d").mkdir,
    ):
        change()
        assert before != (before := digest(context))


def test_what_is_ignored_does_not_count(context: Path) -> None:
    (context / ".dockerignore").write_text("# of no use\n*.log\n")
    before = digest(context)
    (context / "a.log").write_text("1")
    assert digest(context) == before


@pytest.mark.parametrize("missing", ["Dockerfile", "."])
def test_a_folder_that_no_image_can_be_built_from_is_named(context: Path, missing: str) -> None:
    folder = context if missing == "Dockerfile" else context / "gone"
    (context / "Dockerfile").unlink()
    with pytest.raises(WorkloadError, match="there is no Dockerfile") as refused:
        digest(folder)
    assert "imagePath" in refused.value.hint


@given(st.text())
def test_a_repository_can_be_called_like_any_folder(name: str) -> None:
    assert slug(name).strip("abcdefghijklmnopqrstuvwxyz0123456789-") == ""
    assert slug(name)
