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


NIGHT = int(os.environ.get("CLS_FUZZ_SECONDS") or 600) if os.environ.get("CLS_NIGHTLY") else 0
"""For so many seconds each reader is fuzzed, where there is time."""

_BY_DAY = ["project", "manifest", "uri"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for *reader* is run with each, and one for the name of what is *fuzzed* with as many as fit."""
    if "reader" in metafunc.fixturenames:
        metafunc.parametrize("reader", FUZZ.READERS.values(), ids=list(FUZZ.READERS))
    if "fuzzed" in metafunc.fixturenames:
        metafunc.parametrize("fuzzed", list(FUZZ.READERS) if NIGHT else _BY_DAY)


@pytest.fixture(scope="session")
def fuzz() -> ModuleType:
    return FUZZ


@pytest.fixture(scope="session")
def night() -> int:
    """For how many seconds a reader may be fuzzed; 0 where there is no time for what takes long."""
    return NIGHT
