"""What beds are made of: Python programs from the package index, each in a virtual environment of its own.

They stay for the next run, below ``.beds`` of the checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

_BEDS = Path(__file__).resolve().parents[3] / ".beds"
_PATIENCE = 600  # seconds that an installation may take


def installed(name: str, *requirements: str) -> Path:
    """The ``bin`` folder of the environment *name* that has *requirements*, made if it is not there.

    The test that wants it skips, and says why, where it cannot be had.
    """
    folder = _BEDS / f"{name}-{hashlib.sha256(repr((sys.version, requirements)).encode()).hexdigest()[:8]}"
    done = folder / "installed"
    _BEDS.mkdir(exist_ok=True)
    with (_BEDS / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes want it at once
        if not done.exists():
            _install(folder, requirements)
            done.touch()
    return folder / "bin"


def _install(folder: Path, requirements: tuple[str, ...]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder)
    # A pip of its own, and all modules compiled, of which few are used, would take most of the time.
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", folder / "bin/python"]
    command = [*pip, "install", "--quiet", "--no-compile", *requirements]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL)
    except subprocess.SubprocessError as error:
        told = (getattr(error, "stderr", "") or str(error))[-500:]
        pytest.skip(f"{', '.join(requirements)} cannot be installed here: {told}")
