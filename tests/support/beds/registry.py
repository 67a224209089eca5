"""A registry of images, as those on the net are."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beds.debian import program
from beds.server import answers, free_port, served

USER, PASSWORD = "me", "secret"
_USERS = "me:$2y$04$5kMrHupHbB7T4H0WPJY6l.MCG5W9V.uqe1nffnXtoPyXnB/1.GzTy\n"  # the cheapest hash: each request pays


@contextmanager
def registry(folder: Path, *, closed: bool = False) -> Iterator[str]:
    """The ``host:port`` of a registry that keeps its images in *folder* until the block ends.

    A *closed* one is for `USER` with `PASSWORD` alone; any other for anybody.
    """
    serve = program("docker-registry", "docker-registry")
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if closed:
        (folder / "users").write_text(_USERS)
        settings["auth"] = {"htpasswd": {"realm": "bed", "path": str(folder / "users")}}
    (folder / "registry.yml").write_text(json.dumps(settings))  # which is YAML, too
    with served([serve, "serve", folder / "registry.yml"], lambda: answers(port), folder):
        yield f"127.0.0.1:{port}"


def login(config: Path, host: str, user: str = USER, password: str = PASSWORD) -> None:
    """What ``docker login`` leaves in the folder *config* (of ``DOCKER_CONFIG``) where there is no keychain."""
    config.mkdir(exist_ok=True)
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (config / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
