"""What the arcs of ``flights.json`` do: each function works one lot, here an hour of arrivals."""

from __future__ import annotations

from clusterless.sdk import LotWork
from tables import FLIGHTS, WEATHER, read, write

AT = ["origin", "time_hour"]


def by_carrier(work: LotWork) -> None:
    """Flights as Parquet, partitioned by carrier."""
    flights = read(work, "main", FLIGHTS)
    for (carrier,), rows in flights.partition_by("carrier", as_dict=True).items():
        write(work, rows, f"carrier={carrier}/")


def with_weather(work: LotWork) -> None:
    """Every flight, with the weather at its airport in the hour it was due to leave, where that is known."""
    flights = read(work, "flights", FLIGHTS)
    weather = read(work, "weather", WEATHER).drop("year", "month", "day", "hour")
    # A later file corrects an earlier one; without this each of its rows would double its flights.
    newest = weather.unique(AT, keep="last", maintain_order=True)
    write(work, flights.join(newest, on=AT, how="left", maintain_order="left"))
