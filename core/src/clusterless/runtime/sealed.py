"""What a boundary's seals hold."""

from __future__ import annotations

from collections.abc import Iterator

from clusterless import codec, layout
from clusterless.engine.arrivals import identity
from clusterless.model.arrival import Arrival
from clusterless.model.lot import Lot
from clusterless.model.seal import SealedLot
from clusterless.runtime.boundary import RunningBoundary


def sealed_since(boundary: RunningBoundary, lot: Lot, last: int | None = None) -> set[tuple[str, str]]:
    """What the seals that reach *lot* hold: an arrival whose lot has passed may be in any of them.

    *last* is the number of the last of them, else that of the last known to be finished.
    """
    known: set[tuple[str, str]] = set()
    for number in range(boundary.last if last is None else last, 0, -1):
        seal = boundary.seals.read(number)
        if seal.through is None or seal.through < lot:
            break
        for sealed in seal.lots:
            known.update(identity(arrival) for arrival in arrivals_of(boundary, sealed))
    return known


def arrivals_of(boundary: RunningBoundary, sealed: SealedLot) -> Iterator[Arrival]:
    if sealed.arrivals is not None:
        yield from sealed.arrivals
        return
    assert sealed.staged is not None
    source = layout.uri(boundary.state.root, sealed.staged)
    with boundary.state.open(sealed.staged) as lines:
        for line in lines:
            yield codec.read_record(line, Arrival, source=source)
