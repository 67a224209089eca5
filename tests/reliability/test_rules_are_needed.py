"""Each rule of the protocol, taken out of the shipped code: processes that do without it are found out."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hardship.mutations import RULES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_PATIENCE = 20.0  # seconds until what never ends without its rule is given up


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_without_the_rule_a_process_breaks_a_law(rule: Any, tried: Any, count: Any) -> None:
    """And with it, the same befalls it, and breaks none."""
    usual = tried(rule.scenario)
    assert bool(usual.at(rule.fate).request) == bool(rule.fate.at), "it met what it was to meet"
    with pytest.raises(AssertionError):
        evolve(usual, without=rule.name, patience=_PATIENCE).at(rule.fate)
    count("rules taken out and missed", 1)
