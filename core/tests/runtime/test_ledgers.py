"""Ledgers: one writer a slot, whatever befalls the requests; what is not ours in the folder is passed over."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless import layout
from clusterless.errors import MalformedError, StoreUnavailableError
from clusterless.model.ledger import ArcState, Claim, Rollback
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.model.seal import Seal
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger, Picture, SealLedger, picture, seals_of
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import CountingStore, FaultyStore

LOT = Lot.parse("20240131PT5M100")
AT = datetime(2024, 1, 31, 12, tzinfo=UTC)
PROJECT = Project(name="demo", version="1")
FOLDER = f"arcs/project=demo/version=1/arc=work/lot={LOT}/"


def lot_ledger(store: ObjectStore) -> LotLedger:
    return LotLedger(store, layout.ArcKeys(PROJECT, "work"), LOT)


def seal_ledger(store: ObjectStore) -> SealLedger:
    return seals_of(store, layout.BoundaryKeys(PROJECT, "in"))


def claim(put_id: str) -> Claim:
    return Claim(put_id=put_id, at=AT, by="me", attempt="0-1-a", revision=0, sources={}, expires=AT)


def seal(put_id: str) -> Seal:
    return Seal(put_id=put_id, at=AT, by="me", lots=(), batches=(), through=LOT)


@pytest.fixture(params=["memory_store", "file_store"])
def store(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def race(attempt: Callable[[int], bool], racers: int = 4, rounds: int = 25) -> None:
    """In each round one wins, and all see it."""
    start = Barrier(racers)

    def run(racer: int, number: int) -> bool:
        start.wait(30)
        return attempt(racer * 1000 + number)

    with ThreadPoolExecutor(racers) as pool:
        for number in range(1, rounds + 1):
            won = list(pool.map(run, range(racers), [number] * racers))
            assert sum(won) == 1


def test_one_of_many_threads_wins_a_slot(store: ObjectStore) -> None:
    ledger = lot_ledger(store)
    race(lambda number: ledger.append(number % 1000, claim(str(number))))
    assert ledger.look().numbers == tuple(range(1, 26))


def test_one_of_many_threads_wins_a_seal(store: ObjectStore) -> None:
    race(lambda number: seal_ledger(store).append(number % 1000, seal(str(number))))
    assert seal_ledger(store).end() == 25


def test_a_lost_answer_is_settled_by_looking(seeded: random.Random) -> None:
    """Asked again until it is answered, whoever reads itself in the slot won it, and nobody else."""
    memory = MemoryStore()
    stores = [FaultyStore(memory, random.Random(seeded.random()), before=0.3, after=0.3) for _ in range(3)]
    for number in range(1, 60):
        entries = [claim(f"{number}-{writer}") for writer in range(3)]
        won = [
            persistently(lambda store=store, entry=entry, number=number: lot_ledger(store).append(number, entry))  # type: ignore[misc]
            for store, entry in zip(stores, entries, strict=True)
        ]
        assert won == [lot_ledger(memory).read(number) == entry for entry in entries]
        assert sum(won) == 1
    assert {fault.fate for store in stores for fault in store.log} == {"passed", "refused", "lost"}


def persistently(ask: Callable[[], bool]) -> bool:
    while True:
        try:
            return ask()
        except StoreUnavailableError:
            pass


# ---- pictures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected", "final"),
    [
        ("", Picture(), None),
        ("000001.json", Picture((1,)), None),
        ("000001.json 000002.json", Picture((1, 2)), None),
        ("000001.json 000002.json complete.arc", Picture((1, 2), frozenset({"complete"})), "complete"),
        ("000001.json 000002.json alive.json missing.arc", Picture((1, 2), frozenset({"missing"})), "missing"),
        ("000001.json 000002.json partial.arc complete.arc", Picture((1, 2), frozenset({"partial", "complete"})), None),
        (
            "000001.json 000002.json 000003.json partial.arc 000002.swept 000003.swept",
            Picture((1, 2, 3), frozenset({"partial"}), 3),
            None,
        ),
    ],
)
def test_a_listing_shows_how_a_lot_stands(names: str, expected: Picture, final: str | None) -> None:
    seen = picture(names.split())
    assert seen == expected
    assert seen.last == len(seen.numbers)
    assert seen.final == (ArcState(final) if final else None)


GARBAGE = ["1.json", "7.json", "0000001.json", "000009.JSON", "000009.json.tmp", "a/000009.json"]
GARBAGE += [
    "\N{ARABIC-INDIC DIGIT SEVEN}00001.json",
    "lost.arc",
    "running.arc",
    "9.swept",
    "note.txt",
    ".hidden",
    "alive.json",
]


@given(st.sets(st.sampled_from(GARBAGE)), st.integers(0, 5))
def test_what_is_not_ours_in_the_folder_is_passed_over(garbage: set[str], entries: int) -> None:
    store = MemoryStore()
    ledger = lot_ledger(store)
    for name in garbage:
        store.put(f"{FOLDER}{name}", b"?")
    for number in range(1, entries + 1):
        assert ledger.append(number, claim(str(number)))
    assert ledger.look() == Picture(tuple(range(1, entries + 1)))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"entry":"surprise"}', b'{"entry":"claim"}', b"\xff"])
def test_an_entry_that_cannot_be_read_says_which_it_is(memory_store: MemoryStore, body: bytes) -> None:
    memory_store.put(f"{FOLDER}000001.json", body)
    with pytest.raises(MalformedError, match=f"{FOLDER}000001.json") as refused:
        lot_ledger(memory_store).read(1)
    assert "take it away, if it is the lot's last entry" in refused.value.hint


def test_an_entry_reads_back_as_it_was_written(memory_store: MemoryStore) -> None:
    rollback = Rollback(put_id="x", at=AT, by="me", revision=3, reason="ünïcode")
    lot_ledger(memory_store).append(1, rollback)
    assert lot_ledger(memory_store).read(1) == rollback


# ---- markers and renewals --------------------------------------------------------------------------------------


def test_a_marker_names_the_newest_entry_it_was_written_for(store: ObjectStore) -> None:
    ledger = lot_ledger(store)
    assert not ledger.is_marked(2, ArcState.COMPLETE)
    for number in (2, 5, 2):  # the last comes from a worker that was asleep
        ledger.mark(number, ArcState.COMPLETE)
    assert ledger.is_marked(5, ArcState.COMPLETE)
    assert not ledger.is_marked(2, ArcState.COMPLETE)
    assert not ledger.is_marked(5, ArcState.MISSING)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"entry":"2"}', b"\xff"])
def test_a_marker_that_makes_no_sense_is_written_again(memory_store: MemoryStore, body: bytes) -> None:
    ledger = lot_ledger(memory_store)
    memory_store.put(f"{FOLDER}complete.arc", body)
    assert not ledger.is_marked(2, ArcState.COMPLETE)
    ledger.mark(2, ArcState.COMPLETE)
    assert ledger.is_marked(2, ArcState.COMPLETE)


def test_a_renewal_is_of_one_attempt(store: ObjectStore) -> None:
    ledger = lot_ledger(store)
    assert ledger.renewed("0-1-a") is None
    ledger.renew("0-1-a", AT)
    ledger.renew("0-1-a", AT + timedelta(seconds=1))
    assert ledger.renewed("0-1-a") == AT + timedelta(seconds=1)
    assert ledger.renewed("0-1-b") is None


# ---- seals -----------------------------------------------------------------------------------------------------


def test_marks_of_seals_are_told_apart(store: ObjectStore) -> None:
    seals = seal_ledger(store)
    for number in (1, 10):
        seals.append(number, seal(str(number)))
    seals.mark(10)
    assert (seals.is_marked(1), seals.is_marked(10)) == (False, True)
    assert seals.read(10) == seal("10")


NUMBERS = ['"7"', "-5", "999999999", "123456789012"]
HINTS = [b"", b"[]", b"null", b"\xff", *(f'{{"entry":{number}}}'.encode() for number in NUMBERS)]


@pytest.mark.parametrize("hint", [None, *HINTS])
def test_the_end_is_found_whatever_the_hint_says(memory_store: MemoryStore, hint: bytes | None) -> None:
    seals = seal_ledger(memory_store)
    if hint is not None:
        memory_store.put(seals.hint, hint)
    assert seals.end() == 0
    for number in (1, 2, 3):
        seals.append(number, seal(str(number)))
        seals.mark(number)
    memory_store.put(f"{seals.path}99.json", b"not ours")
    assert [seals.end(), seals.end(2), seals.end(3)] == [3, 3, 3]


def test_who_knows_the_end_lists_nothing_to_learn_that_it_still_is(memory_store: MemoryStore) -> None:
    """A folder is listed whole: a year of seals would be for every look."""
    counting = CountingStore(memory_store)
    seals = seal_ledger(counting)
    for number in (1, 2, 3):
        seals.append(number, seal(str(number)))
    counting.requests.clear()
    assert seals.end(3) == 3
    assert counting.requests == {"head": 1}
    seals.append(4, seal("4"))
    assert seals.end(3) == 4
    assert counting.requests == {"head": 4, "create": 1}


@given(known=st.integers(1, 300), there=st.integers(1, 300))
def test_the_end_is_found_from_whatever_is_known(known: int, there: int) -> None:
    """By few looks, however far others have come meanwhile."""
    counting = CountingStore(MemoryStore())
    seals = seal_ledger(counting)
    for number in range(1, there + 1):
        seals.append(number, seal(str(number)))
    counting.requests.clear()
    known = min(known, there)
    assert seals.end(known) == there
    assert counting.requests["head"] <= 2 * (there - known).bit_length() + 1
    assert counting.requests["list"] == 0


def test_the_hint_keeps_the_listing_short(memory_store: MemoryStore) -> None:
    class Listed(MemoryStore):
        seen = 0

        def list(self, prefix: str = "", after: str = "") -> Any:
            for info in memory_store.list(prefix, after):
                Listed.seen += 1
                yield info

        def get(self, key: str) -> bytes:
            return memory_store.get(key)

    seals = seal_ledger(memory_store)
    for number in range(1, 201):
        seals.append(number, seal(str(number)))
        seals.mark(number)
    assert seal_ledger(Listed()).end() == 200
    assert Listed.seen <= 2 * 64 + 2
