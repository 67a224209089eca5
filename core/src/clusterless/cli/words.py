"""Counts in words."""

from __future__ import annotations


def some(count: int, thing: str, many: str = "") -> str:
    """``1 lot``, ``2 lots``; *many* where it is more than an s."""
    return f"{count:,} {thing if count == 1 else many or thing + 's'}"
