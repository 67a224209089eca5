"""Several `cls run` on one store, for as long as it takes, while everything that may befall them does."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from hardship.processes import zygote
from hardship.soak import Chances, Soak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(6 * 3600)]

WORKERS = 10
LOTS, NIGHTLY_LOTS = 1_000, 50_000
# Who is killed lists all of history when it begins again: killed as often as in a short soak, ten would do no more.
NIGHTLY = Chances(kill=0.01, stop=0.04)


def test_many_runs_on_one_store_lose_and_double_nothing(
    roomy: Path, nightly: bool, seeded: random.Random, count: Any
) -> None:
    """SIGKILL, SIGSTOP beyond the lease, wrong clocks, a full disk, events lost and doubled, and then a calm."""
    lots = int(os.environ.get("CLS_SOAK_LOTS") or (NIGHTLY_LOTS if nightly else LOTS))
    folder = roomy / "soak"
    folder.mkdir()
    with zygote(roomy / "soak-zygote") as parent:
        chances = NIGHTLY if nightly else Chances()
        soak = Soak(folder, parent, lots, WORKERS, seeded.randrange(1 << 32), chances)
        figures = soak.run()
    assert figures.lots == lots
    assert {"killed", "stopped", "unanswered", "event lost", "event doubled"} <= {*figures.befell}
    count("lots", figures.lots)
    count("arrivals", figures.arrivals)
    count("objects lost", 0)
    count("objects doubled", 0)
    count("faults injected", sum(figures.befell.values()))
    for what, times in figures.befell.items():
        count(f"  {what}", times)
    count("seconds of faults", round(figures.fed_seconds))
    count("seconds until all was at rest", round(figures.rest_seconds))
