"""How long trouble is borne, and when it is told."""

from __future__ import annotations

from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import ClsError, ObjectMissingError, StoreRefusedError, StoreUnavailableError
from clusterless.runner.patience import Patience, let_be

LASTING = [StoreRefusedError("no"), ObjectMissingError("gone"), KeyError("x"), FileNotFoundError("x")]
PASSING = [StoreUnavailableError("down"), TimeoutError(), ConnectionResetError()]


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
def test_what_time_does_not_mend_is_told_once_and_is_over_at_the_third_time(error: Exception) -> None:
    patience, told, over = Patience(2), [], []
    for _ in range(4):
        patience.lost(error)
        told.append(patience.is_news)
        over.append(patience.is_over)
    assert told == [True, False, False, False]
    assert over == [False, False, True, True]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_may_pass_is_never_over_and_always_told(error: Exception) -> None:
    patience = Patience(2)
    for _ in range(20):
        patience.lost(error)
        assert patience.is_news
        assert not patience.is_over


def test_each_wait_is_longer_up_to_a_minute() -> None:
    patience = Patience(2)
    assert [patience.lost(ClsError("no")) for _ in range(7)] == [2, 4, 8, 16, 32, 60, 60]


def test_other_trouble_is_news() -> None:
    patience, news = Patience(2), []
    for text in "aabba":
        patience.lost(ClsError(text))
        news.append(patience.is_news)
    assert news == [True, False, True, False, False]


@given(st.floats(0, 10_000), st.floats(0, 60))
def test_what_took_long_to_fail_is_let_be_for_longer_but_not_for_ever(took: float, least: float) -> None:
    now = monotonic()
    rest = let_be(now - took, least) - now
    assert rest >= least
    assert rest >= min(took * 10, 300) - 0.01
    assert rest <= max(least, 300) + 60
