"""Which keys a store takes."""

from __future__ import annotations

from clusterless.errors import StoreRefusedError


def check_key(root: str, key: str) -> None:
    """Refuse a key that could mean something else than one object below *root*.

    Raises:
        StoreRefusedError: *key* is empty, absolute, or has a ``.`` or ``..`` segment.
    """
    if not key or key.startswith("/") or ("/." in f"/{key}" and not {".", ".."}.isdisjoint(key.split("/"))):
        msg = f"{key!r} is not a key below {root}"
        raise StoreRefusedError(msg, hint="use a relative key such as 'a/b.json', without '.' and '..' segments")
