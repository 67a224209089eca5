"""The container engine of this environment: Docker, Podman, or whatever speaks the Docker API at `DOCKER_HOST`."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

from attrs import frozen

from cls_docker.errors import EngineRefusedError, asking, causes, unanswered
from clusterless.errors import ClsError

if TYPE_CHECKING:
    from docker import DockerClient

HOST = "DOCKER_HOST"
OLDEST = (1, 40)  # of Docker 19.03, and of Podman 3
_PATIENCE = 60  # seconds for an answer


@frozen(kw_only=True)
class About:
    """What an engine says of itself: *rootless* where root in a container is the user who runs the engine.

    *architecture* is in the words of images, as ``amd64``.
    """

    architecture: str
    rootless: bool


class Engine:
    """A connection, made when it is first needed and again after `close`; any number of threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: DockerClient | None = None
        self._about: About | None = None

    @property
    def client(self) -> DockerClient:
        """The SDK's client.

        Raises:
            EngineUnavailableError: no engine answers.
            EngineRefusedError: one does, and cannot be used.
        """
        with self._lock:
            if self._client is None:
                self._client = connect()
                weakref.finalize(self, self._client.close)  # its sockets go with it, also where nobody closed it
            return self._client

    @property
    def about(self) -> About:
        """Asked once.

        Raises:
            EngineUnavailableError: no engine answers.
        """
        client = self.client
        if self._about is None:
            with asking("ask the engine about itself"):
                told, architecture = client.info(), client.version().get("Arch", "")
            rootless = any("rootless" in option for option in told.get("SecurityOptions") or ())
            self._about = About(architecture=architecture, rootless=rootless)
        return self._about

    def check(self) -> None:
        """Have it answer now.

        Raises:
            EngineUnavailableError: it does not.
            EngineRefusedError: it does, and cannot be used.
        """
        client = self.client
        with asking(f"use the engine at {address()}"):
            client.ping()

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()


def connect() -> DockerClient:
    """A client of the engine that the environment names: `DOCKER_HOST`, `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`.

    Raises:
        EngineUnavailableError: none answers.
        EngineRefusedError: it may not be used, is too old, or its address is none.
    """
    import docker
    from docker.errors import DockerException

    what = f"use the engine at {address()}"
    try:
        client = docker.from_env(version="auto", timeout=_PATIENCE)
    except DockerException as error:
        raise _unusable(what, error) from error
    if version(client.api.api_version) < OLDEST:
        client.close()
        oldest = ".".join(map(str, OLDEST))
        msg = f"cannot {what}: it speaks the Docker API {client.api.api_version}, and {oldest} is needed"
        raise EngineRefusedError(msg, hint="update it: Docker 19.03 and Podman 3 are new enough")
    return client


def address() -> str:
    """Where the engine is, for people."""
    return os.environ.get(HOST) or "the default socket"


def version(told: str) -> tuple[int, ...]:
    """An API version as numbers, which compare: ``1.9`` comes before ``1.40``."""
    return tuple(int(part) for part in told.split(".") if part.isdigit())


def _unusable(what: str, error: Exception) -> ClsError:
    """The SDK raises one class for all that can be wrong with an address or what is there."""
    if any(isinstance(each, OSError) for each in causes(error)):
        return unanswered(what, error)
    hint = f"{HOST} is such as unix:///var/run/docker.sock or tcp://127.0.0.1:2375"
    return EngineRefusedError(f"cannot {what}: {error}", hint=hint)
