"""Servers that answer as AWS does: how a test asks them, and nobody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from beds.seaweed import KEY, SECRET

REGION = "us-west-2"
ACCOUNT = "000000000000"  # of ministack, whoever asks; moto's is 123456789012


def ask(monkeypatch: pytest.MonkeyPatch, endpoint: str, home: Path) -> None:
    """Have whatever this test runs ask *endpoint*, knowing nothing of AWS that this machine knows."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for name, value in variables(endpoint).items():
        monkeypatch.setenv(name, value)


def variables(endpoint: str) -> dict[str, str]:
    """What leads a process to *endpoint*."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
