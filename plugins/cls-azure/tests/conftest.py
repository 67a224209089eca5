"""The servers that these tests ask, each started once, and a clean way to each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from beds.azurite import Azurite, azurite

from cls_azure import clients


@pytest.fixture(scope="session")
def azurite_bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite")) as bed:
        yield bed


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing that this machine knows of Azure counts, and clients are the test's own."""
    monkeypatch.setattr(clients, "_made", {})
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "MSI_", "ARM_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "home/.azure"))
    return monkeypatch


@pytest.fixture
def azure(azurite_bed: Azurite, apart: pytest.MonkeyPatch) -> Azurite:
    """The storage account is that of an Azurite."""
    for name, value in azurite_bed.variables().items():
        apart.setenv(name, value)
    return azurite_bed
