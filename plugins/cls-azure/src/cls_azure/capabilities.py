"""What the provider `azure` can do, and what that was tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clusterless.model.capability import Ability, Capability, Support

_LISTENING = "by messages such as Event Grid puts into a queue, on Azurite; how it is told to, by documented answers"
_TOLD = "Storage Queues on Azurite; Event Grid by a server that gives its documented answers"
_JOBS = "Container Apps by a server that takes its own messages and gives documented answers"
_LATER = "nothing renders it to Azure's templates; cls run works the same projects"

CAPABILITIES: Final[Mapping[Capability, Ability]] = {
    Capability.STORES: Ability(Support.UNTRIED, "tried on Azurite, and by documented answers played back"),
    Capability.ARRIVALS: Ability(Support.UNTRIED, _LISTENING),
    Capability.EVENTS: Ability(Support.UNTRIED, _TOLD),
    Capability.RESOURCES: Ability(Support.UNTRIED, "tried on Azurite"),
    Capability.ARCS: Ability(Support.UNTRIED, "tried on Azurite"),
    Capability.CONTAINERS: Ability(Support.UNTRIED, _JOBS),
    Capability.POLICY: Ability(Support.UNTRIED, "Azurite holds nobody to roles"),
    Capability.DEPLOYMENT: Ability(Support.NOT_YET, _LATER),
}
