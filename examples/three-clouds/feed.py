"""Access logs of a few services: each line is ``SERVICE METHOD PATH STATUS BYTES``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

SERVICES = ("shop", "search", "mail")
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
HOSTS = 2


def logs(lots: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """The names and the texts of the logs of so many times five minutes, one of each host."""
    chance = random.Random(seed)
    for number in range(lots):
        moment = BEGIN + timedelta(minutes=5 * number, seconds=chance.randrange(300))
        for host in range(HOSTS):
            yield f"host{host}-{moment:%Y%m%dT%H%M%SZ}.log", "".join(_line(chance) for _ in range(20))


def interval(lots: int) -> tuple[str, ...]:
    """What tells a command of `cls` which lots these are."""
    return ("--earliest", f"{BEGIN:%Y-%m-%d}", "--latest", f"{BEGIN + timedelta(minutes=5 * lots):%Y-%m-%dT%H:%M}")


def _line(chance: random.Random) -> str:
    path = chance.choice(["/", "/health", "/item/7", "/cart"])
    return f"{chance.choice(SERVICES)} GET {path} {chance.choice([200, 404])} {chance.randrange(5000)}\n"
