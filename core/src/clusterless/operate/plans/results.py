"""Whether a lot came to the same bytes as before, whatever its objects are named after."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from clusterless import codec, layout
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.ledger import Complete
from clusterless.model.lot import Lot
from clusterless.model.manifest import UriType
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.attempt import read_record
from clusterless.store.api import ObjectStore
from clusterless.store.retrying import create_once

_ATTEMPT = re.compile(r"\d+-\d+-[0-9a-f]{16}")
_CHUNK = 1024 * 1024  # bytes
_BITS = 256

OpenStore = Callable[[str], ObjectStore]


def last_result(arc: RunningArc, lot: Lot, open_store: OpenStore, *, named: bool = False) -> str | None:
    """What tells apart the bytes that the lot came to last; None where it did not, or nobody can say.

    Every object is read; attempts in names count as nothing unless *named*, nor does the order that objects are
    listed in.
    """
    ledger = arc.ledger(lot)
    number = ledger.look().last
    last = ledger.read(number) if number else None
    if not isinstance(last, Complete):
        return None
    try:
        total = sum(_objects(arc, last, open_store, named=named)) % (1 << _BITS)
    except (LookupError, ObjectMissingError):
        return None
    return f"{total:064x}"


def _objects(arc: RunningArc, complete: Complete, open_store: OpenStore, *, named: bool) -> Iterator[int]:
    for role, record in complete.sinks.items():
        manifest = read_record(arc, record)
        if manifest.uri_type is not UriType.IDENTIFIER:
            raise LookupError
        for uri in manifest.uris:
            location, key = layout.split(uri)
            name = uri if named else _ATTEMPT.sub("", uri)
            digest = hashlib.sha256(f"{role} {name}\n".encode())
            with open_store(location).open(key) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
            yield int.from_bytes(digest.digest())


def note_before(state: ObjectStore, key: str, result: str | None) -> None:
    """Keep what a lot came to before it is worked again; the first who says so is believed."""
    create_once(state, key, codec.record_bytes({"result": result}))


def read_before(state: ObjectStore, key: str) -> str | None:
    """What was kept; None where nothing is known."""
    try:
        kept: dict[str, Any] = codec.read_record(state.get(key), dict[str, Any], source=layout.uri(state.root, key))
    except (ObjectMissingError, MalformedError):
        return None
    return kept.get("result")
