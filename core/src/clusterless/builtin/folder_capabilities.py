"""What the provider `local` can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clusterless.model.capability import Ability, Capability, Support

CAPABILITIES: Final[Mapping[Capability, Ability]] = {
    Capability.STORES: Ability(Support.YES),
    Capability.ARRIVALS: Ability(Support.YES),
    Capability.EVENTS: Ability(Support.YES, "to its own arcs; others are told by the notifiers of cls:core"),
    Capability.RESOURCES: Ability(Support.YES),
    Capability.ARCS: Ability(Support.YES, "those of cls:core, which work with any provider"),
    Capability.CONTAINERS: Ability(
        Support.YES, "with cls-docker: its own arcs, and by --workloads docker those of others"
    ),
    Capability.POLICY: Ability(Support.NO, "who may use folders is for the file system to say"),
    Capability.DEPLOYMENT: Ability(Support.NO, "there is no service to deploy to: cls run runs it"),
}
