"""What the arc of ``operations.json`` does: another team's code, which knows the dataset, not its makers."""

from __future__ import annotations

import polars as pl

from clusterless.sdk import LotWork

LATE = 15  # minutes


def delayed(work: LotWork) -> None:
    """Only the flights that left more than 15 minutes late."""
    tables = [pl.read_parquet(file.read()) for file in work.source("main")]
    late = pl.concat(tables).filter(pl.col("dep_delay") > LATE)
    if late.is_empty():
        return  # the lot is committed all the same, as an empty one
    with work.sink("main").open(f"lot={work.lot}/part-{work.attempt}.parquet") as stream:
        late.write_parquet(stream)
