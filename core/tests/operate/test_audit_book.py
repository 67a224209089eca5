"""What an audit has read comes back in the order in which stores list, whatever the keys and however many."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.audit import Fault, Kind, Mention, Standing
from clusterless.engine.strays import Trace
from clusterless.operate.audit import book as audit_book
from clusterless.operate.audit.book import Book, Committed
from clusterless.store.memory import MemoryStore

NOW = datetime(2024, 1, 31, tzinfo=UTC)
keys = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=4).filter(
    lambda name: not {".", ".."} & {*f"x{name}".split("/")}
)


@given(st.sets(keys, max_size=30), st.integers(1, 7))
def test_mentions_come_in_the_order_in_which_a_store_lists(names: set[str], batch: int) -> None:
    store = MemoryStore()
    book = Book()
    audit_book._BATCH, kept = batch, audit_book._BATCH
    try:
        for name in names:
            store.put(f"x{name}", b"")
            book.mention(0, Mention(f"x{name}", Standing.REMOVED, "L", 1, "e", 7, NOW))
            book.mention(1, Mention("elsewhere", Standing.LOT))
        book.settle()
        found = list(book.mentions(0))
    finally:
        audit_book._BATCH = kept
    assert found == [Mention(info.key, Standing.REMOVED, "L", 1, "e", 7, NOW) for info in store.list()]
    assert book.count(0) == len(names)


def test_commits_come_in_order_of_lot_and_revision_while_faults_are_written() -> None:
    book = Book()
    pairs = [("L2", 1), ("L1", 0), ("L2", 0), ("L3", 0)]
    for lot, revision in pairs:
        book.commit(Committed(lot, revision, "d", None, NOW))
    book.settle()
    seen = []
    for lot, revisions in book.commits():
        book.blame(Fault(Kind.MANIFEST, lot, "u"))
        book.settle()
        seen.append((lot, list(revisions)))
        assert revisions[0] == Committed(lot, 0, "d", None, NOW)
    assert seen == [("L1", [0]), ("L2", [0, 1]), ("L3", [0])]
    assert [fault.lot for fault in book.faults()] == ["L1", "L2", "L3"]


def test_bytes_are_weighed_by_the_newest_revision_and_where_nothing_else_is_wrong() -> None:
    book = Book()
    for lot, revision, size in (("L1", 0, 5), ("L1", 1, 6), ("L2", 0, 5), ("L3", 0, None), ("L4", 0, 5)):
        book.commit(Committed(lot, revision, "d", size, NOW))
    for lot in ("L1", "L2", "L3", "L4"):
        book.hold(lot, 2)
        book.hold(lot, 4)
    book.blame(Fault(Kind.VANISHED, "L4", "u"))
    book.settle()
    assert list(book.weighed()) == [("L2", 5, 6)]


def test_faults_come_by_kind_and_are_counted() -> None:
    book = Book()
    faults = [Fault(Kind.STRAY, "", "b", 1, "n"), Fault(Kind.STRAY, "", "a"), Fault(Kind.LETTER, "L", "c")]
    for fault in (faults[2], *faults[:2]):
        book.blame(fault)
    book.settle()
    assert list(book.faults()) == [faults[1], faults[0], faults[2]]
    assert list(book.faults([Kind.LETTER])) == [faults[2]]
    assert book.counts() == {Kind.STRAY: 2, Kind.LETTER: 1}


def test_attempts_and_names_are_looked_up() -> None:
    book = Book()
    trace = Trace("0-1-aa", "L", "claim", lives=True)
    book.trace(trace)
    book.name("staged/x")
    book.settle()
    assert (book.traced("0-1-aa"), book.traced("0-2-aa")) == (trace, None)
    assert (book.is_named("staged/x"), book.is_named("staged/y")) == (True, False)
