"""Azurite: the blobs and the queues of an Azure storage account, in memory, for who has its key."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

from beds.server import answers, free_port, served

ACCOUNT = "clstests"
KEY = b64encode(b"a key that is for tests only").decode()
REGION = "westeurope"

_AZURITE = "azurite@3.37.0"  # older ones list from the beginning, wherever they are to begin
_BEDS = Path(__file__).resolve().parents[3] / ".beds"
_PATIENCE = 600  # seconds that an installation may take


@frozen
class Azurite:
    """The endpoints of the *account*, both with its name as their path."""

    blob: str
    queue: str
    account: str = ACCOUNT

    def variables(self, blob: str = "", queue: str = "") -> dict[str, str]:
        """What leads a process there, or to other endpoints, such as those of a proxy."""
        parts = {
            "AccountName": self.account,
            "AccountKey": KEY,
            "BlobEndpoint": blob or self.blob,
            "QueueEndpoint": queue or self.queue,
        }
        return {"AZURE_STORAGE_CONNECTION_STRING": ";".join(f"{name}={value}" for name, value in parts.items())}


@contextmanager
def azurite(folder: Path, account: str = ACCOUNT) -> Iterator[Azurite]:
    """An Azurite with that *account* until the block ends.

    The test skips where there is no Node.js to run it, or it cannot be had.
    """
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        pytest.skip("Azurite is a program of Node.js: install nodejs and npm")
    ports = {name: free_port() for name in ("blob", "queue", "table")}
    command: list[str | Path] = [
        node,
        _installed() / "node_modules/azurite/dist/src/azurite.js",
        *("--silent", "--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck"),
        *(part for name, port in ports.items() for part in (f"--{name}Host", "127.0.0.1", f"--{name}Port", str(port))),
    ]
    variables = {"AZURITE_ACCOUNTS": f"{account}:{KEY}"}
    with served(command, lambda: all(answers(port) for port in ports.values()), folder, variables):
        blob, queue = (f"http://127.0.0.1:{ports[name]}/{account}" for name in ("blob", "queue"))
        yield Azurite(blob, queue, account)


def _installed() -> Path:
    """The folder that npm has installed it in, made if it is not there; it stays for the next run."""
    folder = _BEDS / _AZURITE
    done = folder / "installed"
    _BEDS.mkdir(exist_ok=True)
    with (_BEDS / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes want it at once
        if not done.exists():
            _install(folder)
            done.touch()
    return folder


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", _AZURITE]
    try:
        subprocess.run(
            command,
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.SubprocessError as error:
        told = (getattr(error, "stderr", "") or str(error))[-500:]
        pytest.skip(f"{_AZURITE} cannot be installed here: {told}")
