"""Arcs whose image is built or fetched before their first lot, on a real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest
from beds.registry import PASSWORD, USER, login, registry

from cls_docker.client import Engine
from cls_docker.confinement import PullPolicy
from cls_docker.images import CONTEXT, build, digest
from cls_docker.workload import open_any, open_arc
from clusterless.errors import WorkloadError
from clusterless.provider import Container


@pytest.fixture
def folder(engine_bench: Any, api: Any) -> Iterator[Path]:
    """The folder of an image that is as busybox is, and holds a file of its own; it is removed afterwards."""
    made = engine_bench.base / "tea"
    made.mkdir()
    (made / "leaf").write_text(f"green of {engine_bench.base}\n")  # no two tests build the same
    (made / "Dockerfile").write_text(f"FROM {engine_bench.image}\nCOPY leaf /leaf\nENV POT=china\n")
    yield made
    for each in built(api, made):
        api.remove_image(each, force=True)


def built(api: Any, folder: Path) -> list[str]:
    return [each["Id"] for each in api.images(filters={"label": f"{CONTEXT}={digest(folder)}"})]


def test_an_image_is_built_before_its_first_lot_and_once(engine_bench: Any, api: Any, folder: Path) -> None:
    arc = engine_bench.arc("cat /leaf; echo $POT\n" + engine_bench.writes("a"), image_path="tea")
    engine_bench.worked(arc, engine_bench.work())
    assert "Step 1/" in engine_bench.printed, "the build's log is kept"
    assert engine_bench.printed.endswith(f"green of {engine_bench.base}\nchina\n")
    first = built(api, folder)
    assert len(first) == 1
    engine_bench.worked(arc, engine_bench.work())
    assert engine_bench.printed == f"green of {engine_bench.base}\nchina\n"
    assert built(api, folder) == first


def test_one_that_cannot_be_built_shows_the_log(engine_bench: Any, folder: Path) -> None:
    (folder / "Dockerfile").write_text(f"FROM {engine_bench.image}\nRUN echo the kettle is cold >&2; exit 3\n")
    with pytest.raises(WorkloadError, match=r"(?s)tea: .* 3\n.*\| the kettle is cold\n") as no:
        engine_bench.run("true", image_path="tea")
    assert no.value.hint == f"docker build {folder}"
    assert "the kettle is cold\n" in engine_bench.printed
    assert "\x1b" not in f"{no.value}{engine_bench.printed}", "the engine colours what goes to stderr"


def test_a_dockerfile_that_is_none_is_named(engine_bench: Any, folder: Path) -> None:
    (folder / "Dockerfile").write_text("BREW tea\n")
    with pytest.raises(WorkloadError, match="BREW"):
        engine_bench.run("true", image_path="tea")


def test_one_that_was_removed_meanwhile_is_built_again(engine_bench: Any, api: Any, folder: Path) -> None:
    engine = Engine()
    try:
        first = build(engine, folder)
        api.remove_image(first, force=True)
        assert build(engine, folder)
        assert len(built(api, folder)) == 1
    finally:
        engine.close()


def test_any_arc_of_a_container_kind_is_worked_here(engine_bench: Any) -> None:
    """As one of a cloud's: of an image that is built, as its own user, on a root that it may write to."""
    script = "touch /x; id -u; env | grep COLOUR\n" + engine_bench.writes("a")
    container = Container(image=engine_bench.image, command=("sh", "-euc", script), environment={"COLOUR": "blue"})
    workload = open_any(engine_bench.arc("true"), container, engine_bench.surroundings())
    try:
        result = workload.run(engine_bench.work())
    finally:
        workload.close()
    assert len(result.sinks["main"].manifest.uris) == 1
    assert engine_bench.printed == "0\nCOLOUR=blue\n"


# ---- of a registry that wants to know who asks -----------------------------------------------------------------


@pytest.fixture
def publish(
    engine_bench: Any, docker_host: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Has a registry hold an image with that leaf by the name of the bench's; the engine has what it had before."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    with (
        registry(tmp_path / "registry", closed=True) as host,
        closing(docker.DockerClient(base_url=docker_host, version="auto")) as client,
    ):
        name = f"{host}/leaf:1"

        def put(leaf: str) -> None:
            before = client.images.list(name=name)
            (folder / "leaf").write_text(leaf)
            client.images.build(path=str(folder), tag=name, network_mode="host", rm=True)
            client.images.push(name, auth_config={"username": USER, "password": PASSWORD})
            client.images.remove(name, force=True)
            for image in before:
                image.tag(name)

        engine_bench.image = name
        put("green")
        login(tmp_path / "config", host)
        yield put
        for image in client.images.list(name=name):
            client.images.remove(image.id, force=True)


@pytest.mark.parametrize("policy", [PullPolicy.MISSING, PullPolicy.ALWAYS])
@pytest.mark.usefixtures("publish")
def test_a_private_image_is_fetched_by_the_login_that_docker_keeps(
    policy: PullPolicy, engine_bench: Any, tmp_path: Path
) -> None:
    config = tmp_path / "config/config.json"
    kept = config.read_text()
    config.write_text("{}")
    with pytest.raises(WorkloadError, match=f"cannot pull the image {engine_bench.image}: ") as refused:
        engine_bench.run("true", pull_policy=policy)
    assert refused.value.hint == f"docker login {engine_bench.image.partition('/')[0]}"
    config.write_text(kept)
    engine_bench.run("cat /leaf\n" + engine_bench.writes("a"), pull_policy=policy)
    assert engine_bench.printed.endswith("green")
    assert PASSWORD not in engine_bench.printed


def test_one_that_has_changed_is_fetched_anew_once_a_run_where_that_is_declared(
    engine_bench: Any, publish: Callable[[str], None]
) -> None:
    script = "cat /leaf\n" + engine_bench.writes("a")
    engine_bench.run(script)
    publish("black")
    engine_bench.run(script)
    assert engine_bench.printed == "green", "it is there"
    always = engine_bench.arc(script, pull_policy=PullPolicy.ALWAYS)
    with closing(open_arc(always, engine_bench.surroundings())) as workload:
        workload.run(engine_bench.work())
        assert engine_bench.printed.endswith("black")
        publish("white")
        workload.run(engine_bench.work())
        assert engine_bench.printed == "black", "lots of one run have one image"
