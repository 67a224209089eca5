"""Whatever is there and whatever is mentioned: each object is held, loose or blamed, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.audit import Fault, Held, Judged, Kind, Loose, Mention, Standing, compared
from clusterless.engine.strays import Arriving, Trace, Written
from clusterless.model.boundary import Booking, LotSource
from clusterless.model.lot import Lot, LotUnit

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@frozen
class There:
    key: str
    etag: str = "e1"
    size: int = 3
    time: datetime = NOW


def judged(objects: list[There], mentions: list[Mention]) -> list[Judged]:
    return list(compared(objects, sorted(mentions, key=lambda each: each.key), lambda key: f"s:///{key}"))


def faults(objects: list[There], *mentions: Mention) -> list[tuple[Kind, str, str]]:
    return [(each.kind, each.lot, each.uri) for each in judged(objects, list(mentions)) if isinstance(each, Fault)]


def listed(key: str, lot: str = "L1", standing: Standing = Standing.LOT, **more: object) -> Mention:
    return Mention(key, standing, lot, **more)  # type: ignore[arg-type]


keys = st.text("ab/", min_size=1, max_size=3)
mentioned = st.builds(
    Mention,
    keys,
    st.sampled_from(Standing),
    st.sampled_from(["L1", "L2"]),
    st.integers(0, 1),
    st.sampled_from([None, "e1", "e2"]),
    st.just(3),
    st.sampled_from([None, NOW + HOUR, NOW - HOUR]),
)


@given(st.sets(keys), st.lists(mentioned))
def test_every_object_is_accounted_for_and_every_listed_key_that_is_gone_is_told(
    there: set[str], mentions: list[Mention]
) -> None:
    found = judged([There(key) for key in sorted(there)], mentions)
    accounted = {each.present.key for each in found if isinstance(each, Held | Loose)}
    accounted |= {each.uri.removeprefix("s:///") for each in found if isinstance(each, Fault)}
    assert there <= accounted
    gone = {each.key for each in mentions if each.standing is Standing.LOT and each.key not in there}
    told = {each.uri.removeprefix("s:///") for each in found if isinstance(each, Fault) and each.kind is Kind.VANISHED}
    assert gone <= told


@given(st.sets(keys), st.lists(mentioned))
def test_what_is_in_one_lot_only_is_held_once_and_in_several_blamed_for_each_but_one(
    there: set[str], mentions: list[Mention]
) -> None:
    plain = [each for each in mentions if each.standing is Standing.LOT]
    found = judged([There(key) for key in sorted(there)], plain)
    times = Counter(each.key for each in plain if each.key in there)
    doubles = Counter(
        each.uri.removeprefix("s:///") for each in found if isinstance(each, Fault) and each.kind is Kind.DOUBLE
    )
    assert doubles == +Counter({key: count - 1 for key, count in times.items()})
    assert sorted(each.present.key for each in found if isinstance(each, Held)) == sorted(times)


@given(st.sets(keys), st.sets(st.text("ab/", max_size=2)))
def test_a_folder_holds_all_below_it_and_is_blamed_where_there_is_nothing(there: set[str], folders: set[str]) -> None:
    found = judged(
        [There(key) for key in sorted(there)], [listed(each, each or "all", Standing.FOLDER) for each in folders]
    )
    held = {each.present.key for each in found if isinstance(each, Held)}
    assert held == {key for key in there if any(key.startswith(each) for each in folders)}
    empty = {each.uri.removeprefix("s:///") for each in found if isinstance(each, Fault) and each.kind is Kind.VANISHED}
    assert empty == {each for each in folders if not any(key.startswith(each) for key in there)}


def test_an_object_that_was_written_again_is_blamed_for_the_lot_of_the_version_before() -> None:
    booked = [listed("a", lot, Standing.BOOKED, etag=etag) for lot, etag in (("L1", "e0"), ("L2", "e1"))]
    assert faults([There("a")], listed("a"), listed("a", "L2"), *booked) == [(Kind.CHANGED, "L1", "s:///a")]


def test_the_last_revision_that_booked_an_object_in_a_lot_counts() -> None:
    booked = [listed("a", "L1", Standing.BOOKED, etag=etag, revision=n) for n, etag in ((1, "e1"), (0, "e0"))]
    assert faults([There("a")], listed("a"), *booked) == []


def test_the_size_of_what_is_gone_is_what_was_booked() -> None:
    (fault,) = judged([], [listed("a"), listed("a", "L1", Standing.BOOKED, etag="e1", size=7)])
    assert fault == Fault(Kind.VANISHED, "L1", "s:///a", 7, "its lot lists it, and it is gone")


def test_what_a_removed_lot_listed_must_be_gone_unless_it_was_written_since() -> None:
    removed = listed("a", "L1", Standing.REMOVED, at=NOW)
    assert faults([There("a", time=NOW - HOUR)], removed) == [(Kind.REMAINS, "L1", "s:///a")]
    assert judged([There("a", time=NOW + HOUR)], [removed]) == [Loose(There("a", time=NOW + HOUR))]
    assert faults([There("a", time=NOW - HOUR)], removed, listed("a", "L2")) == []


def test_what_an_older_revision_lists_is_in_order_as_long_as_it_is_kept() -> None:
    assert judged([There("a")], [listed("a", "L1", Standing.SUPERSEDED)]) == [Held(There("a"), "")]
    assert judged([], [listed("a", "L1", Standing.SUPERSEDED)]) == []


def test_an_arrival_in_the_intake_waits_and_another_version_of_it_does_not() -> None:
    waiting = listed("a", "L1", Standing.WAITING, etag="e1")
    assert judged([There("a")], [waiting]) == [Loose(There("a"), waits=True)]
    assert judged([There("a", etag="e2")], [waiting]) == [Loose(There("a", etag="e2"))]
    assert faults([], waiting) == [(Kind.VANISHED, "L1", "s:///a")]


def test_an_arrival_that_no_lot_can_be_told_of_is_told_once() -> None:
    without = listed("a", "", Standing.WAITING, etag="e1")
    assert faults([There("a")], without) == [(Kind.UNBOOKED, "", "s:///a")]
    assert faults([There("a")], without, listed("a", "L1", Standing.WAITING, etag="e1")) == []


# ---- what no lot lists -----------------------------------------------------------------------------------------


def arriving(through: str | None, **more: object) -> Arriving:
    booking = Booking(unit=LotUnit.HOURS, grace=60, settle=5, **more)  # type: ignore[arg-type]
    return Arriving(booking=booking, through=Lot.parse(through) if through else None, now=NOW)


@pytest.mark.parametrize("through", ["20240131PT1H011", None])
def test_an_arrival_is_a_stray_once_its_lot_should_be_sealed(through: str | None) -> None:
    rules = arriving(through)
    last_second = There("a", time=NOW - timedelta(seconds=1))  # of the lot that has just ended
    assert rules.judge(last_second, "s:///a") is None
    fault = rules.judge(There("a", time=NOW - 2 * HOUR), "s:///a")
    assert fault
    assert (fault.kind, fault.note) == (
        Kind.STRAY,
        "lot 20240131PT1H010 was sealed without it" if through else "it was never booked",
    )


def test_of_a_key_time_the_lot_is_not_guessed() -> None:
    rules = arriving("20240131PT1H011", lot_source=LotSource.KEY_TIMESTAMP_REGEX, key_regex="x")
    fault = rules.judge(There("a", time=NOW - 2 * HOUR), "s:///a")
    assert fault
    assert fault.note == "it was never booked"


ONE, OTHER = "0-1-00000000000000aa", "0-1-00000000000000bb"


@pytest.mark.parametrize(
    ("traces", "kind"),
    [
        ([Trace(ONE, "L1", "complete", settled=True)], Kind.DISOWNED),
        ([Trace(ONE, "L1", "complete", settled=True), Trace(OTHER, "L2", "complete", settled=True)], Kind.DISOWNED),
        ([Trace(ONE, "L1", "complete", settled=True), Trace(OTHER, "L2", "missing")], Kind.STRAY),
        ([Trace(ONE, "L1", "complete")], Kind.STRAY),
        ([Trace(ONE, "L1", "claim", lives=True)], None),
        ([], Kind.STRAY),
    ],
)
def test_what_an_attempt_left_is_disowned_only_where_each_of_its_lots_is_settled(
    traces: list[Trace], kind: Kind | None
) -> None:
    known = {trace.attempt: trace for trace in traces}
    rules = Written(trace=known.get, since=NOW + HOUR)
    fault = rules.judge(There(f"x/{ONE}/{OTHER}"), "s:///x")
    assert (fault.kind if fault else None) is kind


def test_what_is_written_while_an_attempt_lives_may_be_its() -> None:
    rules = Written(trace=lambda _: None, since=NOW)
    assert rules.judge(There("a", time=NOW), "s:///a") is None
    assert rules.judge(There("a", time=NOW - HOUR), "s:///a")
