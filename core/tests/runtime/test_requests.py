"""The request ledger: what one lot of the usual case costs, written down; anything more is a regression."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from clusterless.model.boundary import EventArrival
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import SinkResult, Work, WorkResult
from clusterless.runtime.delivery import deliver
from clusterless.runtime.intake import Intake
from clusterless.runtime.reconcile import unsettled
from clusterless.runtime.seal import finish_last, seal_next
from clusterless.testing.faults import CountingStore

_ID = re.compile(r"[0-9a-f]{16}")
Requests = dict[tuple[str, str], int]

A = "memory:///data/in/a"
ARC = "arcs/project=demo/version=1/arc=work/lot=20240131PT5M100/"
BOUNDARY = "boundaries/project=demo/version=1/boundary=in/"
SOURCE = "datasets/name=in/version=1/lot=20240131PT5M100/"
SINK = "datasets/name=out/version=1/lot=20240131PT5M100/"


@pytest.fixture
def counted(bench: Any) -> Any:
    """The bench with all requests to its arc-state and manifest stores counted."""
    bench.commit(A)
    bench.state, bench.manifest = CountingStore(bench.state), CountingStore(bench.manifest)
    return bench


def requests(bench: Any, do: Callable[[], object]) -> Requests:
    """What *do* asks of the stores, by method and key; 16 digits in a key are an id."""
    for store in (bench.state, bench.manifest):
        store.keys.clear()
    do()
    both: Counter[tuple[str, str]] = bench.state.keys + bench.manifest.keys
    named: Counter[tuple[str, str]] = Counter()
    for (method, key), times in both.items():
        named[method, _ID.sub("<id>", key)] += times
    return dict(named)


def reading(work: Work) -> WorkResult:
    assert list(work.sources["main"].read().uris) == [A]
    result = SinkResult(manifest=Manifest(state=ManifestState.COMPLETE, lot=work.lot, uris=(A,)))
    return WorkResult(sinks=dict.fromkeys(work.sinks, result))


NEW_LOT: Requests = {
    ("list", SOURCE): 1,
    ("create", f"{ARC}000001.json"): 1,
    ("open", f"{SOURCE}state=complete/manifest.json"): 1,  # the workload
    ("create", f"{ARC}000002.json"): 1,
    ("create", f"{SINK}state=complete/manifest.json"): 1,
    ("create", f"{ARC}complete.arc"): 1,
}


def test_a_new_lot_of_an_arc_takes_four_creates_a_list_a_read_and_a_publish(counted: Any) -> None:
    counted.worker.do = reading
    assert requests(counted, lambda: deliver(counted.arc(), counted.lot)) == NEW_LOT
    assert len(counted.events) == 1


def test_an_empty_lot_takes_no_read(counted: Any) -> None:
    lot = counted.lot.next
    counted.commit(lot=lot)
    asked = requests(counted, lambda: deliver(counted.arc(), lot))
    assert Counter(method for method, _ in asked) == {"list": 1, "create": 4}


def test_an_event_that_comes_twice_takes_no_second_write(counted: Any) -> None:
    deliver(counted.arc(), counted.lot)
    assert requests(counted, lambda: deliver(counted.arc(), counted.lot)) == {
        ("list", SOURCE): 2,
        ("create", f"{ARC}000001.json"): 1,  # is refused
        ("open", f"{ARC}000001.json"): 1,  # and read, for it could be ours
        ("list", ARC): 1,
        ("get", f"{ARC}000002.json"): 1,
        ("get", f"{ARC}complete.arc"): 1,
    }


def test_a_second_reader_that_finds_nothing_to_do_takes_one_list_a_side(counted: Any) -> None:
    deliver(counted.arc(), counted.lot)
    assert requests(counted, lambda: list(unsettled(counted.arc()))) == {
        ("list", "datasets/name=in/version=1/lot="): 1,
        ("list", "arcs/project=demo/version=1/arc=work/lot="): 1,
    }


LOOK: Requests = {
    ("get", f"{BOUNDARY}recent.json"): 1,
    ("list", f"{BOUNDARY}seals/"): 1,
    ("list", f"{BOUNDARY}intake/"): 1,
}
"""What is asked while a boundary has no seals."""

SEAL: Requests = {
    ("get", f"{BOUNDARY}intake/20240131PT5M100/<id>.json"): 1,
    ("create", f"{BOUNDARY}seals/000000001.json"): 1,
    ("create", f"{SOURCE}state=complete/manifest.json"): 1,
    ("delete", f"{BOUNDARY}intake/20240131PT5M100/<id>.json"): 1,
    ("put", f"{BOUNDARY}seals/000000001.done"): 1,
}


@pytest.fixture
def booked(bench: Any) -> Any:
    """A boundary of the bench, its requests counted, with one arrival to take."""
    bench.state, bench.manifest = CountingStore(bench.state), CountingStore(bench.manifest)
    bench.running = bench.boundary(bench.booker(arrival=EventArrival.FREQUENT))
    bench.running.source.arrivals.append(bench.arrival("a"))
    return bench


def test_a_batch_of_arrivals_takes_one_create(booked: Any) -> None:
    asked = requests(booked, lambda: Intake(booked.running).take(0))
    assert asked == {("create", f"{BOUNDARY}intake/20240131PT5M100/<id>.json"): 1}


def test_a_seal_of_one_lot_takes_two_creates_and_one_publish(booked: Any) -> None:
    Intake(booked.running).take(0)
    assert requests(booked, lambda: seal_next(booked.running)) == LOOK | SEAL
    assert len(booked.events) == 1


def test_looking_whether_a_seal_is_due_takes_a_look_at_the_next_and_a_list(booked: Any) -> None:
    Intake(booked.running).take(0)
    seal_next(booked.running)
    for _ in range(2):
        assert requests(booked, lambda: seal_next(booked.running)) == {
            ("head", f"{BOUNDARY}seals/000000002.json"): 1,
            ("list", f"{BOUNDARY}intake/"): 1,
        }


def test_another_worker_learns_of_the_last_seal_by_one_read(booked: Any) -> None:
    Intake(booked.running).take(0)
    seal_next(booked.running)
    assert requests(booked, lambda: finish_last(booked.boundary())) == {
        ("get", f"{BOUNDARY}recent.json"): 1,
        ("list", f"{BOUNDARY}seals/"): 1,
        ("get", f"{BOUNDARY}seals/000000001.json"): 1,
        ("head", f"{BOUNDARY}seals/000000001.done"): 1,
    }
