"""A project to measure: files of many lots in a folder, and an arc that copies them."""

from __future__ import annotations

import json
import os
from pathlib import Path

START = 1_700_006_400  # 2023-11-15, midnight: seconds since 1970
LOT_SECONDS = 300
FILES_A_LOT = 10
FILE_BYTES = 1024


def make(folder: Path, lots: int, files: int = FILES_A_LOT) -> Path:
    """Write *lots* lots of *files* files, and the project file, whose path is given."""
    source = folder / "data/in"
    source.mkdir(parents=True)
    body = os.urandom(FILE_BYTES)
    for lot in range(lots):
        for number in range(files):
            path = source / f"{lot:05}-{number:05}.bin"
            path.write_bytes(body)
            os.utime(path, (START + lot * LOT_SECONDS,) * 2)
    declared = folder / "project.json"
    declared.write_text(json.dumps(_declared(), indent=2))
    return declared


def _declared() -> dict[str, object]:
    return {
        "project": {"name": "speed", "version": "1"},
        "placement": {"provider": "local"},
        "boundaries": [
            {
                "type": "local:core:putListenerBoundary",
                "name": "in",
                "lotUnit": "Twelfths",
                "eventArrival": "infrequent",
                "dataset": {"name": "in", "version": "1", "pathURI": "data/in/"},
            }
        ],
        "arcs": [
            {
                "type": "cls:core:copyArc",
                "name": "copy",
                "sources": {"main": {"name": "in", "version": "1"}},
                "sinks": {"main": {"name": "out", "version": "1", "pathURI": "data/out/"}},
            }
        ],
    }
