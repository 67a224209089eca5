"""The images that the examples in containers begin from, made of this machine's own programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_BASES = Path(__file__).resolve().parents[3] / "examples/containers/bases.py"
_PROGRAMS = {"python": ["busybox", "jq"], "shell": ["busybox", "jq"], "node": ["node"], "java": ["jlink", "javac"]}
_PATIENCE = 300  # seconds that one may take


def base(host: str, name: str) -> str:
    """The image of ``bases.py`` of that *name* on the engine at *host*, made if it is not there.

    The test that wants it skips, and says why, where its programs are not here.
    """
    import docker

    image = f"cls-example/{name}"
    client = docker.DockerClient(base_url=host, version="auto")
    is_there = bool(client.images.list(name=image))
    client.close()
    if is_there:
        return image
    missing = [program for program in _PROGRAMS[name] if not shutil.which(program)]
    if missing:
        pytest.skip(f"no image for {name} can be made here, without {' and '.join(missing)}")
    made = subprocess.run(
        [sys.executable, _BASES, name],
        env={**os.environ, "DOCKER_HOST": host},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return image
