"""A Docker engine: the one that is there, else one of our own, which leaves the machine's network alone."""

from __future__ import annotations

import fcntl
import io
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
from attrs import frozen

from beds.debian import program

BUSYBOX = "clusterless-test/busybox:latest"  # Podman gives what it imports no other tag
_DEFAULT = Path("/var/run/docker.sock")
_TOO_SLOW = "timeout waiting for containerd to start"
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
    common = _common(factory)
    own = Private.made(common, "shared")
    with (common / "docker.lock").open("w") as lock, (common / "docker.users").open("w") as users:
        with _locked(lock):
            if not _answers(own.host):
                own.start()
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield own.host
        finally:
            with _locked(lock):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _is_last(users):
                    own.clear()


@contextmanager
def private(factory: pytest.TempPathFactory, *options: str, disk: str = "") -> Iterator[Private]:
    """An engine of one test, which may end and start it, and give it more *options* and a *disk* of a size as ``64m``.

    Raises:
        pytest.skip.Exception: there can be none.
    """
    if os.getuid():
        pytest.skip("only root can run an engine of its own")
    own = Private.made(factory.mktemp("engine"), "private", options)
    try:
        if disk:
            (own.folder / "data").mkdir(parents=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk}", "none", own.folder / "data"], check=True)
        own.start()
        yield own
    finally:
        if not _answers(own.host):  # it was killed: what it left running ends with the next
            own.start()
        own.clear()


@frozen
class Private:
    """An engine in *folder*. It is nobody's child, since whoever is the last ends it."""

    dockerd: Path
    folder: Path
    options: Sequence[str]

    @classmethod
    def made(cls, at: Path, name: str, options: Sequence[str] = ()) -> Self:
        """One for who is *at* a folder, which may be deep: a socket's path is short."""
        folder = Path(tempfile.gettempdir()) / f"cls-docker-{name}-{zlib.crc32(bytes(at)):08x}"
        return cls(program("dockerd", "docker.io"), folder, options)

    @property
    def host(self) -> str:
        return f"unix://{self.folder / 'd.sock'}"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        kept = {"data-root": "data", "exec-root": "exec", "pidfile": "d.pid"}
        folders = [f"--{option}={self.folder / name}" for option, name in kept.items()]
        command = [self.dockerd, f"--host={self.host}", *folders, "--iptables=false", "--bridge=none", *self.options]
        begun = f"setsid {shlex.join(map(str, command))} </dev/null >>{self.folder}/log 2>&1 &"
        log, told = self.folder / "log", _TOO_SLOW
        limit = time.monotonic() + _PATIENCE
        while not _answers(self.host):
            if time.monotonic() > limit:
                msg = f"dockerd did not start:\n{told}"
                raise RuntimeError(msg)
            if _TOO_SLOW in told:  # it gives its containerd some seconds, and ends: on a busy machine too few
                log.write_text("")
                subprocess.run(["sh", "-c", begun], check=True)
            time.sleep(0.1)
            told = log.read_text(errors="replace")[-2000:]

    def end(self, *signs: signal.Signals) -> None:
        """By its pid, one sign after the other until it has ended."""
        file = self.folder / "d.pid"
        pid = int(file.read_text()) if file.exists() else 0
        for sign in signs:
            if pid and _runs(pid):
                os.kill(pid, sign)
                limit = time.monotonic() + _GRACE
                while _runs(pid) and time.monotonic() < limit:
                    time.sleep(0.1)
        for stale in (file, self.folder / "exec/containerd/containerd.pid"):  # which may name what nobody has reaped
            if stale.exists() and not _runs(int(stale.read_text())):
                stale.unlink()

    def clear(self) -> None:
        """What it kept goes with it, and what it left mounted."""
        self.end(signal.SIGTERM, signal.SIGKILL)
        for path in reversed(_mounted(self.folder)):
            subprocess.run(["umount", path], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


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


def _mounted(folder: Path) -> list[str]:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [path for path in mounts if path.startswith(f"{folder}/")]


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
