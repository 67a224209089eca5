"""The newest lot before another, over a store of files."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from clusterless.model.lot import Lot
from clusterless.operate.newest import newest_before
from clusterless.store.files import FileStore

FIRST = Lot.parse("20240131PT5M100")
AWAY = st.integers(min_value=-300_000, max_value=300)


@settings(max_examples=25, deadline=None)
@given(st.sets(AWAY, max_size=4))
def test_it_is_the_last_of_those_before(away: set[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = FileStore(f"{Path(folder).as_uri()}/")
        for number in away:
            store.put(f"x/lot={FIRST.plus(number)}/complete.arc", b"")
        before = [number for number in away if number < 0]
        assert newest_before(store, "x/", FIRST) == (FIRST.plus(max(before)) if before else None)


def test_lots_of_another_unit_are_none(tmp_path: Path) -> None:
    store = FileStore(f"{tmp_path.as_uri()}/")
    store.put("x/lot=20240130P1D000/complete.arc", b"")
    assert newest_before(store, "x/", FIRST) is None
