"""What copying lots costs at least: a plain loop that leaves as much on the disk, as durably, and does nothing else.

``python floor.py SOURCE TARGET``: each file of a lot is copied, each lot gets a manifest, and every file, manifest and
name is synced before the next is begun.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

LOT = 5  # characters of a file's name that say which lot it is of


def copy(source: Path, target: Path) -> None:
    """Copy every lot of *source* to *target*, which is made."""
    data, manifests = target / "data", target / "manifests"
    for folder in (target, data, manifests):
        make(folder)
    for lot, names in groupby(sorted(os.listdir(source)), lambda name: name[:LOT]):
        _copy_lot(source, data, manifests / f"lot={lot}", list(names))


def _copy_lot(source: Path, data: Path, manifest: Path, names: Iterable[str]) -> None:
    for name in names:
        write(data / name, (source / name).read_bytes())
    make(manifest)
    uris = [(data / name).as_uri() for name in names]
    write(manifest / "manifest.json", json.dumps({"state": "complete", "uris": uris}).encode())


def write(path: Path, body: bytes) -> None:
    """A file that is whole or not there, and stays."""
    temporary = path.with_name(f".tmp-{path.name}")
    with temporary.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync(path.parent)


def make(folder: Path) -> None:
    folder.mkdir()
    sync(folder.parent)


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


if __name__ == "__main__":
    copy(Path(sys.argv[1]), Path(sys.argv[2]))
