"""Where an arc starts: its sources' `start`, resolved once and kept create-if-absent."""

from __future__ import annotations

import json

from clusterless import layout
from clusterless.engine.parts import lot_of
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.lot import Lot
from clusterless.runtime.arc import RunningArc
from clusterless.store.api import ObjectStore
from clusterless.store.retrying import create_once


def started(arc: RunningArc) -> dict[str, Lot | None]:
    """By subscribed role, the lot after which lots are owed (None: all of them).

    The first who asks decides for all who come later.

    Raises:
        MalformedError: what is kept cannot be read.
    """
    try:
        return read_start(arc.state, arc.keys)
    except ObjectMissingError:
        resolved = {role: _resolve(arc, role) for role, source in arc.arc.sources.items() if source.subscribe}
        body = json.dumps({role: str(lot) if lot else None for role, lot in resolved.items()}, separators=(",", ":"))
        create_once(arc.state, arc.keys.start, body.encode())
        return read_start(arc.state, arc.keys)


def _resolve(arc: RunningArc, role: str) -> Lot | None:
    match arc.arc.sources[role].start:
        case "all":
            return None
        case "now":
            side = arc.sources[role]
            last = side.manifests.last_lot(side.dataset)
            # A larger lot is in progress until the last that it is made of is there.
            return lot_of(arc.arc, last.next).previous if last else None
        case text:
            return lot_of(arc.arc, Lot.parse(text)).previous


def read_start(state: ObjectStore, keys: layout.ArcKeys) -> dict[str, Lot | None]:
    """What was resolved.

    Raises:
        ObjectMissingError: nothing was yet.
        MalformedError: what is kept cannot be read.
    """
    body = state.get(keys.start)
    try:
        return {role: Lot.parse(text) if text else None for role, text in json.loads(body).items()}
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise MalformedError(layout.uri(state.root, keys.start), [str(error)]) from error
