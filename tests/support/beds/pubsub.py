"""The emulator of Pub/Sub that comes with the Google Cloud SDK."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beds.server import free_port, served

_FOLDER = Path("/usr/lib/google-cloud-sdk/platform/pubsub-emulator/lib")


@contextmanager
def pubsub(folder: Path) -> Iterator[str]:
    """The ``host:port`` of an emulator until the block ends; the test skips where there is none to start."""
    java = shutil.which("java")
    found = sorted(_FOLDER.glob("cloud-pubsub-emulator-*-all.jar"))
    if not java or not found:
        pytest.skip("the Pub/Sub emulator is not here: install google-cloud-cli-pubsub-emulator, and a Java runtime")
    port = free_port()
    command: list[str | Path] = [java, "-jar", found[-1], "--host=127.0.0.1", f"--port={port}"]
    log = folder / "server.log"
    with served(command, lambda: "Server started" in log.read_text(errors="replace"), folder):
        yield f"127.0.0.1:{port}"
