"""Moments: laws that hold for any of them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clusterless
from clusterless.engine.moments import dated, lasting, parse_moment
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit

NOW = datetime(2024, 3, 31, 14, 35, 50, tzinfo=UTC)
EARLY, LATE = datetime(1000, 1, 1), datetime(9990, 1, 1)  # noqa: DTZ001

moments = st.datetimes(EARLY, LATE, timezones=st.just(UTC))
zones = st.integers(-18 * 60, 18 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(EARLY, LATE, timezones=zones), st.sampled_from("T "))
def test_iso_text_in_any_zone_is_read_back(moment: datetime, separator: str) -> None:
    read = parse_moment(moment.isoformat(separator), NOW)
    assert read == moment
    assert read.tzinfo is UTC


@given(moments)
def test_epoch_milliseconds_are_read_back(moment: datetime) -> None:
    millis = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    if millis >= 100_000_000:
        assert parse_moment(str(millis), NOW) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)


@given(moments, st.sampled_from(LotUnit))
def test_a_lot_is_its_start(moment: datetime, unit: LotUnit) -> None:
    lot = Lot.containing(moment, unit)
    assert parse_moment(str(lot), NOW) == lot.start


@given(moments, st.integers(0, 1000), st.sampled_from(["s", "m", "h", "d", "w"]))
def test_going_back_and_forth_leads_home(now: datetime, amount: int, unit: str) -> None:
    back = parse_moment(f"{amount}{unit}", now)
    assert back == parse_moment(f"-{amount}{unit}", now) <= now
    assert parse_moment(f"+{amount}{unit}", back) == now


@given(moments, st.sampled_from(["s", "m", "h", "d", "w", "mon", "y"]))
def test_snapping_goes_down_and_twice_is_once(now: datetime, unit: str) -> None:
    snapped = parse_moment(f"@{unit}", now)
    assert snapped <= now < parse_moment(f"@{unit}+1{unit}", now)
    assert parse_moment(f"@{unit}", snapped) == snapped


def test_blanks_around_do_not_matter_and_now_may_be_in_any_zone() -> None:
    assert parse_moment(" now ", NOW.astimezone(timezone(timedelta(hours=9)))) == NOW
    assert parse_moment("@d", NOW.astimezone(timezone(timedelta(hours=10)))) == datetime(2024, 3, 31, tzinfo=UTC)


def test_a_refusal_says_what_to_type() -> None:
    with pytest.raises(InvalidValueError, match="'x' is not a unit") as caught:
        parse_moment("12x", NOW)
    assert "12h" in caught.value.hint


def test_a_word_that_is_none_is_refused_once() -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_moment("foo", NOW)
    assert caught.value.problem == "'foo' is not a moment: it has none of the known forms"


@given(st.integers(0, 10**9))
def test_how_long_it_takes_is_told_in_two_units_and_nearly_what_it_is(seconds: int) -> None:
    """What is left out is less than the smaller of the two."""
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    told = [(int(part[:-1]), units[part[-1]]) for part in lasting(seconds).split()]
    assert 0 <= seconds - sum(count * length for count, length in told) < max(told[0][1] // 24, 1)
    assert len(told) <= 2


@given(st.text(max_size=20) | st.from_regex(r"[0-9+@:/ T-]{1,20}[a-z]{0,3}", fullmatch=True))
def test_whatever_the_text_it_is_a_moment_or_refused(text: str) -> None:
    with suppress(InvalidValueError):
        assert parse_moment(text, NOW).tzinfo is UTC


@given(moments, zones)
def test_what_people_are_told_can_be_typed_in_any_zone_and_is_the_same_everywhere(
    moment: datetime, zone: timezone
) -> None:
    said = dated(moment.astimezone(zone))
    assert parse_moment(said, NOW) == moment.replace(microsecond=0)
    assert said == dated(moment)


def test_a_time_of_day_is_put_in_words_in_one_place() -> None:
    package = Path(clusterless.__file__).parent
    files = {file for part in ("cli", "engine", "operate", "runner") for file in (package / part).rglob("*.py")}
    assert len(files) > 50
    assert [file.name for file in files if "%H:%M" in file.read_text()] == ["moments.py"]
