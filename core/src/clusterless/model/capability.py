"""What a provider may be able to do, and how far it is: told by plugins, shown by ``cls show capabilities``."""

from __future__ import annotations

import enum

from attrs import frozen

from clusterless.errors import PluginError


class Capability(enum.Enum):
    """In the order in which they are shown."""

    STORES = "stores"  # its objects are read and written
    ARRIVALS = "arrivals"  # what is put there becomes lots
    EVENTS = "events"  # committed lots are announced and heard
    RESOURCES = "resources"  # what a project declares is made there
    ARCS = "arcs"  # lots are worked by its own services
    CONTAINERS = "containers"  # lots are worked in containers
    POLICY = "policy"  # the permissions that running needs are printed
    DEPLOYMENT = "native deployment"  # its own services run a project, and nothing of ours stays running


class Support(enum.Enum):
    """How far a provider can do something."""

    YES = "yes"
    UNTRIED = "untried"  # it never met the real service
    NOT_YET = "not yet"
    NO = "no"


@frozen
class Ability:
    """How far a provider can do something, and *why* no further: what it was tried on, or what is missing.

    Raises:
        PluginError: it is not a plain yes, and nothing says why.
    """

    support: Support
    why: str = ""

    def __attrs_post_init__(self) -> None:
        if self.support is not Support.YES and not self.why:
            msg = f"an ability that is '{self.support.value}' says why"
            raise PluginError(msg)
