"""The outside world of this demo: drops one CSV file of flights and one of weather for each hour of data.

Start it again at any time: what was dropped once is never dropped again.
"""

from __future__ import annotations

import argparse
import fcntl
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import polars as pl
from attrs import frozen

import nyc
from clusterless.runtime.clock import SystemClock


@frozen
class Drop:
    """One file to be dropped: *kind* is ``flights`` or ``weather``, *hour* like ``2013-01-01T10:00:00Z``."""

    hour: str
    kind: str
    rows: pl.DataFrame

    @property
    def name(self) -> str:
        """Such as ``flights-20130101T10Z.csv``; the boundaries book by the time in it."""
        return f"{self.kind}-{self.hour[:13].replace('-', '')}Z.csv"


@frozen
class Outbox:
    """The *arrivals* folders, and the feeder's own folder *notes*, on the same disk."""

    arrivals: Path
    notes: Path

    @classmethod
    def below(cls, data: Path) -> Outbox:
        return cls(data / "arrivals", data / "feeder")

    @property
    def journal(self) -> Path:
        """The names of all files ever dropped, one a line."""
        return self.notes / "dropped.txt"

    @property
    def unfinished(self) -> Path:
        return self.notes / "next.csv"

    def place(self, drop: Drop) -> None:
        """Make the file appear whole or not at all, since someone is watching."""
        target = self.arrivals / drop.kind / drop.name
        drop.rows.write_csv(self.unfinished)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.unfinished.rename(target)

    def holds(self, drop: Drop) -> bool:
        return (self.arrivals / drop.kind / drop.name).exists()


def drops(days: int) -> list[Drop]:
    """Everything there is to drop for the first *days* days, in order of hour."""
    kinds = {"flights": nyc.flights(days), "weather": nyc.weather(days)}
    found = [
        Drop(hour, kind, rows)
        for kind, table in kinds.items()
        for (hour,), rows in table.partition_by("time_hour", as_dict=True).items()
    ]
    return sorted(found, key=lambda drop: (drop.hour, drop.kind))


def feed(planned: Sequence[Drop], outbox: Outbox, pause: Callable[[], None]) -> int:
    """Drop what was not dropped before, with a *pause* before each hour; returns how many files that were."""
    outbox.notes.mkdir(parents=True, exist_ok=True)
    with outbox.journal.open("a+", encoding="utf-8") as journal:
        # A feeder that outlived its demo may still be at work: wait for it, and go on from there.
        fcntl.flock(journal, fcntl.LOCK_EX)
        outbox.unfinished.unlink(missing_ok=True)
        return _feed(planned, outbox, journal, pause)


def _feed(planned: Sequence[Drop], outbox: Outbox, journal: IO[str], pause: Callable[[], None]) -> int:
    journal.seek(0)
    known = set(journal.read().split())
    count, hour = 0, ""
    for drop in planned:
        if drop.name in known:
            continue
        if drop.hour != hour:
            hour = drop.hour
            pause()
        count += _drop_once(drop, outbox, journal)
    return count


def _drop_once(drop: Drop, outbox: Outbox, journal: IO[str]) -> bool:
    # Killed between the file and its line in the journal, the file alone says that it was dropped.
    missing = not outbox.holds(drop)
    if missing:
        outbox.place(drop)
    journal.write(f"{drop.name}\n")
    journal.flush()
    return missing


def main() -> None:
    """Feed as the command line says; may be killed at any moment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=7, help="how many days of 2013 (default 7)")
    parser.add_argument("--pace", type=float, default=50, help="hours of data a second (default 50)")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is no more to it than being killed
    outbox = Outbox.below(Path(__file__).parent / "data")
    planned = drops(options.days)
    print(f"{len(planned)} files are to be in {outbox.arrivals}", flush=True)
    count = feed(planned, outbox, lambda: SystemClock().sleep(1 / options.pace))
    print(f"dropped {count} of them, the others were there")


if __name__ == "__main__":
    main()
