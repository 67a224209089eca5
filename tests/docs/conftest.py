"""The pages, their blocks, and a folder in which what they show is done."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from attrs import frozen
from beds import aws, az, azurite, docker
from beds.docker_bases import base
from beds.fake_gcs import Telling, fake_gcs
from beds.installed import installed
from beds.ministack import ministack
from beds.proxy import proxied
from beds.pubsub import pubsub

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@frozen
class Page:
    """A page and the text of its fenced blocks, by kind and in order."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def prose(self) -> str:
        """All but the blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, kind: str) -> list[str]:
        return [match["text"] for match in _FENCE.finditer(self.text) if match["kind"] == kind]


def pages() -> list[Page]:
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
    assert len(found) > 10
    return [Page(path) for path in found]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", pages(), ids=lambda page: page.name)


@pytest.fixture
def read() -> Callable[[str], Page]:
    return lambda name: Page(ROOT / name)


@pytest.fixture
def root() -> Path:
    return ROOT


Shell = Callable[..., str]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs commands of a page in a folder of their own, in which `cls` and `python` are those under test."""
    binaries = tmp_path / ".bin"
    binaries.mkdir()
    for name, arguments in (("cls", " -m clusterless.cli"), ("python", "")):
        (binaries / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n', encoding="utf-8")
        (binaries / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "CLS_LOCAL_ROOT"}}

    def run(commands: str, **environment: str) -> str:
        path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
        with subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=tmp_path,
            env={**kept, "PATH": path, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as started:
            try:
                said, complained = started.communicate(timeout=120)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(started.pid, signal.SIGKILL)  # what it has started and not waited for, too
        assert started.returncode == 0, f"{commands}\n{said}\n{complained}"
        return said

    return run


@pytest.fixture(scope="session")
def aws_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


@pytest.fixture
def aws_server(aws_cloud: str, shell: Shell, tmp_path: Path) -> dict[str, str]:
    """An account of AWS with nothing in it, and its own command line."""
    (tmp_path / ".bin/aws").symlink_to(installed("awscli", "awscli>=1.40") / "aws")
    account = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_DEFAULT_REGION": aws.REGION}  # the server takes it for one
    return {**aws.variables(aws_cloud), **account, "HOME": str(tmp_path)}


@pytest.fixture
def azure_server(shell: Shell, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A storage account of Azure with nothing in it, and what of Azure's command line is needed for it."""
    program = tmp_path / ".bin/az"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{az.__file__}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    with azurite.azurite(tmp_path_factory.mktemp("azurite"), account="myaccount") as bed:
        yield {**bed.variables(), "AZURE_LOCATION": azurite.REGION, "HOME": str(tmp_path)}


@pytest.fixture
def gcp_server(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A project of Google Cloud with nothing in it, whose bucket tells of its objects once it is made."""
    if not shutil.which("gcloud"):
        pytest.skip("the page uploads with gcloud, which is not here")
    topic = "DEV-objects-orders-my-project"
    with (
        pubsub(tmp_path_factory.mktemp("pubsub")) as emulator,
        fake_gcs(tmp_path_factory.mktemp("gcs"), emulator=emulator, project="my-project", topic=topic) as server,
        proxied(server, Telling()) as endpoint,
    ):
        yield {
            "STORAGE_EMULATOR_HOST": endpoint,
            "PUBSUB_EMULATOR_HOST": emulator,
            "GOOGLE_CLOUD_PROJECT": "my-project",
            "GOOGLE_CLOUD_REGION": "europe-west1",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{server}/",
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CORE_PROJECT": "my-project",
            "HOME": str(tmp_path),
        }


@pytest.fixture
def containers_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A container engine, with the image that the page's own begins from."""
    with docker.engine(tmp_path_factory) as host:
        base(host, "python")
        yield {"DOCKER_HOST": host}


@pytest.fixture(name="write-a-provider_server")
def _installing(shell: Shell, tmp_path: Path) -> dict[str, str]:
    """What is installed goes into a folder of its own, by the build system that is there."""
    pip = tmp_path / ".bin/pip"
    options = "--quiet --no-deps --no-build-isolation --target site"
    pip.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip "$@" {options}\n', encoding="utf-8")
    pip.chmod(0o755)
    return {"PYTHONPATH": str(tmp_path / "site")}
