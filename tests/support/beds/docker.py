"""A Docker engine: the one that is there, else one of our own, which leaves the machine's network alone."""

from __future__ import annotations

import fcntl
import functools
import io
import os
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beds.debian import program
from beds.server import served

BUSYBOX = "clusterless-test/busybox:1"
_DEFAULT = Path("/var/run/docker.sock")


@contextmanager
def engine(factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine that answers at the address it gives: `DOCKER_HOST`'s, the default one, or a private one.

    A private one is shared by the workers of one test run: who started it ends it when all others have let it go.
    Its containers have the host's network or none. Where there can be no engine, the test is skipped.
    """
    given = os.environ.get("DOCKER_HOST", f"unix://{_DEFAULT}")
    if _answers(given):
        yield given
        return
    dockerd = program("dockerd", "docker.io")
    folder = _common(factory) / "docker"
    folder.mkdir(exist_ok=True)
    host = f"unix://{folder / 'd.sock'}"
    with (folder / "lock").open("w") as lock, (folder / "users").open("w") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _answers(host):
            with _used(lock, users):
                yield host
            return
        with served(_command(dockerd, folder, host), functools.partial(_answers, host), folder):
            with _used(lock, users):
                yield host
            fcntl.flock(users, fcntl.LOCK_EX)


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


@contextmanager
def _used(lock: io.TextIOBase, users: io.TextIOBase) -> Iterator[None]:
    fcntl.flock(users, fcntl.LOCK_SH)
    fcntl.flock(lock, fcntl.LOCK_UN)
    try:
        yield
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)


def _command(dockerd: Path, folder: Path, host: str) -> list[str | Path]:
    folders = ["--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "d.pid"]
    return [dockerd, "--host", host, *folders, "--iptables=false", "--bridge=none"]


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
