"""Lots made of many source lots: what they wait for, consume, pin, and are worked again for."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve, frozen

from clusterless.errors import WorkloadError
from clusterless.model.arc import Arc, Retry, Wait
from clusterless.model.dataset import OnRevision, SourceDataset
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.provider import SinkResult, Work, WorkResult
from clusterless.runtime.delivery import Delivered, deliver
from clusterless.runtime.reconcile import unsettled
from clusterless.runtime.replay import roll_back_lot
from clusterless.runtime.start import started
from clusterless.runtime.sweep import sweep
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import CountingStore

DAY = Lot.parse("20240131P1D000")
FIRST = Lot.parse("20240131PT1H000")
HOURS = [FIRST.plus(number) for number in range(24)]
WAITING = "waiting for its sources"


@frozen(kw_only=True)
class Rollup(Arc):
    unit: LotUnit = LotUnit.DAYS

    @property
    def lot_unit(self) -> LotUnit:
        return self.unit


def uri(lot: Lot) -> str:
    return f"memory:///data/in/{lot}"


def copied(work: Work) -> WorkResult:
    """Every sink lists what the sources list."""
    uris = [each for source in work.sources.values() for each in source.read().uris]
    manifest = Manifest(state=ManifestState.COMPLETE, lot=work.lot, uris=uris)
    return WorkResult(sinks=dict.fromkeys(work.sinks, SinkResult(manifest=manifest)))


@pytest.fixture
def day(bench: Any) -> Any:
    """The bench on the evening of `DAY`; nothing has arrived."""
    bench.worker.do = copied
    bench.clock.set(HOURS[20].start)
    return bench


def rollup(bench: Any, **declared: Any) -> Any:
    more = {name: declared.pop(name) for name in ("by", "started") if name in declared}
    arc = Rollup(type="t:core:arc", name="work", sources=bench.sources, sinks=bench.sinks, **declared)
    return bench.arc(arc, **more)


def arrive(bench: Any, lots: list[Lot], **more: Any) -> None:
    for lot in lots:
        bench.commit(uri(lot), lot=lot, **more)


def read(bench: Any, role: str = "main") -> list[str]:
    found = bench.published(role, DAY)
    return list(found.uris) if found else []


# ---- what is waited for ----------------------------------------------------------------------------------------


def test_a_day_is_worked_when_its_last_hour_is_there(day: Any) -> None:
    """Whichever comes last; an event of any hour leads to the day, and so does the day itself."""
    arc = rollup(day)
    last = HOURS[7]
    arrive(day, [lot for lot in HOURS if lot != last])
    assert [deliver(arc, lot) for lot in (FIRST, HOURS[23], DAY)] == [Delivered(WAITING, is_open=True)] * 3
    assert list(unsettled(arc)) == []
    arrive(day, [last])
    assert list(unsettled(arc)) == [DAY]
    assert deliver(arc, last).why == "complete"
    assert day.kinds(DAY) == "claim complete"
    assert read(day) == [uri(lot) for lot in HOURS]
    assert [event.lot for event in day.events] == [DAY]
    assert list(unsettled(arc)) == []
    assert {deliver(arc, lot).why for lot in HOURS} == {"complete"}


def test_neighbours_are_no_part_of_a_day(day: Any) -> None:
    arrive(day, [FIRST.previous, *HOURS, HOURS[23].next])
    deliver(rollup(day), FIRST)
    assert read(day) == [uri(lot) for lot in HOURS]
    assert list(unsettled(rollup(day))) == []


@pytest.mark.parametrize("unit", [LotUnit.SIXTIETHS, LotUnit.TWELFTHS, LotUnit.SIXTHS, LotUnit.FOURTHS])
def test_an_hour_is_made_of_any_smaller_lots(day: Any, unit: LotUnit) -> None:
    hour = HOURS[5]
    lots = [Lot.containing(hour.start, unit).plus(number) for number in range(60 // unit.minutes)]
    arrive(day, [lots[0].previous, *lots[:-1], lots[-1].next])
    arc = rollup(day, unit=LotUnit.HOURS)
    assert deliver(arc, lots[0]) == Delivered(WAITING)
    arrive(day, lots[-1:])
    deliver(arc, lots[0])
    assert list(day.published(lot=hour).uris) == [uri(lot) for lot in lots]
    assert list(unsettled(arc)) == []


def test_a_deadline_counts_from_the_end_of_the_day(day: Any) -> None:
    """Until then it is put off; a day that is not over is said to be open."""
    arc = rollup(day, wait=Wait(deadline_sec=600))
    arrive(day, HOURS[2:5])
    assert deliver(arc, HOURS[2]) == Delivered(WAITING, 4 * 3600 + 600, is_open=True)
    assert list(unsettled(arc)) == [DAY]
    day.clock.set(DAY.end)
    assert deliver(arc, DAY) == Delivered(WAITING, 600)
    day.clock.advance(600)
    assert deliver(arc, DAY).why == "complete"
    assert read(day) == [uri(lot) for lot in HOURS[2:5]]
    assert list(unsettled(arc)) == []


def test_a_day_of_the_past_gets_its_deadline_from_when_it_began_to_come(day: Any) -> None:
    """So that a back-fill is not worked hour by hour."""
    arc = rollup(day, wait=Wait(deadline_sec=600))
    day.clock.set(datetime(2024, 3, 1, tzinfo=UTC))
    arrive(day, HOURS[:2])
    day.clock.advance(10)
    arrive(day, HOURS[2:9])
    assert deliver(arc, FIRST) == Delivered(WAITING, 590)


def test_without_a_single_hour_there_is_nothing_to_wait_for(day: Any) -> None:
    day.clock.set(DAY.end.replace(year=2025))
    assert deliver(rollup(day, wait=Wait(deadline_sec=1)), FIRST) == Delivered(WAITING)


def test_several_sources_are_waited_for_each_whole(day: Any) -> None:
    day.sources = {role: SourceDataset(name=role, version="1", start="all") for role in ("left", "right")}
    arc = rollup(day)
    arrive(day, HOURS, role="left")
    arrive(day, HOURS[1:], role="right")
    assert deliver(arc, FIRST) == Delivered(WAITING, is_open=True)
    assert list(unsettled(arc)) == []
    arrive(day, HOURS[:1], role="right")
    assert list(unsettled(arc)) == [DAY]
    deliver(arc, FIRST)
    assert Counter(read(day)) == Counter(2 * [uri(lot) for lot in HOURS])


# ---- what is consumed ------------------------------------------------------------------------------------------


def test_each_part_is_pinned_by_its_own_name(day: Any) -> None:
    arrive(day, HOURS)
    arrive(day, HOURS[3:4], revision=2)
    deliver(rollup(day), FIRST)
    claim, complete = day.entries(DAY)
    assert claim.sources == complete.sources
    assert list(claim.sources) == [f"main/{lot}" for lot in HOURS]
    assert [pin.lot for pin in claim.sources.values()] == HOURS
    assert [part for part, pin in claim.sources.items() if pin.revision == 2] == [f"main/{HOURS[3]}"]


def test_a_workload_reads_all_parts_as_one_again_and_again(day: Any) -> None:
    arrive(day, HOURS[:-2])
    day.commit(lot=HOURS[-2])
    arrive(day, HOURS[-1:], revision=1)
    deliver(rollup(day), FIRST)
    (work,) = day.worker.works
    source = work.sources["main"]
    manifest = source.read()
    assert (manifest.lot, manifest.state, source.revision) == (DAY, ManifestState.COMPLETE, 1)
    assert list(manifest.uris) == list(manifest.uris) == [uri(lot) for lot in HOURS if lot != HOURS[-2]]
    assert (work.role, work.lot, source.manifest_uri) == ("main", DAY, "")


def test_a_day_of_empty_hours_is_empty(day: Any) -> None:
    for lot in HOURS:
        day.commit(lot=lot)
    deliver(rollup(day), FIRST)
    assert day.worker.works == []
    assert day.published(lot=DAY).state is ManifestState.EMPTY


def test_parts_of_one_uri_type_keep_it_and_two_cannot_be_one(day: Any) -> None:
    def prefixes(lot: Lot) -> None:
        manifest = Manifest(state=ManifestState.COMPLETE, lot=lot, uri_type=UriType.PREFIX, uris=(uri(lot),))
        day.put(f"datasets/name=in/version=1/lot={lot}/state=complete/manifest.json", manifest)

    for lot in HOURS[:-1]:
        prefixes(lot)
    arrive(day, HOURS[-1:])
    outcome = deliver(rollup(day, retry=Retry(attempts=1)), FIRST).outcome
    assert "lists a identifier, others of its lot a prefix" in outcome.error.message
    assert outcome.error.type == WorkloadError.__name__
    prefixes(HOURS[-1].next)
    assert day.worker.works[0].sources["main"].read().uri_type is UriType.PREFIX


# ---- revisions -------------------------------------------------------------------------------------------------


def rerunning(bench: Any, on_revision: OnRevision = OnRevision.RERUN) -> None:
    bench.sources = {"main": evolve(bench.sources["main"], on_revision=on_revision)}


@pytest.mark.parametrize("late", [[7], [7, 8, 9]])
def test_hours_that_come_after_the_deadline_make_a_new_revision_where_that_is_wanted(day: Any, late: list[int]) -> None:
    rerunning(day)
    arc = rollup(day, wait=Wait(deadline_sec=60))
    arrive(day, [lot for number, lot in enumerate(HOURS) if number not in late])
    day.clock.set(DAY.end)
    day.clock.advance(60)
    deliver(arc, FIRST)
    arrive(day, [HOURS[number] for number in late])
    assert list(unsettled(arc)) == [DAY]
    deliver(arc, HOURS[late[0]])
    assert day.kinds(DAY) == "claim complete rollback claim complete"
    more = " and 2 more" if len(late) > 1 else ""
    assert day.entries(DAY)[2].reason == f"newer source: main/{HOURS[7]}{more}"
    assert read(day) == [uri(lot) for lot in HOURS]
    assert day.events[-1].revision == 1
    assert list(unsettled(arc)) == []


def test_a_newer_hour_is_reported_where_no_more_is_wanted(day: Any) -> None:
    rerunning(day, OnRevision.REPORT)
    arc = rollup(day)
    arrive(day, HOURS)
    deliver(arc, FIRST)
    arrive(day, HOURS[7:8], revision=1)
    assert list(unsettled(arc)) == [DAY]
    assert deliver(arc, HOURS[7]).why == f"stale: newer source: main/{HOURS[7]}"
    assert day.kinds(DAY) == "claim complete"


def test_a_newer_hour_is_consumed_alone_in_place_of_the_older(day: Any) -> None:
    rerunning(day)
    arrive(day, HOURS)
    deliver(rollup(day), FIRST)
    day.commit("memory:///data/in/newer", lot=HOURS[7], revision=1)
    deliver(rollup(day), HOURS[7])
    assert read(day) == [uri(lot) if lot != HOURS[7] else "memory:///data/in/newer" for lot in HOURS]


# ---- failures, replays, sweeps ---------------------------------------------------------------------------------


def test_a_day_that_failed_is_tried_again_and_is_handed_what_was_left(day: Any) -> None:
    arrive(day, HOURS)
    arc = rollup(day, retry=Retry(attempts=2, backoff_sec=10))
    day.worker.do = lambda work: day.result(DAY, "memory:///data/out/some", state=ManifestState.PARTIAL)
    assert deliver(arc, FIRST).seconds == 10
    day.clock.advance(10)
    day.worker.do = copied
    deliver(arc, HOURS[3])
    assert day.kinds(DAY) == "claim partial claim complete"
    (earlier,) = day.worker.works[1].sinks["main"].earlier
    assert list(earlier.uris) == ["memory:///data/out/some"]


def test_a_day_is_replayed_whole(day: Any) -> None:
    arrive(day, HOURS)
    arc = rollup(day)
    deliver(arc, FIRST)
    assert roll_back_lot(arc, DAY, "again")
    assert list(unsettled(arc)) == [DAY]
    deliver(arc, DAY)
    assert day.kinds(DAY) == "claim complete rollback claim complete"
    assert read(day) == [uri(lot) for lot in HOURS]
    assert sweep(arc, MemoryStore, thorough=True).staged == 0


# ---- start -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "there", "owed_after"),
    [
        ("all", HOURS, None),
        ("now", [], None),
        ("now", HOURS[:1], DAY.previous),
        ("now", HOURS[:23], DAY.previous),
        ("now", HOURS, DAY),
        ("now", [*HOURS, HOURS[23].next], DAY),
        (str(HOURS[0]), [], DAY.previous),
        (str(HOURS[13]), HOURS, DAY.previous),
        (str(DAY), HOURS, DAY.previous),
        (str(DAY.next), HOURS, DAY),
    ],
)
def test_the_day_in_progress_is_owed(day: Any, start: str, there: list[Lot], owed_after: Lot | None) -> None:
    """With ``now`` not one that is over; a lot to start with is a day, or any hour of it."""
    day.sources = {"main": evolve(day.sources["main"], start=start)}
    arrive(day, there)
    arc = rollup(day)
    arc.started = started(arc)
    assert arc.started == {"main": owed_after}
    arrive(day, [lot for lot in [*HOURS, *(lot.plus(24) for lot in HOURS)] if lot not in there])
    assert list(unsettled(arc)) == [DAY, DAY.next][owed_after == DAY :]
    assert deliver(arc, HOURS[2]).why == ("before the arc's start" if owed_after == DAY else "complete")


def test_days_after_a_floor_are_found_and_hours_before_it_are_not_listed(day: Any) -> None:
    for number in range(3):
        arrive(day, [lot.plus(24 * number) for lot in HOURS])
    assert list(unsettled(rollup(day), after=DAY)) == [DAY.next, DAY.next.next]
    assert list(unsettled(rollup(day, unit=LotUnit.HOURS), after=HOURS[22]))[:2] == [HOURS[23], HOURS[23].next]


# ---- what it costs ---------------------------------------------------------------------------------------------


def test_a_day_costs_one_list_and_the_four_creates_of_any_lot(day: Any) -> None:
    arrive(day, HOURS)
    day.worker.do = day.done
    day.manifest, day.state = CountingStore(day.manifest), CountingStore(day.state)
    deliver(rollup(day), FIRST)
    asked = day.manifest.keys + day.state.keys
    assert Counter(method for method, _ in asked.elements()) == {"list": 1, "create": 4}


def test_a_claim_of_a_day_of_minutes_is_a_few_hundred_kilobytes(day: Any) -> None:
    minutes = [Lot.containing(DAY.start, LotUnit.SIXTIETHS).plus(number) for number in range(1440)]
    arrive(day, minutes)
    deliver(rollup(day), FIRST)
    body = day.state.get(f"{day.ledger(DAY).path}000001.json")
    assert len(json.loads(body)["sources"]) == 1440
    assert len(body) < 400_000
