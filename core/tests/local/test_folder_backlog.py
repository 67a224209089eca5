from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clusterless.builtin.folder_backlog import Backlog

KEYS = st.sampled_from(["a", "a/b", "b", "c", "d"])
SEEN = st.lists(st.tuples(KEYS, st.integers(0, 20)))


@given(SEEN, st.integers(0, 20), st.integers(1, 5))
def test_only_what_rested_is_handed_over_first_changed_first(
    seen: list[tuple[str, int]], until: int, limit: int
) -> None:
    backlog = Backlog()
    for key, changed in seen:
        backlog.note(key, changed)
    rested = sorted((changed, key) for key, changed in dict(seen).items() if changed <= until)
    assert backlog.rested(until, limit) == [key for _, key in rested][:limit]


@given(SEEN, st.integers(0, 20))
def test_every_state_that_rested_is_handed_over_once(seen: list[tuple[str, int]], until: int) -> None:
    backlog = Backlog()
    handed = []
    for key, changed in seen:
        backlog.note(key, changed)
        for ready in backlog.rested(until, 100):
            backlog.done(ready, until)
            handed.append(ready)
        backlog.note(key, changed)
        assert backlog.rested(until, 100) == []
    last: dict[str, int] = {}
    expected = []
    for key, changed in seen:
        if changed <= until and last.get(key) != changed:
            expected.append(key)
            last[key] = changed
    assert handed == expected


def test_the_oldest_is_the_one_that_changed_first() -> None:
    backlog = Backlog()
    assert backlog.oldest is None
    backlog.note("a", 7)
    backlog.note("b", 3)
    assert backlog.oldest == 3
    backlog.forget("b")
    assert backlog.oldest == 7


def test_what_is_pruned_would_be_handed_over_again_if_it_were_seen() -> None:
    backlog = Backlog()
    for key, now in (("old", 3), ("new", 7)):
        backlog.note(key, 1)  # however long ago it changed: it may have been moved in since
        backlog.done(key, now)
    backlog.prune(7)
    backlog.note("old", 1)
    backlog.note("new", 1)
    assert backlog.rested(10, 10) == ["old"]
