"""What a container prints, as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from cls_docker.client import Engine
from cls_docker.errors import asking


class Printed(Protocol):
    """Chunks of what a container prints, both its streams in one; to be closed."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class Attached:
    """All that the container prints from now on, whatever the engine keeps of it; ends with the container."""

    def __init__(self, engine: Engine, container: str) -> None:
        params = {"stdout": 1, "stderr": 1, "stream": 1}
        with asking("attach to a container"):
            self._socket: Any = engine.client.api.attach_socket(container, params=params)

    def __iter__(self) -> Iterator[bytes]:
        from docker.utils.socket import frames_iter

        for _, chunk in frames_iter(self._socket, tty=False):  # type: ignore[no-untyped-call]
            yield chunk

    def close(self) -> None:
        getattr(self._socket, "_response", self._socket).close()  # the socket is a part of its response


def kept(engine: Engine, container: str, since: float) -> Printed:
    """What the engine has kept of what the container printed *since* a time (0: ever), and prints from now on."""
    with asking("read what a container printed"):
        return engine.client.api.logs(container, stream=True, follow=True, since=since or None)
