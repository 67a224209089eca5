"""Reading from streams that give less than they are asked for, as those of a network do."""

from __future__ import annotations

from typing import IO


def read_fully(stream: IO[bytes], size: int) -> bytes:
    """*size* bytes of *stream*, fewer only at its end."""
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
