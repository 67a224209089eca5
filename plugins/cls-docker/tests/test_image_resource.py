"""``docker:core:imageResource``, on a real engine and against real registries."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from beds.registry import login, registry
from beds.server import free_port

from cls_docker.image_resource import PushError, make_image
from cls_docker.resources import ImageResource
from clusterless.errors import ClsError, WorkloadError

Make = Callable[..., None]


@pytest.fixture
def client(docker_host: str) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=docker_host, version="auto")
    yield client
    client.close()


@pytest.fixture
def name(tmp_path: Path, client: docker.DockerClient) -> Iterator[str]:
    """A name for images that is this test's own."""
    name = f"cls-made-{tmp_path.name.lower().replace('_', '-')}"
    yield name
    for image in client.images.list():
        for tag in image.tags:
            if name in tag:
                client.images.remove(tag, force=True)


@pytest.fixture
def folder(tmp_path: Path, busybox: str) -> Path:
    """What an image is built from that says hello."""
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f'FROM {busybox}\nCOPY said /\nCMD ["cat", "/said"]\n')
    (folder / "said").write_text("hello")
    return folder


@pytest.fixture
def make(folder: Path, bench: Any) -> Make:
    def make(*tags: str, **more: Any) -> None:
        declared = {"type": "docker:core:imageResource", "name": "hello", "image_path": folder.name, "tags": tags}
        make_image(ImageResource(**{**declared, **more}), bench.surroundings())

    return make


def says(client: docker.DockerClient, image: str) -> str:
    """What the image's file holds: a container need not run for that."""
    container = client.containers.create(image)
    try:
        blocks, _ = container.get_archive("/said")
        with tarfile.open(fileobj=io.BytesIO(b"".join(blocks))) as tar:
            said = tar.extractfile("said")
            assert said
            return said.read().decode()
    finally:
        container.remove()


def test_an_image_is_built_and_called_by_every_tag(make: Make, client: docker.DockerClient, name: str) -> None:
    make(f"{name}:1", name)
    assert says(client, f"{name}:1") == says(client, f"{name}:latest") == "hello"
    assert client.images.get(f"{name}:1").id == client.images.get(name).id


def test_it_is_built_anew_when_a_file_has_changed_and_only_then(
    make: Make, client: docker.DockerClient, name: str, folder: Path
) -> None:
    make(name)
    first = client.images.get(name).id
    make(name)
    assert client.images.get(name).id == first
    (folder / "said").write_text("goodbye")
    make(name)
    assert says(client, name) == "goodbye", "the tag is the new image's"


def test_a_tag_that_another_image_had_is_taken_over(
    make: Make, client: docker.DockerClient, name: str, busybox: str
) -> None:
    client.images.get(busybox).tag(name, "1")
    make(f"{name}:1")
    assert says(client, f"{name}:1") == "hello"


def test_what_is_pushed_can_be_pulled(make: Make, client: docker.DockerClient, name: str, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as host:
        pushed = f"{host}/team/{name}"
        make(f"{pushed}:1", f"{pushed}:2", push=True)
        for tag in ("1", "2"):
            client.images.remove(f"{pushed}:{tag}")
            client.images.pull(pushed, tag=tag)
            assert says(client, f"{pushed}:{tag}") == "hello"
        make(f"{pushed}:1", push=True)  # all of it is there already


def test_without_push_a_registry_hears_nothing(make: Make, client: docker.DockerClient, name: str) -> None:
    make(f"127.0.0.1:{free_port()}/{name}:1")


def test_a_registry_wants_to_know_who_pushes(
    make: Make, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: docker.DockerClient
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    with registry(tmp_path / "registry", closed=True) as host:
        with pytest.raises(PushError, match=f"cannot push {host}/{name}:1: ") as refused:
            make(f"{host}/{name}:1", push=True)
        assert refused.value.hint == f"docker login {host}"
        login(tmp_path / "config", host, password="wrong")
        with pytest.raises(PushError) as refused:
            make(f"{host}/{name}:1", push=True)
        assert "wrong" not in f"{refused.value.problem}{refused.value.hint}"
        login(tmp_path / "config", host)
        make(f"{host}/{name}:1", push=True)


def test_a_registry_that_does_not_answer_is_named(make: Make, name: str, client: docker.DockerClient) -> None:
    host = f"127.0.0.1:{free_port()}"
    with pytest.raises(PushError, match=f"cannot push {host}/{name}:1: .*refused") as refused:
        make(f"{host}/{name}:1", push=True)
    assert "registry's name" in refused.value.hint


def test_what_cannot_be_built_is_not_tagged(make: Make, name: str, client: docker.DockerClient, folder: Path) -> None:
    with (folder / "Dockerfile").open("a") as file:
        file.write('RUN ["sh", "-c", "echo the reason; exit 7"]\n')
    with pytest.raises(WorkloadError, match="the reason"):
        make(name)
    assert client.images.list(name=name) == []


def test_a_folder_that_is_not_there_is_named(make: Make, name: str) -> None:
    with pytest.raises(ClsError, match="nowhere"):
        make(name, image_path="nowhere")
