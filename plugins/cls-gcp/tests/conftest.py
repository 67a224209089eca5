"""The servers that these tests ask, each started once, and a clean way to each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from beds.fake_gcs import fake_gcs
from beds.pubsub import pubsub

from cls_gcp import clients


@pytest.fixture(scope="session")
def gcs_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fake_gcs(tmp_path_factory.mktemp("fake-gcs")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def pubsub_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pubsub(tmp_path_factory.mktemp("pubsub")) as endpoint:
        yield endpoint


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing that this machine knows of Google Cloud counts, and clients are the test's own."""
    monkeypatch.setattr(clients, "_made", {})
    for name in [name for name in os.environ if name.startswith(("GOOGLE_", "CLOUDSDK_", "STORAGE_", "PUBSUB_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    return monkeypatch


@pytest.fixture
def gcs(gcs_endpoint: str, apart: pytest.MonkeyPatch) -> str:
    """Buckets are those of a fake-gcs-server."""
    apart.setenv("STORAGE_EMULATOR_HOST", gcs_endpoint)
    return gcs_endpoint


@pytest.fixture
def emulator(pubsub_endpoint: str, apart: pytest.MonkeyPatch) -> str:
    """Topics are those of the Pub/Sub emulator."""
    apart.setenv("PUBSUB_EMULATOR_HOST", pubsub_endpoint)
    return pubsub_endpoint
