"""What is read of an object while its connection lasts."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from cls_aws.errors import asking

_BUFFER = 1 << 16


def stream(uri: str, body: Any) -> BinaryIO:
    """The *body* of an answer as a file, which speaks of *uri* where the connection breaks."""
    return io.BufferedReader(_Raw(uri, body), _BUFFER)


class _Raw(io.RawIOBase):
    def __init__(self, uri: str, body: Any) -> None:
        self._uri = uri
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with asking(self._uri):
            part = self._body.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def readall(self) -> bytes:
        with asking(self._uri):
            return bytes(self._body.read())

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()
