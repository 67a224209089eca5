"""A real engine where one can be had, and an image made of nothing but busybox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from beds import docker as bed


@pytest.fixture(scope="session")
def docker_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an engine that answers; the environment names it, too."""
    with bed.engine(tmp_path_factory) as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", host)
        yield host


@pytest.fixture(scope="session")
def busybox(docker_host: str) -> str:
    return bed.busybox(docker_host)
