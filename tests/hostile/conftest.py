"""The readers of `fuzz.py`, which is a program of its own, too."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile_fuzz", HERE / "fuzz.py")
    assert spec
    assert spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FUZZ = loaded()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for *reader* is run with each."""
    if "reader" in metafunc.fixturenames:
        metafunc.parametrize("reader", FUZZ.READERS.values(), ids=list(FUZZ.READERS))


@pytest.fixture(scope="session")
def fuzz() -> ModuleType:
    return FUZZ


@pytest.fixture(scope="session")
def nightly() -> bool:
    """Whether there is time for what takes long."""
    return bool(os.environ.get("CLS_NIGHTLY"))
