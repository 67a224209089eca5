"""What the provider `gcp` can do, and what that was tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clusterless.model.capability import Ability, Capability, Support

_STORED = "tried on fake-gcs-server, and by documented answers played back"
_LISTENING = "by the notifications of fake-gcs-server, over a stand-in for how they are configured"
_JOBS = "Cloud Run by a server that takes its own messages and gives documented answers"
_LATER = "nothing renders it to templates for Google Cloud; cls run works the same projects"

CAPABILITIES: Final[Mapping[Capability, Ability]] = {
    Capability.STORES: Ability(Support.UNTRIED, _STORED),
    Capability.ARRIVALS: Ability(Support.UNTRIED, _LISTENING),
    Capability.EVENTS: Ability(Support.UNTRIED, "tried on the Pub/Sub emulator, which knows no filters"),
    Capability.RESOURCES: Ability(Support.UNTRIED, "tried on fake-gcs-server and the Pub/Sub emulator"),
    Capability.ARCS: Ability(Support.UNTRIED, "tried on fake-gcs-server"),
    Capability.CONTAINERS: Ability(Support.UNTRIED, _JOBS),
    Capability.POLICY: Ability(Support.UNTRIED, "the emulators hold nobody to roles"),
    Capability.DEPLOYMENT: Ability(Support.NOT_YET, _LATER),
}
