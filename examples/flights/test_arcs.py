"""What the arcs make of a lot, through the real SDK and files in a folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from attrs import frozen

import arcs
import nyc
import operations
from clusterless import layout
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.sdk import LotWork, Sink, Source
from clusterless.store.files import FileStore
from clusterless.store.manifests import Manifests, encode

LOT = Lot.parse("20130101PT1H010")
HOUR = "2013-01-01T10:00:00Z"
NO_WEATHER = {"temp": None, "wind_gust": None, "visib": None}


@frozen
class Folder:
    """Holds the lot's sources and its sink."""

    path: Path

    def work(self, **sources: list[bytes] | None) -> LotWork:
        """The lot with the bodies of these files in its sources, by role; None is a source that is not there."""
        template = f"{self._dataset('staging').path_uri}{{lot}}/{{state}}.json"
        return LotWork(
            lot=LOT,
            attempt="0-1-a",
            revision=0,
            token="token",
            props={},
            sources={role: self._source(role, bodies) for role, bodies in sources.items()},
            sinks={"main": Sink(dataset=self._dataset("out"), template=template, open_store=FileStore)},
        )

    def written(self) -> dict[str, pl.DataFrame]:
        """The tables in the sink, by key."""
        out = self.path / "out"
        return {str(file.relative_to(out)): pl.read_parquet(file) for file in sorted(out.rglob("*.parquet"))}

    def _source(self, role: str, bodies: list[bytes] | None) -> Source:
        dataset = self._dataset(role)
        if bodies is None:
            return Source(dataset=dataset, manifest_uri=None, open_store=FileStore)
        for number, body in enumerate(bodies):
            FileStore(dataset.path_uri).put(str(number), body)
        uris = tuple(layout.uri(dataset.path_uri, str(number)) for number in range(len(bodies)))
        state = ManifestState.COMPLETE if uris else ManifestState.EMPTY
        manifests = Manifests(FileStore(self._dataset("manifests").path_uri))
        with encode(Manifest(state=state, lot=LOT, uris=uris)).open() as stream:
            uri = manifests.publish(dataset, LOT, state, 0, stream)
        return Source(dataset=dataset, manifest_uri=uri, open_store=FileStore)

    def _dataset(self, name: str) -> LocatedDataset:
        return LocatedDataset(name=name, version="1", path_uri=f"{(self.path / name).as_uri()}/")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def of_hour(table: pl.DataFrame) -> bytes:
    return table.filter(pl.col("time_hour") == HOUR).write_csv().encode()


@pytest.fixture(scope="module")
def flights() -> bytes:
    return of_hour(nyc.flights(1))


@pytest.fixture(scope="module")
def weather() -> bytes:
    return of_hour(nyc.weather(1))


def rows(body: bytes) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(body.decode()))


def test_by_carrier_parts_the_flights_by_carrier(folder: Folder, flights: bytes) -> None:
    arcs.by_carrier(folder.work(main=[flights]))
    found = {key: table["flight"].to_list() for key, table in folder.written().items()}
    expected: dict[str, list[int]] = {}
    for row in rows(flights):
        key = f"carrier={row['carrier']}/lot={LOT}/part-0-1-a.parquet"
        expected.setdefault(key, []).append(int(row["flight"]))
    assert found == expected


def test_columns_have_the_same_types_in_every_lot(folder: Folder, flights: bytes) -> None:
    """A cancelled flight has neither delay nor tail number, which says nothing of their types."""
    header = flights.splitlines()[0]
    cancelled = b"2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,NA,EWR,RDU,NA,416,16,30,2013-01-01T21:00:00Z"
    arcs.by_carrier(folder.work(main=[flights, header + b"\n" + cancelled]))
    schemas = [table.schema for table in folder.written().values()]
    assert len(schemas) > 1
    assert all(schema == schemas[0] for schema in schemas)
    assert schemas[0]["dep_delay"] == pl.Int64()


def test_an_empty_lot_is_written_as_nothing(folder: Folder) -> None:
    arcs.by_carrier(folder.work(main=[]))
    assert folder.written() == {}


def test_with_weather_keeps_every_flight_in_order(folder: Folder, flights: bytes, weather: bytes) -> None:
    arcs.with_weather(folder.work(flights=[flights], weather=[weather]))
    (joined,) = folder.written().values()
    assert joined["flight"].to_list() == [int(row["flight"]) for row in rows(flights)]
    temperatures = {row["origin"]: float(row["temp"]) for row in rows(weather)}
    assert joined["temp"].to_list() == [temperatures[row["origin"]] for row in rows(flights)]


@pytest.mark.parametrize("weather_files", [None, []], ids=["not there at the deadline", "empty lot"])
def test_without_weather_its_columns_are_there_and_empty(
    folder: Folder, flights: bytes, weather_files: list[bytes] | None
) -> None:
    arcs.with_weather(folder.work(flights=[flights], weather=weather_files))
    (joined,) = folder.written().values()
    assert joined.height == len(list(rows(flights)))
    assert joined.select(*NO_WEATHER).unique().row(0, named=True) == NO_WEATHER
    assert joined.schema["temp"] == pl.Float64()


def test_a_later_weather_file_corrects_the_earlier(folder: Folder, flights: bytes, weather: bytes) -> None:
    colder = weather.replace(b",39.02,", b",-40.5,")
    assert colder != weather
    arcs.with_weather(folder.work(flights=[flights], weather=[weather, colder]))
    (joined,) = folder.written().values()
    assert joined.height == len(list(rows(flights)))
    assert -40.5 in joined["temp"].to_list()
    assert 39.02 not in joined["temp"].to_list()


def test_weather_alone_is_written_as_nothing(folder: Folder, weather: bytes) -> None:
    arcs.with_weather(folder.work(flights=None, weather=[weather]))
    assert folder.written() == {}


def test_delayed_keeps_what_left_more_than_15_minutes_late(folder: Folder) -> None:
    delays = pl.DataFrame({"flight": [1, 2, 3, 4], "dep_delay": [15, 16, None, -3]})
    body = io.BytesIO()
    delays.write_parquet(body)
    operations.delayed(folder.work(main=[body.getvalue(), body.getvalue()]))
    (late,) = folder.written().values()
    assert late["flight"].to_list() == [2, 2]


def test_delayed_writes_nothing_of_an_hour_in_which_all_left_in_time(folder: Folder) -> None:
    body = io.BytesIO()
    pl.DataFrame({"flight": [1], "dep_delay": [0]}).write_parquet(body)
    operations.delayed(folder.work(main=[body.getvalue()]))
    assert folder.written() == {}
