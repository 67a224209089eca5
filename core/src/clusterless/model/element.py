"""What all declared elements share."""

from __future__ import annotations

from attrs import field, frozen

from clusterless.model.naming import check_name


@frozen(kw_only=True)
class Element:
    """A resource, boundary, barrier, arc, activity or notifier of a project.

    ``type`` is ``provider:namespace:component`` and picks the class it is read into.
    """

    type: str
    name: str = field(validator=check_name)
    exclude: bool = False  # neither built nor run, but known


@frozen(kw_only=True)
class Resource(Element):
    """Durable infrastructure that the project owns."""
