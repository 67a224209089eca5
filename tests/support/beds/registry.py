"""A registry of images, as those on the net are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beds.debian import program
from beds.server import answers, free_port, served


@contextmanager
def registry(folder: Path, passwords: Path | None = None) -> Iterator[str]:
    """The ``host:port`` of a registry that keeps its images in *folder* until the block ends.

    *passwords* is a file of users as ``htpasswd -B`` writes it; without one anybody may push.
    """
    serve = program("docker-registry", "docker-registry")
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if passwords:
        settings["auth"] = {"htpasswd": {"realm": "bed", "path": str(passwords)}}
    (folder / "registry.yml").write_text(json.dumps(settings))  # which is YAML, too
    with served([serve, "serve", folder / "registry.yml"], lambda: answers(port), folder):
        yield f"127.0.0.1:{port}"
