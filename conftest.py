"""How property tests are run, and the figures that are told at the end, wherever in the checkout the tests are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No test fails for being slow: a machine that is busy has found no bug.
settings.register_profile("house", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

Count = Callable[[str, int], None]


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """Adds to a figure that is told at the end."""
    return lambda what, number: request.node.user_properties.append(("figure", (what, number)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Of the tests that have ended, in whichever process."""
    figures: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                if "under_a_random_schedule[" in report.nodeid:
                    figures["schedules simulated"] += 1
                for name, figure in report.user_properties:
                    if name == "figure":
                        figures[figure[0]] += figure[1]
    if figures:
        terminalreporter.section("figures")
        for what, number in figures.items():
            terminalreporter.line(f"{what}: {number}")
