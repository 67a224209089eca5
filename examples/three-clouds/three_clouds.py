"""Three teams on three clouds, as emulators on this machine: ``python three_clouds.py [--lots 12]``.

Logs arrive on AWS; a team there reads them, one on Google Cloud sorts them, and one on Azure joins both and publishes.
Each team has a ``cls run`` of its own; nothing else runs, and no two of them share a bus or a store.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import feed
from clouds import PROJECTS, Clouds, clouds

_PATIENCE = 300  # seconds that all lots may take to be published
_MARK = "/mark.json"


def main() -> int:
    """Have so many lots go all the way; 0 if what was published adds up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lots", type=int, default=12, help="five minutes of logs each (default: 12, an hour)")
    lots = parser.parse_args().lots
    with tempfile.TemporaryDirectory(prefix="three-clouds-") as folder:
        print("starting AWS, Google Cloud and Azure on this machine …", flush=True)
        with clouds(Path(folder)) as made:
            return demonstrate(made, lots)


def demonstrate(made: Clouds, lots: int) -> int:
    for project in PROJECTS:
        made.start("run", project)
    made.s3.get_waiter("bucket_exists").wait(Bucket="demo-edge-logs")  # which the first run makes
    expected = arrive(made, lots)
    deadline = time.monotonic() + _PATIENCE
    while (counted := published(made)) != expected and time.monotonic() < deadline:
        print(f"  {counted.total()} of {expected.total()} requests are published", flush=True)
        time.sleep(3)
    made.end()
    said = made.cls("status", *(part for project in PROJECTS for part in ("-p", project)), *feed.interval(lots))
    print(said)
    for service in sorted(expected | counted):
        print(f"{service:8} {expected[service]:6} requests arrived on AWS, {counted[service]:6} published on Azure")
    return 0 if counted == expected else 1


def arrive(made: Clouds, lots: int) -> Counter[str]:
    """Put so many lots' logs, and say how many requests are of which service."""
    expected: Counter[str] = Counter()
    for name, text in feed.logs(lots):
        made.put(name, text.encode())
        expected.update(line.split()[0] for line in text.splitlines() if line.split()[2] != "/health")
    return expected


def published(made: Clouds) -> Counter[str]:
    """How many requests of which service are told outside, by what the marks name alone."""
    objects, counted = made.published(), Counter[str]()
    for key in (key for key in objects if key.endswith(_MARK)):
        mark = json.loads(objects[key])
        for each in mark["objects"]:
            for row in objects[f"reports/{mark['folder']}{each['name']}"].decode().splitlines():
                service, count = row.split(",")
                counted[service] += int(count)
    return counted


if __name__ == "__main__":
    sys.exit(main())
