"""What was looked at, and what came of it."""

from __future__ import annotations

import enum

from attrs import frozen


class Result(enum.Enum):
    OK = "ok"
    NOTE = "note"  # works, and there is something to know
    FAILED = "failed"


@frozen(kw_only=True)
class Check:
    """One thing that was looked at, of *subject* (``environment``, ``plugins``, or a store's URI)."""

    subject: str
    name: str
    result: Result = Result.OK
    detail: str = ""
