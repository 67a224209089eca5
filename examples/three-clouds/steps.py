"""What the arcs do, each function with one lot: none of them knows, or asks, which cloud its objects are in."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from clusterless.sdk import LotWork

FIELDS = ("service", "method", "path", "status", "bytes")


def requests(work: LotWork) -> None:
    """The requests that people made, a line of JSON each."""
    for number, source in enumerate(work.source()):
        made = [dict(zip(FIELDS, line.split(), strict=True)) for line in source.read().decode().splitlines()]
        kept = [json.dumps(each) + "\n" for each in made if each["path"] != "/health"]
        work.sink().write(f"lot={work.lot}/{work.attempt}-{number}.jsonl", "".join(kept).encode())


def by_service(work: LotWork) -> None:
    """The same lines, in a folder for each service."""
    lines: dict[str, list[str]] = defaultdict(list)
    for line in _lines(work, "main"):
        lines[json.loads(line)["service"]].append(line)
    for service, theirs in lines.items():
        work.sink().write(f"service={service}/lot={work.lot}/{work.attempt}.jsonl", "".join(theirs).encode())


def report(work: LotWork) -> None:
    """How often each service was asked, if both clouds have the same lines."""
    counted: dict[str, int] = defaultdict(int)
    for line in _lines(work, "services"):
        counted[json.loads(line)["service"]] += 1
    if sorted(_lines(work, "requests")) != sorted(_lines(work, "services")):
        msg = f"{work.lot}: what was sorted by service is not what came in"
        raise ValueError(msg)
    rows = [f"{service},{count}\n" for service, count in sorted(counted.items())]
    work.sink().write(f"{work.lot}-{work.attempt}.csv", "".join(rows).encode())


def _lines(work: LotWork, role: str) -> Iterator[str]:
    for source in work.source(role):
        yield from source.read().decode().splitlines(keepends=True)
