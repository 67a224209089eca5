"""How lots stand over a range, by what a chain of datasets left behind in real stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop import arrive, copy, daily, shop

from clusterless import codec, layout
from clusterless.engine.ranges import LotRange, between
from clusterless.engine.standing import Standing
from clusterless.errors import InvalidValueError
from clusterless.model.arrival import Arrival
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import ArcState, Claim, Complete, Entry, Failure, Missing, Pin, SinkRecord
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState
from clusterless.model.seal import Seal, SealedLot
from clusterless.model.switch import Switched
from clusterless.operate import listing
from clusterless.operate.landscape import ArcView, BoundaryView, Landscape
from clusterless.operate.status.overview import Overview
from clusterless.operate.status.pace import Pacing
from clusterless.operate.status.subjects import chosen, subjects
from clusterless.operate.status.summary import Summary, by_day, summaries
from clusterless.runtime.horizon import move_horizon
from clusterless.runtime.switches import switch_ledger

FIRST = Lot.parse("20240131PT1H000")
NOW = datetime(2024, 2, 1, tzinfo=UTC)
DAY = LotRange(FIRST, FIRST.plus(23))
BY: Any = {"put_id": "0", "at": NOW, "by": "elsewhere:1"}


CHAIN = shop(
    boundaries=[arrive()],
    arcs=[copy("send", "clean", "sent"), copy("tidy", "orders", "clean")],
    barriers=[daily()],
)
MakeLandscape = Callable[..., Landscape]


@pytest.fixture
def landscape(landscape_of: MakeLandscape, tmp_path: Path) -> Landscape:
    return landscape_of(tmp_path, CHAIN)


def arc_of(landscape: Landscape, name: str) -> ArcView:
    return next(view for view in landscape.arcs if view.arc.name == name)


def commit(landscape: Landscape, name: str, *lots: Lot, state: str = "complete", revision: int = 0) -> None:
    """A manifest of the dataset for each of *lots*."""
    view = next(view for view in landscape.datasets.values() if view.dataset.name == name)
    for lot in lots:
        view.manifests.store.put(layout.manifest(view.dataset, lot, ManifestState(state), revision), b"{}")


def write(view: ArcView, lot: Lot, *entries: Entry, mark: ArcState | None = None) -> None:
    ledger = view.ledger(lot)
    for number, entry in enumerate(entries, start=1):
        assert ledger.append(number, entry)
    if mark:
        ledger.mark(len(entries), mark)


def pin(lot: Lot, revision: int = 0) -> dict[str, Pin]:
    dataset = Dataset(name="orders", version="1")
    return {
        "main": Pin(dataset=dataset, lot=lot, manifest="file:///m", state=ManifestState.COMPLETE, revision=revision)
    }


def claim(lot: Lot, expires: datetime = NOW) -> Claim:
    return Claim(**BY, attempt="0-1-x", revision=0, sources=pin(lot), expires=expires)


def complete(lot: Lot) -> Complete:
    sink = SinkRecord(state=ManifestState.COMPLETE, objects=3, bytes=30, digest="")
    return Complete(**BY, attempt="0-1-x", revision=0, sources=pin(lot), sinks={"main": sink})


def missing(lot: Lot) -> Missing:
    return Missing(**BY, attempt="0-1-x", revision=0, sources=pin(lot), error=Failure(type="E", message="no"))


def done(view: ArcView, *lots: Lot) -> None:
    for lot in lots:
        write(view, lot, claim(lot), complete(lot), mark=ArcState.COMPLETE)


def seal(landscape: Landscape, number: int, *lots: Lot, arrived: datetime | None = None) -> None:
    (boundary,) = landscape.boundaries
    arrivals = (Arrival("file:///one", "1", 10, arrived),) if arrived else ()
    sealed = tuple(
        SealedLot(lot=lot, revision=0, state=ManifestState.COMPLETE, objects=1, bytes=10, digest="", arrivals=arrivals)
        for lot in lots
    )
    assert boundary.seals.append(
        number, Seal(put_id="0", at=lots[-1].end, by="test", lots=sealed, batches=(), through=lots[-1])
    )


def look(landscape: Landscape, *names: str, now: datetime = NOW, wanted: LotRange = DAY) -> dict[str, Summary]:
    overview = Overview(
        landscape,
        chosen(subjects(landscape), names),
        lambda unit: between(wanted.first.start, wanted.last.end, unit),
        now,
    )
    return {summary.subject.name: summary for summary in summaries(overview, lambda _: None)}


def counts(summary: Summary) -> dict[str, int]:
    return {standing.value: count for standing, count in summary.counts.items()}


def test_what_is_read_comes_before_what_reads_it(landscape: Landscape) -> None:
    names = [subject.name for subject in subjects(landscape)]
    assert names[:2] == ["shop/arrive", "orders/1"]
    assert names.index("shop/tidy") < names.index("clean/1") < names.index("shop/send") < names.index("sent/1")
    assert {subject.kind for subject in subjects(landscape)} == {"boundary", "dataset", "arc", "barrier"}


def test_names_mean_datasets_elements_and_projects(landscape: Landscape) -> None:
    def named(*names: str) -> list[str]:
        return [subject.name for subject in chosen(subjects(landscape), names)]

    assert named("orders") == named("orders/1") == ["orders/1"]
    assert named("tidy") == named("shop/tidy") == named("shop:1/tidy") == ["shop/tidy"]
    assert named("shop") == named("shop:1") == named()
    with pytest.raises(InvalidValueError, match="'tydi'; known are shop/arrive"):
        named("tydi")


def test_every_state_of_an_arcs_lots_is_told_apart(landscape: Landscape) -> None:
    lots = list(DAY)
    tidy = arc_of(landscape, "tidy")
    commit(landscape, "orders", *lots[:8])
    done(tidy, lots[0], lots[1])
    commit(landscape, "clean", lots[0], lots[1])
    commit(landscape, "orders", lots[1], revision=1)  # newer than what was consumed
    write(tidy, lots[2], claim(lots[2], NOW + timedelta(minutes=1)))
    write(tidy, lots[3], claim(lots[3]))
    write(tidy, lots[4], claim(lots[4]), missing(lots[4]), mark=ArcState.MISSING)
    write(tidy, lots[5], claim(lots[5]), complete(lots[5]))  # not yet announced
    found = look(landscape, "tidy", "clean")
    assert counts(found["shop/tidy"]) == {
        "complete": 1,
        "stale": 1,
        "running": 2,
        "late": 1,
        "missing": 1,
        "never started": 2,
    }
    assert counts(found["clean/1"]) == {"complete": 1, "stale": 1, "running": 2, "missing": 1, "late": 3}
    assert (found["shop/tidy"].behind, found["shop/tidy"].oldest) == (5, lots[1])
    assert found["shop/tidy"].worst is Standing.MISSING


def test_a_datasets_lots_follow_from_its_maker_though_that_is_not_asked_about(landscape: Landscape) -> None:
    commit(landscape, "orders", FIRST)
    assert counts(look(landscape, "clean")["clean/1"]) == {"late": 1}


def test_nothing_is_due_where_sources_are_not_there(landscape: Landscape) -> None:
    commit(landscape, "orders", FIRST)
    assert counts(look(landscape, "send")["shop/send"]) == {}


def test_a_larger_lot_is_owed_once_all_of_it_is_there(landscape: Landscape) -> None:
    commit(landscape, "orders", *list(DAY)[:-1])
    assert counts(look(landscape, "day")["shop/day"]) == {}
    commit(landscape, "orders", DAY.last)
    assert counts(look(landscape, "day")["shop/day"]) == {"never started": 1}


def test_a_boundary_is_late_from_where_it_stopped_looking(landscape: Landscape) -> None:
    lots = list(DAY)
    seal(landscape, 1, *lots[2:5])
    commit(landscape, "orders", *lots[2:4])  # the manifest of one is gone
    found = look(landscape, "arrive", "orders")
    assert counts(found["shop/arrive"]) == {"complete": 2, "missing": 1, "late": 18}  # the last is not quite over
    assert found["orders/1"].counts == found["shop/arrive"].counts
    assert found["shop/arrive"].oldest == lots[4]


def test_what_is_turned_off_or_given_up_is_not_owed(landscape: Landscape) -> None:
    lots = list(DAY)
    commit(landscape, "orders", *lots)
    tidy = arc_of(landscape, "tidy")
    (orders,) = [view for view in landscape.datasets.values() if view.dataset.name == "orders"]
    move_horizon(orders.manifests.store, orders.dataset, lots[20])
    assert counts(look(landscape, "tidy")["shop/tidy"]) == {"never started": 4}
    switch_ledger(tidy.state, tidy.project).append(1, Switched(**BY, element="tidy", on=False))
    found = look(landscape, "tidy", "clean")
    assert counts(found["shop/tidy"]) == {}
    assert found["shop/tidy"].is_off
    assert found["clean/1"].is_off


def test_entries_that_cannot_be_read_stop_nothing_and_are_told_once(
    landscape: Landscape, caplog: pytest.LogCaptureFixture
) -> None:
    commit(landscape, "orders", FIRST, FIRST.next)
    tidy = arc_of(landscape, "tidy")
    for lot in (FIRST, FIRST.next):
        tidy.state.put(f"{tidy.keys.lot(lot)}000001.json", b"{")
    assert counts(look(landscape, "tidy")["shop/tidy"]) == {"late": 2}
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "lots whose entries cannot be read count as late"
    ]


@pytest.fixture
def small_shards() -> Iterator[None]:
    listing._MANY, kept = 24, listing._MANY
    yield
    listing._MANY = kept


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    there=st.sets(st.integers(0, 24 * 12 - 1), max_size=40), worked=st.sets(st.integers(0, 24 * 12 - 1), max_size=20)
)
def test_however_it_is_cut_each_lot_counts_once(
    landscape_of: MakeLandscape,
    tmp_path_factory: pytest.TempPathFactory,
    small_shards: None,
    there: set[int],
    worked: set[int],
) -> None:
    landscape = landscape_of(tmp_path_factory.mktemp("cut"), CHAIN)
    wanted = LotRange(FIRST, FIRST.plus(24 * 12 - 1))
    commit(landscape, "orders", *map(FIRST.plus, there))
    done(arc_of(landscape, "tidy"), *map(FIRST.plus, worked))
    found = look(landscape, "tidy", now=wanted.last.end, wanted=wanted)["shop/tidy"]
    assert found.counts[Standing.COMPLETE] == len(worked)
    assert found.counts[Standing.NEVER_STARTED] == len(there - worked)
    assert found.oldest == (FIRST.plus(min(there - worked)) if there - worked else None)
    assert found.newest == [FIRST.plus(number) for number in sorted(worked, reverse=True)][:16]


def test_days_show_the_worst_of_all_that_is_asked_about(landscape: Landscape) -> None:
    commit(landscape, "orders", *DAY)
    done(arc_of(landscape, "tidy"), *list(DAY)[1:])
    overview = Overview(landscape, chosen(subjects(landscape), ["tidy"]), lambda _: DAY, NOW)
    assert by_day(overview, lambda _: None) == {date(2024, 1, 31): {Standing.COMPLETE: 23, Standing.NEVER_STARTED: 1}}


# ---- pace ------------------------------------------------------------------------------------------------------


def test_it_takes_from_the_arrival_until_the_commit(landscape: Landscape) -> None:
    for number, lot in enumerate(DAY, start=1):
        seal(landscape, number, lot, arrived=lot.start + timedelta(minutes=10))
    (boundary,) = landscape.boundaries
    assert isinstance(boundary, BoundaryView)
    pace = Pacing(landscape).of(boundary, list(DAY)[-4:])
    assert (pace.objects, pace.bytes, pace.median, pace.most) == (1, 10, 3000, 3000)
    tidy = arc_of(landscape, "tidy")
    done(tidy, *list(DAY)[-2:])  # both committed at the end of the day
    pace = Pacing(landscape).of(tidy, list(DAY)[-2:])
    assert (pace.objects, pace.bytes, pace.median, pace.most) == (3, 30, 6600, 6600)


def test_where_nothing_is_known_nothing_is_said(landscape: Landscape) -> None:
    tidy = arc_of(landscape, "tidy")
    assert Pacing(landscape).of(tidy, []).median is None
    done(tidy, FIRST)
    assert Pacing(landscape).of(tidy, [FIRST]).median is None


def test_entries_here_are_as_the_codec_reads_them() -> None:
    """A guard for this module's own fixtures."""
    for entry in (claim(FIRST), complete(FIRST), missing(FIRST)):
        assert codec.read_ledger_entry(codec.ledger_entry_bytes(entry), source="here") == entry
    assert LotUnit.HOURS is FIRST.unit
