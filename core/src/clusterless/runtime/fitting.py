"""Names for things that a provider makes, which take fewer characters, and fewer of them, than ours."""

from __future__ import annotations

import hashlib
import re

from clusterless.model.placement import Placement

_HASHED = 8


def fitted(name: str, most: int, begins: str = "") -> str:
    """*name* in letters, digits, ``-`` and ``_``, *most* of them, after what it *begins* with.

    What must be changed is told apart from what else would become the same, by a few digits of its hash.
    """
    plain = begins + re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if plain == name and len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASHED]
    return f"{plain[: most - _HASHED - 1]}-{digest}"


def staged(placement: Placement, name: str) -> str:
    """*name* with the placement's stage before it, in capitals (FORMATS 4.6)."""
    return f"{placement.stage.upper()}-{name}" if placement.stage else name
