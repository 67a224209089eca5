"""moto: a second opinion on what AWS answers; it delivers and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beds.installed import installed
from beds.server import answers, free_port, served


@contextmanager
def moto(folder: Path) -> Iterator[str]:
    """The endpoint of a moto server that works in *folder* until the block ends."""
    programs = installed("moto", "moto[server]>=5.2.5")
    port = free_port()
    command: list[str | Path] = [programs / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with served(command, lambda: answers(port), folder):
        yield f"http://127.0.0.1:{port}"
