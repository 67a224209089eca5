"""Programs of the operating system: those that are here, or, as root on Debian, those that can be installed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_PATIENCE = 300  # seconds that an installation may take


def program(name: str, *packages: str) -> Path:
    """The program *name*, from *packages* where it is not here yet.

    The test that wants it skips, and says why, where it cannot be had.
    """
    with (Path(tempfile.gettempdir()) / f"cls-bed-apt-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes want it at once
        if not shutil.which(name):
            _install(name, *packages)
    return Path(shutil.which(name) or name)


def _install(name: str, *packages: str) -> None:
    if os.getuid() or not shutil.which("apt-get"):
        pytest.skip(f"{name} is not here, and only root can install it on Debian")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (("update", "-q"), ("install", "-y", "-q", "--no-install-recommends", *packages)):
        try:
            subprocess.run(
                ["apt-get", *step], env=variables, check=True, capture_output=True, text=True, timeout=_PATIENCE
            )
        except subprocess.SubprocessError as error:
            told = (getattr(error, "stderr", "") or str(error))[-500:]
            pytest.skip(f"{' '.join(packages)} cannot be installed here: {told}")
