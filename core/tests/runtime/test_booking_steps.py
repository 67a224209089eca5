"""A boundary books arrivals: each step of the protocol, over stores in memory."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusterless import layout
from clusterless.engine import arrivals as engine_arrivals
from clusterless.errors import MalformedError, ObjectConflictError, StoreUnavailableError
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import EventArrival, LotSource
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.runtime.boundary import RunningBoundary
from clusterless.runtime.intake import UNBOOKED, Intake, waiting
from clusterless.runtime.seal import Sealed, arrivals_of, finish_last, seal_next
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.manifests import Manifests, decode
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import CountingStore, FaultyStore, Moment, ScriptedStore

BY_KEY = {"lot_source": LotSource.KEY_TIMESTAMP_REGEX, "key_regex": r"^(?P<timestamp>[0-9T]+Z)"}


class KilledError(BaseException):
    pass


class Listed(CountingStore):
    """Counts what it gives of each listing, by prefix."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.given: Counter[str] = Counter()

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        for info in super().list(prefix, after):
            self.given[prefix] += 1
            yield info


def arrive(boundary: RunningBoundary, *arrivals: Arrival) -> None:
    boundary.source.arrivals.extend(arrivals)  # type: ignore[attr-defined]
    Intake(boundary).take(0)


def seal_all(boundary: RunningBoundary) -> list[Any]:
    sealed = []
    while (each := seal_next(boundary)).seal or each.lost:
        sealed.append(each.seal)
    return sealed


def listed(bench: Any, lot: Lot) -> list[str] | None:
    """The names that readers see in a lot, in order."""
    found = Manifests(bench.manifest).newest(bench.sink("in"), lot)
    return [uri.rpartition("/")[2] for uri in decode(bench.manifest, found.key).uris] if found else None


def batches(boundary: RunningBoundary) -> list[str]:
    return [info.key.removeprefix(boundary.keys.intake) for info in boundary.state.list(boundary.keys.intake)]


# ---- 1: intake -------------------------------------------------------------------------------------------------


def test_arrivals_are_written_under_their_lot_before_they_are_acknowledged(bench: Any) -> None:
    boundary = bench.boundary()
    boundary.source.arrivals += [bench.arrival("a"), bench.arrival("b"), bench.arrival("c", lot=bench.lot.next)]
    assert Intake(boundary).take(0).booked == 3
    assert [key.partition("/")[0] for key in batches(boundary)] == [str(bench.lot), str(bench.lot.next)]
    assert boundary.source.acknowledged == 3


def test_what_could_not_be_written_is_not_acknowledged_and_comes_again(bench: Any) -> None:
    answers = [StoreUnavailableError("down")]

    def fail(moment: Moment) -> None:
        if answers and moment.done:
            raise answers.pop()

    boundary = bench.boundary(state=ScriptedStore(bench.state, fail))
    boundary.source.arrivals.append(bench.arrival("a"))
    with pytest.raises(StoreUnavailableError):
        Intake(boundary).take(0)
    assert boundary.source.acknowledged == 0
    assert Intake(boundary).take(0).booked == 1
    [sealed] = seal_all(boundary)
    assert sealed.lots[0].objects == 1, "written twice, booked once"


def test_what_the_filter_leaves_out_is_acknowledged_and_forgotten(bench: Any) -> None:
    booker = bench.booker()
    boundary = bench.boundary(evolve(booker, filter=evolve(booker.filter, excludes=("**/*.tmp",))))
    arrive(boundary, bench.arrival("a.tmp"), bench.arrival("b"))
    seal_all(boundary)
    assert listed(bench, bench.lot) == ["b"]


def test_a_key_without_a_time_is_kept_in_no_lot(bench: Any) -> None:
    boundary = bench.boundary(bench.booker(**BY_KEY))
    boundary.source.arrivals += [bench.arrival("20240131T081000Z.csv"), bench.arrival("readme")]
    taken = Intake(boundary).take(0)
    assert (taken.booked, taken.unbooked) == (1, 1)
    assert sorted(key.partition("/")[0] for key in batches(boundary)) == [f"20240131PT5M{98:03}", UNBOOKED]
    assert [each.lot.index for each in waiting(boundary)] == [98]


def test_what_is_not_a_batch_in_the_intake_is_passed_over(bench: Any) -> None:
    boundary = bench.boundary()
    for key in ("notes.txt", "nonsense/a.json", "20240131PT1H008/a.json"):
        bench.state.put(f"{boundary.keys.intake}{key}", b"?")
    assert not list(waiting(boundary))
    assert seal_next(boundary) == Sealed()


# ---- 2 and 4: a seal is finished before the next, by anyone ----------------------------------------------------

PLACES = [
    ("create", "seals/000000001.json", True),
    ("create", "manifest.json", False),
    ("create", "manifest.json", True),
    ("delete", "intake/", False),
    ("delete", "intake/", True),
    ("put", ".done", False),
    ("put", ".done", True),
]


@pytest.mark.parametrize(("method", "part", "done"), PLACES)
def test_whoever_comes_next_finishes_a_seal_from_its_entry(bench: Any, method: str, part: str, done: bool) -> None:
    def die(moment: Moment) -> None:
        if (moment.method, moment.done) == (method, done) and part in moment.key:
            raise KilledError

    arrive(bench.boundary(), bench.arrival("a"), bench.arrival("b"))
    victim = bench.boundary(
        state=ScriptedStore(bench.state, die), manifests=Manifests(ScriptedStore(bench.manifest, die))
    )
    with pytest.raises(KilledError):
        seal_next(victim)
    arrive(bench.boundary(), bench.arrival("c"))
    other = bench.boundary()
    bench.clock.set(bench.lot.next.end)
    [second] = seal_all(other)
    assert listed(bench, bench.lot) == ["a", "b"]
    assert listed(bench, bench.lot.next) == ["c"]
    assert (second.lots[0].late, other.last) == (1, 2)
    assert batches(other) == []
    assert {event.lot for event in bench.events} == {bench.lot, bench.lot.next}


def test_nothing_is_sealed_while_the_last_seal_cannot_be_finished(bench: Any) -> None:
    arrive(bench.boundary(), bench.arrival("a"))
    foreign = layout.manifest(bench.sink("in"), bench.lot, ManifestState.COMPLETE)
    bench.manifest.put(foreign, b"somebody else's")
    for _ in range(2):
        with pytest.raises(ObjectConflictError):
            seal_next(bench.boundary())
    assert not bench.events
    assert bench.boundary().seals.end() == 1
    bench.manifest.delete(foreign)
    assert finish_last(bench.boundary())
    assert len(bench.events) == 1


def test_a_batch_that_cannot_be_read_stops_the_boundary_and_says_so(bench: Any) -> None:
    boundary = bench.boundary()
    bench.state.put(boundary.keys.batch(str(bench.lot), "x"), b"{")
    with pytest.raises(MalformedError, match=r"x\.json"):
        seal_next(boundary)


# ---- 3: sealing ------------------------------------------------------------------------------------------------


def test_nothing_is_sealed_before_its_interval_and_grace_are_over(bench: Any) -> None:
    boundary = bench.boundary(bench.booker(grace=90))
    arrive(boundary, bench.arrival("a"))
    assert seal_next(boundary) == Sealed(waiting=1)
    bench.clock.advance(90)
    [seal] = seal_all(boundary)
    assert (seal.through, [lot.lot for lot in seal.lots]) == (bench.lot, [bench.lot])


def test_now_is_the_stores_time_and_no_later_than_the_source_has_looked(bench: Any) -> None:
    boundary = bench.boundary(looked=bench.lot.start)
    arrive(boundary, bench.arrival("a"))
    assert seal_next(boundary).seal is None
    boundary.looked = bench.lot.end
    assert seal_next(boundary).seal


def test_doubles_are_dropped_among_batches_and_against_the_seals_that_reach_them(bench: Any) -> None:
    boundary = bench.boundary()
    arrive(boundary, bench.arrival("a"), bench.arrival("a"), bench.arrival("b"))
    arrive(boundary, bench.arrival("b"), bench.arrival("b", etag="newer"))
    [first] = seal_all(boundary)
    assert (first.lots[0].objects, len(first.lots[0].arrivals)) == (2, 3)
    arrive(boundary, bench.arrival("a"), bench.arrival("b"), bench.arrival("c"))
    bench.clock.set(bench.lot.next.end)
    [second] = seal_all(boundary)
    assert [arrival.uri for arrival in second.lots[0].arrivals] == [bench.arrival("c").uri]
    assert second.lots[0].late == 1


def test_who_knows_that_it_is_sealed_already_does_not_book_it(bench: Any) -> None:
    boundary = bench.boundary()
    arrive(boundary, bench.arrival("a"))
    seal_all(boundary)
    boundary.source.arrivals += [bench.arrival("a"), bench.arrival("b")]
    assert Intake(boundary).take(0).booked == 1
    assert boundary.source.acknowledged == 3


def test_only_doubles_make_no_lot(bench: Any) -> None:
    boundary = bench.boundary()
    arrive(boundary, bench.arrival("a"))
    seal_all(boundary)
    arrive(bench.boundary(), bench.arrival("a"))  # by a receiver that knows of no seal
    bench.clock.set(bench.lot.next.end)
    [seal] = seal_all(boundary)
    assert (seal.lots, seal.through) == ((), bench.lot.next)
    assert listed(bench, bench.lot.next) is None
    assert batches(boundary) == []


def test_what_is_known_to_be_sealed_is_not_written_down_again(bench: Any) -> None:
    boundary = bench.boundary()
    arrive(boundary, bench.arrival("a"))
    seal_all(boundary)
    arrive(boundary, bench.arrival("a"))
    assert batches(boundary) == []
    arrive(boundary, bench.arrival("b"))
    assert len(batches(boundary)) == 1


def test_frequent_lots_are_committed_and_announced_empty(bench: Any) -> None:
    boundary = bench.boundary(bench.booker(arrival=EventArrival.FREQUENT))
    arrive(boundary, bench.arrival("a"))
    bench.clock.set(bench.lot.plus(2).end)
    [seal] = seal_all(boundary)
    assert [lot.state.value for lot in seal.lots] == ["complete", "empty", "empty"]
    assert [event.lot for event in bench.events] == [bench.lot.plus(number) for number in range(3)]
    assert listed(bench, bench.lot.next) == []


def test_infrequent_lots_are_committed_only_with_something_in_them(bench: Any) -> None:
    boundary = bench.boundary()
    arrive(boundary, bench.arrival("a"), bench.arrival("b", lot=bench.lot.plus(2)))
    bench.clock.set(bench.lot.plus(5).end)
    [seal] = seal_all(boundary)
    assert [lot.lot for lot in seal.lots] == [bench.lot, bench.lot.plus(2)]
    assert listed(bench, bench.lot.next) is None


@pytest.mark.parametrize("how", [{}, {**BY_KEY, "grace": 90}], ids=["by arrival", "by key"])
def test_a_long_backlog_is_not_listed_whole_for_each_of_its_seals(
    bench: Any, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    monkeypatch.setattr(engine_arrivals, "MOST_LOTS", 4)
    bench.state = Listed(bench.state)
    boundary, lots = bench.boundary(bench.booker(**how)), [bench.lot.plus(number) for number in range(40)]
    bench.clock.set(lots[-1].end)
    arrive(boundary, *(bench.arrival(f"{lot.start:%Y%m%dT%H%M%SZ}", lot=lot) for lot in lots))
    bench.clock.advance(90)
    assert [len(seal.lots) for seal in seal_all(boundary)] == [4] * 10
    assert bench.state.given["boundaries/project=demo/version=1/boundary=in/intake/"] == 9 * 5 + 4


def test_what_lies_ahead_is_counted_however_much_it_is(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_arrivals, "MOST_LOTS", 4)
    boundary = bench.boundary(bench.booker(grace=3600))
    lots = [bench.lot.plus(number) for number in range(20)]
    bench.clock.set(lots[9].start)
    arrive(boundary, *(bench.arrival(str(lot), lot=lot) for lot in lots))
    found = seal_next(boundary)
    assert (found.waiting, found.ahead, found.due) == (10, 10, (bench.lot, bench.lot.end + timedelta(hours=1)))


def test_what_is_late_for_a_lot_sealed_open_is_sealed_ahead_and_doubles_are_not(bench: Any) -> None:
    boundary = bench.boundary()
    bench.clock.set(bench.lot.start)
    arrive(boundary, bench.arrival("a"))
    seal_next(boundary, seal_open=True)
    arrive(bench.boundary(), bench.arrival("a"))
    doubles = seal_next(boundary, seal_open=True).seal
    assert doubles
    assert (doubles.lots, doubles.through) == ((), bench.lot)
    arrive(boundary, bench.arrival("b"))
    late = seal_next(boundary, seal_open=True).seal
    assert late
    assert [(lot.lot, lot.late) for lot in late.lots] == [(bench.lot.next, 1)]
    assert listed(bench, bench.lot.next) == ["b"]


def test_a_late_key_makes_a_new_revision_of_its_lot(bench: Any) -> None:
    boundary = bench.boundary(bench.booker(**BY_KEY, grace=10))
    lot = Lot.parse("20240131PT5M000")
    for revision, name in enumerate(["20240131T000000Z.a", "20240131T000100Z.b"]):
        arrive(boundary, bench.arrival(name))
        assert seal_next(boundary).seal is None
        bench.clock.advance(10)
        [seal] = seal_all(boundary)
        assert (seal.lots[0].revision, seal.lots[0].objects, seal.lots[0].late) == (revision, revision + 1, revision)
    assert listed(bench, lot) == ["20240131T000000Z.a", "20240131T000100Z.b"]
    assert [event.revision for event in bench.events] == [0, 1]


def test_an_object_written_again_is_listed_once_in_the_new_revision(bench: Any) -> None:
    boundary = bench.boundary(bench.booker(**BY_KEY))
    for etag in ("one", "two"):
        arrive(boundary, bench.arrival("20240131T000000Z.a", etag), bench.arrival(f"20240131T000001Z.{etag}"))
        seal_all(boundary)
    assert listed(bench, Lot.parse("20240131PT5M000")) == [
        "20240131T000000Z.a",
        "20240131T000001Z.one",
        "20240131T000001Z.two",
    ]


def test_many_arrivals_are_staged_and_published_by_another(bench: Any) -> None:
    def die(moment: Moment) -> None:
        if moment.key.endswith("seals/000000001.json") and moment.done:
            raise KilledError

    names = [f"{number:05}{'x' * 60}" for number in range(6000)]
    arrive(bench.boundary(), *(bench.arrival(name) for name in names))
    with pytest.raises(KilledError):
        seal_next(bench.boundary(state=ScriptedStore(bench.state, die)))
    other = bench.boundary()
    seal = finish_last(other)
    assert seal
    assert (seal.lots[0].arrivals, seal.lots[0].objects) == (None, 6000)
    assert listed(bench, bench.lot) == names
    arrive(bench.boundary(), bench.arrival(names[7]))
    bench.clock.set(bench.lot.next.end)
    [again] = seal_all(other)
    assert not again.lots, "doubles are found in what was staged too"
    assert len(list(arrivals_of(other, seal.lots[0]))) == 6000


def test_a_dataset_that_is_not_published_is_committed_in_silence(bench: Any) -> None:
    boundary = bench.boundary(evolve(bench.booker(), dataset=bench.sink("in", publish=False)))
    arrive(boundary, bench.arrival("a"))
    seal_all(boundary)
    assert listed(bench, bench.lot) == ["a"]
    assert bench.events == []


def test_of_two_sealers_one_wins_and_the_other_begins_again(bench: Any) -> None:
    arrive(bench.boundary(), bench.arrival("a"))
    other = bench.boundary()

    def overtake(moment: Moment) -> None:
        if moment.method == "create" and not moment.done and "seals/" in moment.key:
            seal_all(other)

    slow = bench.boundary(state=ScriptedStore(bench.state, overtake))
    assert seal_next(slow) == Sealed(lost=True)
    assert seal_next(slow) == Sealed()
    assert slow.last == other.last == 1
    assert len(bench.events) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 0), st.sampled_from("abcdef")), max_size=14),
    st.sampled_from(list(EventArrival)),
    st.integers(0, 2**16),
)
def test_every_arrival_is_in_exactly_one_lot_whatever_the_stores_do(
    bench: Any, story: list[tuple[int, int, str]], arrival: EventArrival, seed: int
) -> None:
    """Several sealers, lost answers, doubles and late ones."""
    bench.clock.set(bench.lot.end)
    state, manifest = MemoryStore("memory:///s/", bench.clock.now), MemoryStore("memory:///m/", bench.clock.now)
    bench.state, bench.manifest = state, manifest
    faulty = FaultyStore(state, random.Random(seed), before=0.05, after=0.05)
    workers = [bench.boundary(bench.booker(arrival=arrival), state=faulty) for _ in range(2)]
    expected = set()
    for number, (step, late, name) in enumerate(story):
        worker = workers[number % 2]
        if step:
            lot = Lot.containing(bench.clock.now(), bench.lot.unit).plus(late)
            worker.source.arrivals.append(bench.arrival(name, str(lot), lot))
            expected.add((worker.source.arrivals[-1].uri, str(lot)))
        else:
            bench.clock.advance(200)
        for act in (lambda: Intake(worker).take(0), lambda: seal_next(worker)):  # noqa: B023  called at once
            with suppress(StoreUnavailableError):
                act()
    last = bench.boundary(bench.booker(arrival=arrival))
    for worker in workers:
        arrive(evolve(worker, state=state))
    for _ in range(2):  # the second takes what is late
        bench.clock.advance(1000)
        seal_all(last)
    seals = [last.seals.read(number) for number in range(1, last.seals.end() + 1)]
    booked = [(each.uri, each.etag) for seal in seals for lot in seal.lots for each in arrivals_of(last, lot)]
    assert sorted(booked) == sorted(expected)
    assert batches(last) == []
    lots = [lot.lot for seal in seals for lot in seal.lots]
    assert lots == sorted(set(lots))
