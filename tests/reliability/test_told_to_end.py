"""Commands that change something are told to end in the middle: they say so, and the same again comes to the same."""

from __future__ import annotations

from typing import Any

import pytest
from hardship.crashes import everywhere, here_and_there

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

_SAMPLE = 1
_CHANGING = ("audit-fix", "audit-sweep", "disable", "enable-from", "enable-skip", "replay", "rollback")


@pytest.mark.parametrize("signal", ["interrupted", "terminated"])
@pytest.mark.parametrize("name", _CHANGING)
def test_told_to_end_it_says_so_and_the_same_again_comes_to_the_same(
    name: str, signal: str, tried: Any, nightly: bool, count: Any
) -> None:
    """By Ctrl-C or SIGTERM: it exits as shells know it, or with 0 where it was done by then; it says so in words."""
    found = everywhere(tried(name), signal) if nightly else here_and_there(tried(name), _SAMPLE, signal)
    assert len(found) >= 2 * _SAMPLE
    count("points tried at which a command is told to end", len(found))
