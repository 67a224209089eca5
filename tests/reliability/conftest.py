"""What the tests of this folder share: processes to spoil.

``CLS_NIGHTLY=1`` tries everything; without it, what fits a few minutes. ``CLS_AT_ONCE`` says how many are tried at a
time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from beds import aws
from beds.ministack import ministack
from hardship.buckets import Bucket
from hardship.crashes import Bench, Trial, bench, trial
from hardship.scenarios import NAMED

AT_ONCE = int(os.environ.get("CLS_AT_ONCE", "4"))
NIGHTLY = os.environ.get("CLS_NIGHTLY", "") not in {"", "0"}
_MEMORY = Path("/dev/shm")  # waits for no disk: what is killed is a process, not the machine


@pytest.fixture(scope="session")
def nightly() -> bool:
    return NIGHTLY


@pytest.fixture(scope="session")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that is fast, where there is one."""
    if not os.access(_MEMORY, os.W_OK):
        yield tmp_path_factory.mktemp("hardship")
        return
    folder = tempfile.mkdtemp(prefix="cls-hardship-", dir=_MEMORY)
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def hard_bench(roomy: Path) -> Iterator[Bench]:
    with bench(roomy / "bench", AT_ONCE) as made:
        yield made


@pytest.fixture(scope="session")
def tried(hard_bench: Bench) -> Callable[[str], Trial]:
    """By name, a scenario as it comes out when nothing befalls it."""
    return cache(lambda name: trial(NAMED[name], hard_bench))


@pytest.fixture(scope="session")
def tried_in_a_bucket(roomy: Path) -> Iterator[Callable[[str], Trial]]:
    """As ``tried``, where stores are no folders but lie in a bucket."""
    with ministack(roomy / "ministack") as endpoint:
        bucket = Bucket(aws.variables(endpoint))
        bucket.make()
        with bench(roomy / "bucket-bench", AT_ONCE, bucket) as made:
            yield cache(lambda name: trial(NAMED[name], made))
