"""References of one element to a resource of its project (FORMATS 6.0)."""

from __future__ import annotations

from collections.abc import Sequence

from clusterless.errors import InvalidValueError
from clusterless.model.element import Resource


def referred(reference: str, resources: Sequence[Resource]) -> Resource:
    """The one of *resources* that is meant: by its ``name``, with as much of its type before it as tells it apart.

    ``name``, ``type:name``, ``ns:type:name`` and ``provider:ns:type:name`` are the forms, in any case of letters.

    Raises:
        InvalidValueError: none is meant, or more than one.
    """
    *kind, name = reference.lower().split(":")
    named = [each for each in resources if each.name.lower() == name]
    found = [each for each in named if each.type.lower().split(":")[3 - len(kind) :] == kind] if kind else named
    if len(kind) > 3:
        found = []
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{reference!r} may mean {' or '.join(f'{each.type}:{each.name}' for each in found)}"
        raise InvalidValueError(msg, hint="write its type before the name")
    declared = ", ".join(each.name for each in resources) or "none"
    msg = f"no resource of this project is {reference!r} (declared: {declared})"
    raise InvalidValueError(msg, hint="declare it under 'resources', and refer to it by its 'name'")
