"""The servers that these tests ask, each started once, and a clean way to each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from beds import aws
from beds.ministack import ministack
from beds.moto import moto
from beds.seaweed import seaweed

from cls_aws import clients


@pytest.fixture(scope="session")
def ministack_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def moto_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with moto(tmp_path_factory.mktemp("moto")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def seaweed_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with seaweed(tmp_path_factory.mktemp("seaweed")) as endpoint:
        yield endpoint


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Call it with an endpoint: all that this test does by AWS is asked there, by clients of its own."""
    monkeypatch.setattr(clients, "_made", {})
    (tmp_path / "home").mkdir()
    return lambda endpoint: aws.ask(monkeypatch, endpoint, tmp_path / "home")


@pytest.fixture(params=["ministack", "moto", "seaweed"])
def any_endpoint(request: pytest.FixtureRequest, ask: Callable[[str], None]) -> str:
    """Each of the servers in turn, asked by this test."""
    endpoint: str = request.getfixturevalue(f"{request.param}_endpoint")
    ask(endpoint)
    return endpoint
