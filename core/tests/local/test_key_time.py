from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import InvalidValueError
from clusterless.runtime.key_time import check_key_regex, key_time

HIVE = r"year=(?P<year>\d+)/month=(?P<month>\d+)/day=(?P<day>\d+)/"
FLAT = r"_(?P<year>\d{4})(?P<month>\d\d)?(?P<day>\d\d)?(T(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d))?\."
STAMP = r"@(?P<timestamp>[^/]+)\."


@pytest.mark.parametrize(
    ("regex", "key", "moment"),
    [
        (HIVE, "year=2024/month=1/day=31/a.csv", datetime(2024, 1, 31, tzinfo=UTC)),
        (HIVE, "a/b/year=2024/month=01/day=31/a.csv", datetime(2024, 1, 31, tzinfo=UTC)),
        (FLAT, "log_2024.gz", datetime(2024, 1, 1, tzinfo=UTC)),
        (FLAT, "log_202402.gz", datetime(2024, 2, 1, tzinfo=UTC)),
        (FLAT, "log_20240229T235958.gz", datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC)),
        (STAMP, "a@2024-01-31T10:20:30Z.csv", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        (STAMP, "a@20240131T102030Z.csv", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        (STAMP, "a@2024-01-31.csv", datetime(2024, 1, 31, tzinfo=UTC)),
        (STAMP, "a@2024-01-31T10:20:30.csv", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        (STAMP, "a@2024-01-31T00:20+02:00.csv", datetime(2024, 1, 30, 22, 20, tzinfo=UTC)),
    ],
)
def test_a_key_spells_its_time_in_utc(regex: str, key: str, moment: datetime) -> None:
    found = key_time(regex, key)
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("regex", "key"),
    [
        (HIVE, "a.csv"),
        (HIVE, "year=2024/month=13/day=1/a"),
        (HIVE, "year=2023/month=02/day=29/a"),
        (HIVE, "year=24/month=02/day=20/a"),
        (HIVE, "year=99999/month=02/day=20/a"),
        (FLAT, "log_20240229T240000.gz"),
        (STAMP, "a@yesterday.csv"),
        (STAMP, "a@0001-01-01T00:00+14:00.csv"),
        (r"(?P<timestamp>\d{8})?x", "x"),
    ],
)
def test_a_key_that_spells_no_time_has_none(regex: str, key: str) -> None:
    assert key_time(regex, key) is None


@pytest.mark.parametrize(
    "regex",
    [
        "(",
        "a.csv",
        r"(?P<month>\d\d)",
        r"(?P<year>\d{4})(?P<day>\d\d)",
        r"(?P<timestamp>.*)(?P<year>\d{4})",
        r"(\d{4})",
    ],
)
def test_a_pattern_that_gives_no_time_is_refused(regex: str) -> None:
    with pytest.raises(InvalidValueError, match="keyRegex"):
        check_key_regex(regex)


@pytest.mark.parametrize("regex", [HIVE, FLAT, STAMP])
def test_a_pattern_that_gives_times_is_kept(regex: str) -> None:
    check_key_regex(regex)


moments = st.datetimes(
    min_value=datetime(1001, 1, 1),  # noqa: DTZ001 - Hypothesis asks for naive bounds
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=5, minutes=30))]),
)


@given(moments)
def test_a_stamp_is_read_back_whatever_its_zone(moment: datetime) -> None:
    assert key_time(STAMP, f"a@{moment.isoformat()}.csv") == moment


@given(moments)
def test_parts_are_read_back(moment: datetime) -> None:
    utc = moment.astimezone(UTC).replace(microsecond=0)
    assert key_time(FLAT, f"log_{utc:%Y%m%dT%H%M%S}.gz") == utc


@given(st.text())
def test_no_key_is_too_strange(key: str) -> None:
    found = key_time(r"(?P<timestamp>.+)", key)
    assert found is None or found.tzinfo is UTC
