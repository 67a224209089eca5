"""What is read of an object: whole, as it was when reading began, and undamaged, though the connection breaks."""

from __future__ import annotations

import io
import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from cls_gcp.errors import answered, asking
from clusterless.errors import ObjectMissingError, StoreUnavailableError

_BUFFER = 1 << 16

_log = logging.getLogger(__name__)

Ask = Callable[[Mapping[str, str], Mapping[str, str]], Any]
"""Asks for the object's bytes, by parameters and headers; the answer is one of ``requests``, and not read yet."""


def stream(uri: str, ask: Ask) -> BinaryIO:
    """The object at *uri* as a file.

    Raises:
        ObjectMissingError: there is none.
    """
    return io.BufferedReader(_Raw(uri, ask), _BUFFER)


class _Raw(io.RawIOBase):
    """Reads one generation of the object. A connection that breaks is made again where something came of it."""

    def __init__(self, uri: str, ask: Ask) -> None:
        from google_crc32c import Checksum

        self._uri = uri
        self._ask = ask
        self._answer = self._asked({}, {})
        headers = self._answer.headers
        self._size = int(headers.get("Content-Length") or -1)
        self._generation = headers.get("x-goog-generation")
        self._expected = _crc32c(headers.get("x-goog-hash", ""))
        self._checksum = Checksum()
        self._position = 0
        self._came_to = 0  # where the connection before broke

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        part = self._part(len(buffer))
        buffer[: len(part)] = part
        self._checksum.update(part)
        self._position += len(part)
        if not part:
            self._check()
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._answer.close()
        super().close()

    def _part(self, size: int) -> bytes:
        while True:
            try:
                with asking(self._uri):
                    part: bytes = self._answer.raw.read(size, decode_content=False)
                if part or self._size in {-1, self._position}:
                    return part
                msg = f"{self._uri}: the answer broke off after {self._position} of {self._size} bytes"
                raise StoreUnavailableError(msg)  # noqa: TRY301 -- it is dealt with as others are that say so
            except StoreUnavailableError as error:
                if self._generation is None or self._position == self._came_to:
                    raise
                _log.info("%s; it is read on from byte %d", error, self._position)
                self._came_to = self._position
                self._go_on()

    def _go_on(self) -> None:
        self._answer.close()
        try:
            self._answer = self._asked(
                {"generation": str(self._generation)}, {"Range": f"bytes={self._position}-{max(self._size - 1, 0)}"}
            )
        except ObjectMissingError as error:
            msg = f"{self._uri} was replaced or removed while it was being read"
            raise StoreUnavailableError(msg) from error

    def _asked(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        with asking(self._uri):
            answer = self._ask(parameters, headers)
        try:
            answered(self._uri, answer)
        except BaseException:
            answer.close()
            raise
        return answer

    def _check(self) -> None:
        """Whether all that was read is what the store has."""
        if self._expected and b64encode(self._checksum.digest()).decode() != self._expected:
            msg = f"{self._uri}: what was read is not what is stored: its checksum is another"
            raise StoreUnavailableError(msg)


def _crc32c(header: str) -> str:
    """The checksum in ``x-goog-hash``, as it is spelled there; empty where there is none."""
    parts = (part.strip().partition("=") for part in header.split(","))
    return next((value for name, _, value in parts if name == "crc32c"), "")
