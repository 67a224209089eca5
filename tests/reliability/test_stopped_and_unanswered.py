"""`cls` stopped at a request while others do all there is to do, and then going on; and answers that are lost."""

from __future__ import annotations

from typing import Any

import pytest
from hardship.crashes import everywhere, here_and_there
from hardship.fates import Fate
from hardship.scenarios import NAMED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

_SAMPLE = 2
_STOPPED = ("copy", "late", "egress", "join")
_LOST = ("copy", "rollup", "notifier")


@pytest.mark.parametrize("name", _STOPPED)
def test_stopped_past_its_lease_it_goes_on_and_comes_to_the_same(
    name: str, tried: Any, nightly: bool, count: Any
) -> None:
    """Whoever thought it dead has worked its lots meanwhile; what it writes then is named by an audit, and removed."""
    found = everywhere(tried(name), "stopped", 5) if nightly else here_and_there(tried(name), _SAMPLE, "stopped")
    assert len(found) >= 2 * _SAMPLE
    count("points tried at which a process is stopped past its lease", len(found))


@pytest.mark.parametrize("name", _LOST)
def test_without_an_answer_it_comes_to_the_same(name: str, tried: Any, nightly: bool, count: Any) -> None:
    found = everywhere(tried(name), "lost", 2) if nightly else here_and_there(tried(name), _SAMPLE, "lost")
    assert len(found) >= 2 * _SAMPLE
    count("points tried at which an answer is lost", len(found))


def test_overtaken_at_the_commit_it_publishes_nothing(tried: Any) -> None:
    """Between its work and its commit it is stopped; the lot is then another's."""
    outcome = Fate(at=1, like=r"create .*/arc=work/lot=.*/000002\.json", what="stopped")
    assert tried("copy").at(outcome).request


def test_a_point_that_never_comes_is_told_from_one_that_was_tried(tried: Any) -> None:
    usual = tried("copy")
    assert not usual.at(Fate(at=100_000)).request
    assert NAMED["copy"].arrivals["raw"] == ["f-20240101T00.txt", "f-20240101T01.txt"]
