"""The parts that a lot is made of: a source's lot of the same interval, or all of its lots within a larger one.

A part is named by its role, and by its source lot as well where there are several: ``main/20240131PT5M000``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from clusterless.model.arc import Arc
from clusterless.model.lot import Lot


def lot_of(arc: Arc, lot: Lot) -> Lot:
    """The arc's lot that a source's *lot* goes into; the arc's own lots are their own."""
    return Lot.containing(lot.start, arc.lot_unit) if arc.lot_unit else lot


def part_of(arc: Arc, role: str, lot: Lot) -> str:
    """The name of a source's *lot* among the parts of its arc's lot."""
    return f"{role}/{lot}" if arc.lot_unit else role


def role_of(arc: Arc, part: str) -> str:
    return part.rpartition("/")[0] if arc.lot_unit else part


def heard(arc: Arc, parts: Iterable[str]) -> list[str]:
    """Those of the roles that the arc subscribes to."""
    return [part for part in parts if arc.sources[role_of(arc, part)].subscribe]


def whole_roles(arc: Arc, parts: Iterable[str]) -> set[str]:
    """The roles whose parts make up all of the arc's lot."""
    if arc.lot_unit is None:
        return set(parts)
    minutes: Counter[str] = Counter()
    for part in parts:
        role, _, lot = part.rpartition("/")
        minutes[role] += Lot.parse(lot).unit.minutes
    return {role for role, there in minutes.items() if there >= arc.lot_unit.minutes}


def listed(arc: Arc, parts: Iterable[str]) -> str:
    """For people: one part a role, and how many more there are."""
    by_role: dict[str, list[str]] = {}
    for part in parts:
        by_role.setdefault(role_of(arc, part), []).append(part)
    return ", ".join(f"{first} and {len(more)} more" if more else first for first, *more in by_role.values())
