"""How the files of flights and weather are read, and tables are written."""

from __future__ import annotations

import polars as pl

from clusterless.sdk import LotWork

WHOLE, DECIMAL, TEXT, HOUR = pl.Int64(), pl.Float64(), pl.String(), pl.Datetime("us", "UTC")

# Spelled out, so that every lot has the same types: in a calm hour nothing tells that `wind_gust` is a number.
FLIGHTS = pl.Schema(
    {
        "year": WHOLE,
        "month": WHOLE,
        "day": WHOLE,
        "dep_time": WHOLE,
        "sched_dep_time": WHOLE,
        "dep_delay": WHOLE,
        "arr_time": WHOLE,
        "sched_arr_time": WHOLE,
        "arr_delay": WHOLE,
        "carrier": TEXT,
        "flight": WHOLE,
        "tailnum": TEXT,
        "origin": TEXT,
        "dest": TEXT,
        "air_time": WHOLE,
        "distance": WHOLE,
        "hour": WHOLE,
        "minute": WHOLE,
        "time_hour": HOUR,
    }
)
WEATHER = pl.Schema(
    {
        "origin": TEXT,
        "year": WHOLE,
        "month": WHOLE,
        "day": WHOLE,
        "hour": WHOLE,
        "temp": DECIMAL,
        "dewp": DECIMAL,
        "humid": DECIMAL,
        "wind_dir": WHOLE,
        "wind_speed": DECIMAL,
        "wind_gust": DECIMAL,
        "precip": DECIMAL,
        "pressure": DECIMAL,
        "visib": DECIMAL,
        "time_hour": HOUR,
    }
)


def read(work: LotWork, role: str, schema: pl.Schema) -> pl.DataFrame:
    """All rows of the lot's CSV files, in order of file; a source that is not there has none."""
    files = [pl.read_csv(file.read(), schema=schema, null_values="NA") for file in work.source(role)]
    return pl.concat([pl.DataFrame(schema=schema), *files])


def write(work: LotWork, table: pl.DataFrame, folder: str = "") -> None:
    """Write the rows, if any, as one Parquet object below *folder*.

    The lot in its key keeps it apart from other lots', the attempt from what a
    slower worker may still write, or a later revision will.
    """
    if table.is_empty():
        return
    with work.sink("main").open(f"{folder}lot={work.lot}/part-{work.attempt}.parquet") as stream:
        table.write_parquet(stream)
