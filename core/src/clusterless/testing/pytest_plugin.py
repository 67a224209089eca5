"""Fixtures for tests of clusterless and of its plugins; the plugin is found by its entry point."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING

import pytest

from clusterless.testing.clock import SettableClock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from clusterless.store.api import ObjectStore
    from clusterless.store.files import FileStore
    from clusterless.store.memory import MemoryStore
    from clusterless.testing.clock import JumpingClock
    from clusterless.testing.faults import FaultyStore

_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="what the `seeded` fixture begins with, to repeat a failure")


@pytest.fixture
def settable_clock() -> SettableClock:
    """A clock that only the test moves."""
    return SettableClock()


@pytest.fixture
def memory_store(settable_clock: SettableClock) -> MemoryStore:
    """An empty store in memory, on the settable clock."""
    from clusterless.store.memory import MemoryStore

    return MemoryStore(now=settable_clock.now)


@pytest.fixture
def file_store(tmp_path: Path) -> FileStore:
    """An empty store of files, below the test's own folder."""
    from clusterless.store.files import FileStore

    return FileStore(f"{(tmp_path / 'store').as_uri()}/")


@pytest.fixture
def seeded(request: pytest.FixtureRequest) -> random.Random:
    """Chance that is the same in each run of a test; a failure says its seed, `--seed` gives another."""
    given = request.config.getoption("--seed")
    seed = zlib.crc32(request.node.nodeid.encode()) if given is None else given
    request.node.stash[_SEED] = seed
    return random.Random(seed)


@pytest.fixture
def jumping_clock(settable_clock: SettableClock, seeded: random.Random) -> JumpingClock:
    """The settable clock, as a machine has it whose own is wrong by minutes, fast or slow, now so and now so."""
    from clusterless.testing.clock import JumpingClock

    return JumpingClock(settable_clock, seeded)


@pytest.fixture
def troubled(seeded: random.Random) -> Callable[[ObjectStore], FaultyStore]:
    """Makes of a store one that now and then does not answer, cuts off a read, or lists what was there before."""
    from clusterless.testing.faults import FaultyStore

    return lambda store: FaultyStore(store, seeded, before=0.05, after=0.05, cut=0.05, stale=0.2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and _SEED in item.stash:
        seed = item.stash[_SEED]
        report.sections.append(("seed", f"repeat with: pytest {item.nodeid!r} --seed {seed}"))
    return report
