"""What is dropped, when, and that it is dropped once."""

from __future__ import annotations

import csv
import fcntl
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nyc
from feeder import Drop, Outbox, drops, feed

HERE = Path(__file__).parent


def at_once() -> None:
    """No pause."""


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox.below(tmp_path)


def some_drops() -> list[Drop]:
    """The first ten files of the first day."""
    return drops(1)[:10]


def arrived(outbox: Outbox) -> list[Path]:
    return sorted(path for path in outbox.arrivals.rglob("*") if path.is_file())


def test_the_first_day_arrives_as_one_file_an_hour_and_kind(outbox: Outbox) -> None:
    assert feed(drops(1), outbox, at_once) == 42  # 19 hours with flights, 23 with weather
    with (outbox.arrivals / "flights" / "flights-20130101T10Z.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["flight"] for row in rows[:3]] == ["1545", "1714", "1141"]
    assert {row["time_hour"] for row in rows} == {"2013-01-01T10:00:00Z"}


def test_what_arrives_is_the_input_unchanged(outbox: Outbox) -> None:
    feed(drops(1), outbox, at_once)
    files = [path for path in arrived(outbox) if path.parent.name == "flights"]
    together = pl.concat([pl.read_csv(path, infer_schema=False) for path in files])
    assert together.sort(pl.all()).equals(nyc.flights(1).sort(pl.all()))


def test_files_are_dropped_in_order_of_hour() -> None:
    hours = [drop.hour for drop in drops(2)]
    assert hours == sorted(hours)


@given(st.datetimes(timezones=st.just(UTC)))
def test_the_boundaries_read_the_hour_back_from_the_name(hour: datetime) -> None:
    name = Drop(f"{hour.isoformat()[:13]}:00:00Z", "flights", pl.DataFrame()).name
    for regex in set(re.findall(r'"keyRegex": "(.*)"', (HERE / "flights.json").read_text("utf-8"))):
        found = re.search(regex.replace("\\\\", "\\"), name)
        assert found
        assert [int(part) for part in found.groups()] == [hour.year, hour.month, hour.day, hour.hour]


def test_a_second_run_drops_nothing(outbox: Outbox) -> None:
    feed(some_drops(), outbox, at_once)
    before = [(path, path.stat().st_mtime_ns) for path in arrived(outbox)]
    assert feed(some_drops(), outbox, at_once) == 0
    assert [(path, path.stat().st_mtime_ns) for path in arrived(outbox)] == before


def test_what_was_dropped_and_taken_away_is_not_dropped_again(outbox: Outbox) -> None:
    feed(some_drops(), outbox, at_once)
    taken = arrived(outbox)[0]
    taken.unlink()
    assert feed(some_drops(), outbox, at_once) == 0
    assert not taken.exists()


def test_more_days_go_on_after_the_days_before(outbox: Outbox) -> None:
    feed(drops(1), outbox, at_once)
    assert feed(drops(2), outbox, at_once) == 43


def test_killed_before_it_noted_a_file_it_does_not_drop_it_again(outbox: Outbox) -> None:
    feed(some_drops(), outbox, at_once)
    names = outbox.journal.read_text("utf-8").splitlines()
    outbox.journal.write_text("".join(f"{name}\n" for name in names[:-1]), "utf-8")
    assert feed(some_drops(), outbox, at_once) == 0
    assert outbox.journal.read_text("utf-8").splitlines() == names


def test_killed_in_the_middle_of_a_file_it_leaves_nothing_behind(outbox: Outbox) -> None:
    outbox.notes.mkdir(parents=True)
    outbox.unfinished.write_text("year,mon", "utf-8")
    feed(some_drops(), outbox, at_once)
    assert not outbox.unfinished.exists()
    assert len(arrived(outbox)) == 10


def test_nothing_but_whole_files_is_ever_in_the_watched_folders(outbox: Outbox) -> None:
    looks = []

    def look() -> None:
        looks.append(1)
        assert all(re.fullmatch(r"(flights|weather)-\d{8}T\d\dZ\.csv", path.name) for path in arrived(outbox))
        assert all(path.read_bytes().endswith(b"Z\n") for path in arrived(outbox))

    feed(some_drops(), outbox, look)
    assert looks


def test_it_pauses_before_each_hour_of_data(outbox: Outbox) -> None:
    pauses = []
    feed(drops(1), outbox, lambda: pauses.append(len(arrived(outbox))))
    assert len(pauses) == 23
    assert pauses[:6] == [0, 1, 2, 3, 4, 6]  # flights begin with the fifth hour of weather


def test_a_second_feeder_waits_for_the_first_and_goes_on_from_there(tmp_path: Path) -> None:
    """An orphan of a killed demo may still be feeding when the next one starts."""
    for name in ("feeder.py", "nyc.py"):
        (tmp_path / name).write_bytes((HERE / name).read_bytes())
    outbox = Outbox.below(tmp_path / "data")
    outbox.notes.mkdir(parents=True)
    with outbox.journal.open("a", encoding="utf-8") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        command = [sys.executable, "feeder.py", "--days=1", "--pace=1000"]
        second = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        assert second.stdout
        second.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(0.5)
        assert arrived(outbox) == []
        first.write("".join(f"{drop.name}\n" for drop in drops(1)[:-1]))
    said, _ = second.communicate()
    assert said.startswith("dropped 1 of them")
    assert len(arrived(outbox)) == 1
