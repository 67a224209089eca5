"""A Docker engine: the one that is there, else one of our own, which leaves the machine's network alone."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beds.debian import program

BUSYBOX = "clusterless-test/busybox:1"
_DEFAULT = Path("/var/run/docker.sock")
_PATIENCE = 60.0  # seconds that an engine may take to start
_GRACE = 30.0  # and to end, with its containers


@contextmanager
def engine(factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine that answers at the address it gives: `DOCKER_HOST`'s, the default one, or a private one.

    A private one is shared by the workers of one test run, and ended by the last to let it go.
    Its containers have the host's network or none. Where there can be no engine, the test is skipped.
    """
    given = os.environ.get("DOCKER_HOST", f"unix://{_DEFAULT}")
    if _answers(given):
        yield given
        return
    dockerd = program("dockerd", "docker.io")
    common = _common(factory)
    folder = Path(tempfile.gettempdir()) / f"cls-docker-{zlib.crc32(bytes(common)):08x}"  # a socket's path is short
    host = f"unix://{folder / 'd.sock'}"
    with (common / "docker.lock").open("w") as lock, (common / "docker.users").open("w") as users:
        with _locked(lock):
            if not _answers(host):
                _start(dockerd, folder, host)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield host
        finally:
            with _locked(lock):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _is_last(users):
                    _end(folder)


@contextmanager
def _locked(lock: io.TextIOBase) -> Iterator[None]:
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


def _is_last(users: io.TextIOBase) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(dockerd: Path, folder: Path, host: str) -> None:
    """Start an engine that is nobody's child, since whoever is the last ends it."""
    folder.mkdir(exist_ok=True)
    folders = f"--data-root {folder}/data --exec-root {folder}/exec --pidfile {folder}/d.pid"
    command = f"{dockerd} --host {host} {folders} --iptables=false --bridge=none"
    subprocess.run(["sh", "-c", f"setsid {command} </dev/null >{folder}/log 2>&1 &"], check=True)
    limit = time.monotonic() + _PATIENCE
    while not _answers(host):
        if time.monotonic() > limit:
            told = (folder / "log").read_text(errors="replace")[-2000:]
            _end(folder)
            msg = f"dockerd did not start:\n{told}"
            raise RuntimeError(msg)
        time.sleep(0.1)


def _end(folder: Path) -> None:
    """End the engine by its pid; what it kept goes with it, and what it left mounted."""
    pid_file = folder / "d.pid"
    if pid_file.exists():
        pid = int(pid_file.read_text())
        for sign in (signal.SIGTERM, signal.SIGKILL):
            os.kill(pid, sign)
            limit = time.monotonic() + _GRACE
            while _runs(pid) and time.monotonic() < limit:
                time.sleep(0.1)
            if not _runs(pid):
                break
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for path in reversed([each for each in mounted if each.startswith(f"{folder}/")]):
        subprocess.run(["umount", path], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def busybox(host: str) -> str:
    """The name of an image of nothing but a static busybox under all its names, made on the engine at *host*."""
    import docker

    client = docker.DockerClient(base_url=host, version="auto")
    try:
        if not client.images.list(name=BUSYBOX):
            repository, _, tag = BUSYBOX.partition(":")
            client.api.import_image_from_data(
                _root(program("busybox", "busybox-static")), repository=repository, tag=tag
            )
    finally:
        client.close()
    return BUSYBOX


def _answers(host: str) -> bool:
    kind, _, where = host.partition("://")
    family, address = (socket.AF_UNIX, where) if kind == "unix" else (socket.AF_INET, _address(where))
    with socket.socket(family) as asked:
        asked.settimeout(5)
        try:
            asked.connect(address)
            asked.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in asked.recv(64)
        except OSError:
            return False


def _address(where: str) -> tuple[str, int]:
    name, _, port = where.partition(":")
    return name, int(port)


def _common(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run have."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _root(busybox: Path) -> bytes:
    """A root file system, as a tar archive."""
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in ("bin", "tmp", "etc"):
            made = tarfile.TarInfo(folder)
            made.type, made.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(made)
        tar.add(busybox.resolve(), "bin/busybox")
        for name in names:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
    return archive.getvalue()
