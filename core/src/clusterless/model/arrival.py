"""Arrivals: objects that were noticed, not yet booked in a lot."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen
class Arrival:
    """One version of one object; the pair of *uri* and *etag* tells arrivals apart.

    *size* is in bytes; *time* (aware) is what the boundary books by, unless it books by key.
    """

    uri: str
    etag: str
    size: int
    time: datetime
