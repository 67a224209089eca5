"""What is off, when it was, and which lots are left out, from any history of switches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.switches import Switches, gap
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.switch import WHOLE, Stretch, Switched

START = datetime(2024, 1, 31, 12, tzinfo=UTC)
NAMES = [WHOLE, "copy", "join"]


def switched(number: int, element: str, *, on: bool, minutes: int = 0, skipped: Stretch | None = None) -> Switched:
    at = START + timedelta(minutes=number + minutes)
    return Switched(put_id=str(number), at=at, by="me", element=element, on=on, skipped=skipped)


@st.composite
def histories(draw: st.DrawFn) -> Switches:
    """Any entries in any order, some by clocks that are minutes off."""
    drawn = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.booleans(), st.integers(-9, 9)), max_size=12))
    return Switches(tuple(switched(n, name, on=on, minutes=off) for n, (name, on, off) in enumerate(drawn)))


@given(histories(), st.sampled_from(["copy", "join"]))
def test_an_element_is_off_by_its_own_switch_or_by_the_projects(switches: Switches, name: str) -> None:
    is_off = dict.fromkeys(NAMES, False)
    for entry in switches.entries:
        is_off[entry.element] = not entry.on
    assert bool(switches.off(name)) == (is_off[WHOLE] or is_off[name])
    assert bool(switches.off(WHOLE)) == is_off[WHOLE]
    assert bool(switches.turned_off(name)) == is_off[name]


@given(histories(), st.sampled_from(["copy", "join"]))
def test_what_is_off_is_in_a_range_that_lasts_and_no_range_ends_before_it_begins(switches: Switches, name: str) -> None:
    ranges = switches.off_ranges(name)
    lasting = [each.switched for each in ranges if each.until is None]
    assert (switches.off(name) in lasting) if lasting else switches.off(name) is None
    assert all(each.until is None or each.since <= each.until for each in ranges)
    assert [each.since for each in ranges] == sorted(each.since for each in ranges)
    assert all(each.is_whole == (each.switched.element == WHOLE) for each in ranges)


@given(histories(), st.integers(0, 12))
def test_turning_off_what_is_off_changes_nothing(switches: Switches, at: int) -> None:
    again = Switches((*switches.entries, switched(99, "copy", on=False)))
    if off := switches.turned_off("copy"):
        assert again.turned_off("copy") == off, "it is off since it was, by whom it was"
        assert again.off_ranges("copy") == switches.off_ranges("copy")


UNITS = st.sampled_from([LotUnit.TWELFTHS, LotUnit.HOURS, LotUnit.DAYS])


@given(st.integers(-3000, 3000), st.integers(-3000, 3000), st.one_of(st.none(), st.integers(-3000, 0)), UNITS)
def test_the_gap_ends_where_work_begins_again(lot: int, start: int, owed: int | None, unit: LotUnit) -> None:
    """A lot that begins at the start or later is never left out; what is owed before it always is."""
    first = Lot.containing(START + timedelta(minutes=owed), unit) if owed is not None else None
    begins = Lot.containing(START + timedelta(minutes=start), unit)
    each = Lot.containing(START + timedelta(minutes=lot), unit)
    skipped = gap(switched(0, "copy", on=False), begins.start, first)
    if each >= begins:
        assert not skipped or each not in skipped
    elif each.end > START or (first and each >= first):
        assert skipped
        assert each in skipped
    elif not first:
        assert not skipped or each not in skipped, "it had ended before anything was off"


def test_a_lot_is_left_out_of_the_element_that_was_turned_on_or_of_all() -> None:
    lot = Lot.containing(START, LotUnit.TWELFTHS)
    own = Switches((switched(1, "copy", on=True, skipped=Stretch(START, lot.end)),))
    whole = Switches((switched(1, WHOLE, on=True, skipped=Stretch(START, lot.end)),))
    assert own.skips("copy", lot)
    assert not own.skips("join", lot)
    assert whole.skips("copy", lot)
    assert whole.skips("join", lot)
    assert not whole.skips("copy", lot.next)
    assert not whole.skips("copy", lot.previous)
